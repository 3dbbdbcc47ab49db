"""What a token lets its bearer do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """``ADMIN`` may do all; ``INVOKE`` calls functions and sends events; ``READ`` sees listings and
    metrics, and nothing of what functions get, print or return."""

    READ = "read"
    INVOKE = "invoke"
    ADMIN = "admin"


ANY_ROLE = (Role.READ, Role.INVOKE)
"""For ``Guard.check_token``: every token will do."""


NOBODYS_MARK = "*@"
"""As ``Token.mark``, of requests without a token where there are tokens. No token's name has a
``*`` or an ``@``."""


class Token(str):
    """A token, its role, and the ``name`` of who brings it; a plain string is an admin's."""

    __slots__ = ("name", "role")
    role: Role
    name: str

    def __new__(cls, text: str, role: Role = Role.ADMIN, name: str = "") -> Token:
        token = super().__new__(cls, text)
        token.role = role
        token.name = name
        return token

    @property
    def mark(self) -> str:
        """What the ids of events begin with that its bearer's requests make, so that they can be
        told from others' after a restart too; nothing for a token without a name."""
        return f"{self.name}@" if self.name else ""

    def __repr__(self) -> str:
        return f"<Token {self.name or 'without a name'}, {self.role}>"
