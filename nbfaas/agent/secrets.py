"""Secrets inside the sandbox: ``context.secrets``, their files, and keeping them out of output."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from nbfaas.agent.buffers import views
from nbfaas.agent.wire import Part

SHORTEST_REDACTED = 6
"""Characters; shorter values would be found in what has nothing to do with them."""
HOME_VARIABLE = "NBFAAS_SANDBOX"
"""Where a sandbox that is no container has its home, and so its files of secrets."""


class Secrets(Mapping[str, str]):
    """The values of a function's secrets by name; its repr tells the names only.

    It stays in its sandbox: it can't be pickled.
    """

    def __init__(self, values: Mapping[str, str], folder: str | None = None) -> None:
        self._values = dict(values)
        self._folder = folder

    def __getitem__(self, name: str) -> str:
        try:
            return self._values[name]
        except KeyError:
            there = ", ".join(self._values) or "none"
            raise KeyError(
                f"the function was given no secret {name!r} (it has {there}); declare it: "
                f"@remote(secrets=[Secret.from_env({name!r})])"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def path(self, name: str) -> str:
        """The file with the value, for what wants to read it from one: ``open(path).read()``."""
        self[name]
        if self._folder is None:
            raise FileNotFoundError(
                f"the secret {name!r} has a file in a sandbox only; here, take its value: "
                f"context.secrets[{name!r}]"
            )
        return os.path.join(self._folder, name)

    def __repr__(self) -> str:
        return f"<Secrets {', '.join(self._values) or 'none'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("secrets stay in their sandbox; don't return or ship them")


class SecretNames(tuple[str, ...]):
    """What a ``Secret`` that a function refers to is in its sandbox: names, no values."""

    def __repr__(self) -> str:
        return f"<Secret {', '.join(self)}: its values are in context.secrets>"

    def __reduce__(self) -> tuple[object, ...]:
        return SecretNames, (tuple(self),)


def secrets_folder() -> str:
    """A folder of the sandbox's own: a container's scratch is in memory."""
    home = os.environ.get(HOME_VARIABLE) or "/tmp"  # noqa: S108
    return os.path.join(home, ".nbfaas", "secrets")


def keep_secrets(values: Mapping[str, str]) -> Secrets:
    """Write each value to a file that only this user can read, and nobody write. Raises
    ``OSError``."""
    if not values:
        return Secrets({})
    folder = secrets_folder()
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for name, value in values.items():
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(os.path.join(folder, name), flags, 0o400), "wb") as file:
            file.write(value.encode())
    return Secrets(values, folder)


class Redactor:
    """Puts ``***NAME***`` in the place of values. Best effort: it knows a value as it is, and as
    ``repr`` and JSON write it; not in parts, turned round, or encoded otherwise."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._names: dict[str, str] = {}
        for name, value in values.items():
            if len(value) >= SHORTEST_REDACTED:
                quoted = json.dumps(value)[1:-1]
                for form in (value, value.strip(), repr(value)[1:-1], quoted):
                    if len(form) >= SHORTEST_REDACTED:
                        self._names.setdefault(form, name)
        longest_first = sorted(self._names, key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first)) or r"(?!)"
        self._text = re.compile(pattern)
        self._bytes = re.compile(pattern.encode())

    def __repr__(self) -> str:
        return f"<Redactor of {', '.join(sorted(set(self._names.values()))) or 'nothing'}>"

    def of_bytes(self, data: bytes) -> bytes:
        return self._bytes.sub(lambda found: self._mark(found[0].decode()).encode(), data)

    def of_text(self, text: str) -> str:
        return self._text.sub(lambda found: self._mark(found[0]), text)

    def of_data(self, data: Any) -> Any:
        """The same dicts and lists, all texts in them redacted."""
        if isinstance(data, str):
            return self.of_text(data)
        if isinstance(data, dict):
            return {key: self.of_data(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.of_data(each) for each in data]
        return data

    def finds_in(self, parts: Sequence[Part]) -> bool:
        return any(self._bytes.search(part) for part in views(parts))

    def _mark(self, value: str) -> str:
        return f"***{self._names[value]}***"
