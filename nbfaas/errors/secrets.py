"""What is wrong with secrets. No message has a value in it."""

from __future__ import annotations

from nbfaas.errors.base import NbfaasError


class SecretMissing(NbfaasError):
    """A secret has no value where it is to be read from."""

    def __init__(self, name: str, where: str, fix: str, function: str | None = None) -> None:
        needed = f", which the function {function!r} needs," if function else ""
        super().__init__(f"the secret {name!r}{needed} has no value: {where}. {fix}")
        self.name = name
        self.where = where
        self.fix = fix
        self.function = function

    def needed_by(self, function: str) -> SecretMissing:
        """The same, naming the function."""
        return SecretMissing(self.name, self.where, self.fix, function)
