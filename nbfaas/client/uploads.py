"""Functions of this notebook on their way to a server: each version goes there once."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from nbfaas.errors import PayloadTooLarge, PythonMismatch
from nbfaas.model import session
from nbfaas.model.function import Entry, FunctionVersion
from nbfaas.model.manifest_options import describe_options
from nbfaas.model.secret import Secret, read_secrets

_FRAMING = 512 * 1024  # bytes that an upload has besides the payload, at most: secrets, options


@dataclass(frozen=True, slots=True, eq=False)
class ServedVersion(FunctionVersion):
    """What a server runs when it is asked for ``reference``: which version, it decides itself."""

    reference: str = ""


class Uploads:
    """Thread-safe. ``send`` gets the commands; ``python`` is the server's (major, minor), ``limit``
    the bytes that it takes at once."""

    def __init__(
        self, send: Callable[[session.Command], None], python: tuple[int, int], limit: int
    ) -> None:
        self._send = send
        self._limit = limit
        self._python = python
        # By digest, and by the secrets it was declared with, whose values may differ.
        self._keys: dict[tuple[str, tuple[Secret, ...]], str] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Uploads {', '.join(self._keys.values()) or 'none'}>"

    def key_of(self, function: FunctionVersion) -> tuple[str, bool]:
        """What it is called there, and whether it is served rather than this notebook's; it is sent
        there if it was not yet. Raises ``PythonMismatch``, ``PayloadTooLarge``,
        ``SecretMissing``."""
        if isinstance(function, ServedVersion):
            return function.reference, True
        which = (function.digest, function.options.secrets)
        with self._lock:
            key = self._keys.get(which)
            if key is None:
                key = f"{function.version}.{next(self._numbers)}"
                self._send(self._upload(function, key))
                self._keys[which] = key
            return key, False

    def supersede(self, digest: str) -> None:
        with self._lock:
            for which in [each for each in self._keys if each[0] == digest]:
                self._send(session.Supersede(self._keys.pop(which)))

    def check(self, function: str, entry: Entry, size: int) -> None:
        """Whether the server can take it: ``size`` bytes. Raises ``PythonMismatch``,
        ``PayloadTooLarge``."""
        here = sys.version_info[:2]
        if entry is Entry.FUNCTION and here != self._python:
            there = ".".join(map(str, self._python))
            raise PythonMismatch("of the server", there, ".".join(map(str, here)))
        if size > self._limit - _FRAMING:
            error = PayloadTooLarge(f"function {function!r}", size, self._limit)
            error.add_note("(It is the server's limit: session_limit in its configuration.)")
            raise error

    def _upload(self, function: FunctionVersion, key: str) -> session.Upload:
        self.check(function.name, function.entry, len(function.payload))
        options = function.options
        return session.Upload(
            key,
            function.name,
            function.version,
            function.entry,
            function.requires,
            function.filename,
            function.takes_context,
            describe_options(options),
            options.image,
            read_secrets(options.secrets, function.name),
            function.payload,
        )
