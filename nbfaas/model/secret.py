"""Secrets: named values that only sandboxes get, and only over their socket.

A ``Secret`` says where values are to be found. They are looked up when a sandbox is given its
function, and are in no repr, no pickle and no hash.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from nbfaas.agent.secrets import SecretNames
from nbfaas.errors import OptionError, SecretMissing

MAX_VALUE = 64 * 1024
"""Bytes of one value in UTF-8."""
_MAX_FILE = 1024 * 1024
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LINE = re.compile(
    r"""\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"""
    r"""(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(.*?))\s*(?:(?<=\s)#.*)?$"""
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Secret:
    """One or more values under their names; made by ``from_env``, ``from_dotenv``, ``from_dict``.

    A function that refers to one gets the names only; the values are in ``context.secrets``.
    """

    __slots__ = ("_path", "_values", "label", "names")

    def __init__(
        self,
        names: Sequence[str],
        *,
        path: str | None = None,
        values: Mapping[str, str] | None = None,
        label: str = "",
    ) -> None:
        for name in names:
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise OptionError("secrets", name, "a secret's name has letters, digits and _")
        if not names:
            raise OptionError("secrets", (), "name at least one secret")
        self.names = tuple(dict.fromkeys(names))
        self.label = label
        self._path = path
        self._values = values

    @classmethod
    def from_env(cls, *names: str) -> Secret:
        """The values of these environment variables of this process. Raises ``SecretMissing``."""
        return cls._checked(cls(names))

    @classmethod
    def from_dotenv(cls, path: str | os.PathLike[str], *names: str) -> Secret:
        """The values that a file of lines ``NAME=value`` has for these names, or, without names,
        all it has now. Raises ``SecretMissing``."""
        path = os.path.abspath(os.path.expanduser(os.fspath(path)))
        if not names:
            names = tuple(_read_dotenv(path, "*"))
            if not names:
                raise SecretMissing("*", f"{path} has no lines NAME=value", "Write some into it.")
        return cls._checked(cls(names, path=path))

    @classmethod
    def from_dict(cls, values: Mapping[str, str], name: str = "") -> Secret:
        """These very values. ``name`` tells them from others under the same names: functions with
        differently named secrets never share a sandbox."""
        for each in values.values():
            if not isinstance(each, str):
                raise OptionError("secrets", type(each).__name__, "the value of a secret is a str")
        if not isinstance(name, str):
            raise OptionError("secrets", name, "the name is a str")
        return cls._checked(cls(tuple(values), values=dict(values), label=name))

    @classmethod
    def expected(cls, names: Sequence[str]) -> Secret:
        """Environment variables that need not be there yet: those of a deployed function."""
        return cls(names)

    @classmethod
    def _checked(cls, secret: Secret) -> Secret:
        secret.read()
        return secret

    def read(self) -> dict[str, str]:
        """The present values by name. Raises ``SecretMissing``."""
        where, fix = "it is not in the dict", "Add it."
        if self._values is not None:
            found = self._values
        elif self._path is not None:
            found = _read_dotenv(self._path, self.names[0])
            where, fix = f"{self._path} has no line for it", "Add a line NAME=value."
        else:
            found = os.environ
            where = "this process has no environment variable of that name"
            fix = "Set it before the kernel starts, or in a cell by os.environ, or use from_dotenv."
        values = {}
        for name in self.names:
            value = found.get(name)
            if value is None:
                raise SecretMissing(name, where, fix)
            try:
                size = len(value.encode())
            except UnicodeEncodeError:
                raise SecretMissing(name, "its value is no Unicode text", fix) from None
            if size > MAX_VALUE:
                problem = f"its value has {size} bytes, and {MAX_VALUE} are allowed"
                raise SecretMissing(name, problem, "Mount a file with volumes= instead.")
            values[name] = value
        return values

    def __repr__(self) -> str:
        label = f"{self.label!r}: " if self.label else ""
        return f"<Secret {label}{', '.join(self.names)}>"

    def __reduce__(self) -> tuple[object, ...]:
        return SecretNames, (self.names,)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self


def read_secrets(secrets: Sequence[Secret], function: str) -> dict[str, str]:
    """All present values, of the same name the last one. Raises ``SecretMissing``, naming the
    function."""
    values: dict[str, str] = {}
    for secret in secrets:
        try:
            values.update(secret.read())
        except SecretMissing as error:
            raise error.needed_by(function) from None
    return values


def secret_names(secrets: Sequence[Secret]) -> tuple[str, ...]:
    """The names of all values, sorted."""
    return tuple(sorted({name for secret in secrets for name in secret.names}))


def _read_dotenv(path: str, name: str) -> dict[str, str]:
    fix = "Give the path of a file with lines NAME=value."
    try:
        # Not a pipe or a device: nobody may keep the loop waiting here.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SecretMissing(name, f"{path} is no regular file", fix)
            text = file.read(_MAX_FILE).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise SecretMissing(name, f"{path} can't be read ({reason})", fix) from None
    found: dict[str, str] = {}
    for line in text.splitlines():
        if match := _LINE.match(line):
            key, double, single, bare = match.groups()
            if double is not None:
                double = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), double)
            found[key] = next(each for each in (double, single, bare) if each is not None)
    return found
