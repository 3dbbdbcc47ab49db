"""Functions as data: options, limits, and the version that names one state of code and options."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from nbfaas.model.image import ImageSpec
from nbfaas.model.secret import Secret

MB = 1024 * 1024


class Isolation(StrEnum):
    """Whether invocations share the sandbox's process."""

    REUSE = "reuse"  # one process runs many invocations, one after the other
    CALL = "call"  # each invocation gets a fresh process, forked from the loaded function


class Entry(StrEnum):
    """What the payload is."""

    FUNCTION = "function"  # a pickled function
    HANDLER = "handler"  # source text, a module whose ``handler(event, context)`` is called


@dataclass(frozen=True, slots=True)
class Resources:
    """What one sandbox may use. ``cpu`` in cores, ``memory`` and ``scratch`` (/tmp) in bytes."""

    cpu: float = 1.0
    memory: int = 512 * MB
    pids: int = 256
    scratch: int = 256 * MB


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and when, an attempt that failed is tried again.

    The delay before retry ``n`` (from 1) is ``initial_delay * backoff_coefficient ** (n - 1)``
    seconds, never more than ``max_delay``. ``retry_on`` limits retries to these exception types;
    a timeout is a ``FunctionTimeout``, a killed sandbox a ``SandboxLost``.
    """

    max_retries: int = 2
    initial_delay: float = 1.0
    backoff_coefficient: float = 2.0
    max_delay: float = 60.0
    retry_on: tuple[type[BaseException], ...] = (Exception,)


NO_RETRIES = Retries(max_retries=0)


@dataclass(frozen=True, slots=True)
class Volume:
    """Something mounted at ``target``: a named volume, or a folder of the host's."""

    target: str
    source: str  # a volume's name, or an absolute path
    read_only: bool = False

    @property
    def is_host_folder(self) -> bool:
        return self.source.startswith("/")


@dataclass(frozen=True, slots=True)
class FunctionOptions:
    """Everything that is declared about a function besides its code."""

    image: ImageSpec = field(default_factory=ImageSpec)
    resources: Resources = field(default_factory=Resources)
    timeout: float | None = 300.0  # seconds for one attempt; None: no limit
    retries: Retries = NO_RETRIES
    max_containers: int | None = None  # None: as many as the machine's budget allows
    env: tuple[tuple[str, str], ...] = ()
    volumes: tuple[Volume, ...] = ()
    network: bool = False
    isolation: Isolation = Isolation.REUSE
    trust: tuple[str, ...] = ()  # modules whose types are unpickled from results
    secrets: tuple[Secret, ...] = ()

    def changed(self, **changes: object) -> FunctionOptions:
        return replace(self, **changes)  # type: ignore[arg-type]

    def fingerprint(self) -> str:
        """JSON of all options, the same for equal options. Of secrets it has the names."""
        shown = {f.name: repr(getattr(self, f.name)) for f in fields(self)}
        if not self.secrets:
            del shown["secrets"]  # as before there were any
        return json.dumps(shown, sort_keys=True)


@dataclass(frozen=True, slots=True, eq=False)
class FunctionVersion:
    """One state of a function: code and options. Never changed; a change makes another version.

    ``digest`` is the SHA-256, 64 hex digits, of all that sandboxes are given: payload, name, entry,
    options. By it versions are told apart; its first 12 digits, ``version``, are for people and
    records, as somebody could make two functions that have the same ones. ``requires`` are the
    top-level modules the payload imports by name, checked in the sandbox before it is loaded.
    """

    name: str
    version: str
    payload: bytes
    options: FunctionOptions
    entry: Entry = Entry.FUNCTION
    requires: tuple[str, ...] = ()
    filename: str = ""  # for handlers: the file name that tracebacks show
    takes_context: bool = False  # whether it is told of its invocation, handlers aside
    recorded: bool = True  # whether records of its invocations are made; not of a mere probe
    is_cell: bool = False  # whether it is what ``%%faas`` runs, so that its options stand there
    digest: str = ""  # none of what runs elsewhere, or has ended

    @classmethod
    def make(
        cls,
        name: str,
        payload: bytes,
        options: FunctionOptions,
        *,
        entry: Entry = Entry.FUNCTION,
        requires: tuple[str, ...] = (),
        filename: str = "",
        takes_context: bool = False,
        is_cell: bool = False,
    ) -> FunctionVersion:
        # The payload's length goes first: what is hashed can be read in one way only.
        hashed = hashlib.sha256(b"%d\0" % len(payload))
        hashed.update(payload)
        described = [name, entry, requires, takes_context, options.fingerprint()]
        hashed.update(json.dumps(described).encode())
        digest = hashed.hexdigest()
        return cls(
            name,
            digest[:12],
            payload,
            options,
            entry,
            requires,
            filename,
            takes_context,
            is_cell=is_cell,
            digest=digest,
        )

    def __repr__(self) -> str:
        return f"<FunctionVersion {self.name}@{self.version} {len(self.payload)} bytes>"
