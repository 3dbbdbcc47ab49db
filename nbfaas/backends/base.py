"""Backends: where sandboxes live. This page is what a new backend has to provide.

A backend starts sandboxes; a sandbox runs one agent and is spoken to over its ``connection``. The
dispatcher holds all policy; a backend only does what it is told, and never blocks the loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from nbfaas.agent.wire import Chunk, Frame
from nbfaas.model.function import Resources, Volume
from nbfaas.model.image import ImageSpec


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What is fixed when a sandbox starts. Two functions with equal specs may be given sandboxes
    from the same prewarmed stock (never the same sandbox); ``resources`` may be changed by
    ``Sandbox.resize`` before the hand-over."""

    image: ImageSpec
    resources: Resources
    volumes: tuple[Volume, ...] = ()
    network: bool = False


class DeathKind(StrEnum):
    OOM = "oom"
    EXITED = "exited"  # by itself, with an exit code
    SIGNALLED = "signalled"  # by a signal of its own making: SIGSEGV, SIGABRT, …
    KILLED = "killed"  # from outside: docker kill, SIGKILL that was not the OOM killer
    FROZEN = "frozen"  # still there, but paused or stopped
    PROTOCOL = "protocol"  # spoke something else than the protocol
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Death:
    """Why a sandbox is of no further use."""

    kind: DeathKind
    detail: str
    exit_code: int | None = None
    signal_name: str | None = None


@dataclass(frozen=True, slots=True)
class Hello:
    """What an agent says of itself when it connects."""

    python: tuple[int, int, int]
    pid: int  # in the sandbox's own namespace


class Connection(Protocol):
    """The host's end of the wire to one agent. Used from the loop's thread only."""

    on_frame: Callable[[Frame], None]
    """Called for every frame, in order. Set by whoever holds the connection."""
    on_lost: Callable[[Exception | None], None]
    """Called once, when the other end closed (None) or broke the protocol (``WireError``)."""

    @property
    def passes_descriptors(self) -> bool:
        """Whether frames may be sent whose parts are ``SealedBuffer``s."""

    def send(self, chunks: list[Chunk]) -> None:
        """Queue the chunks of one or more frames (from ``wire.encode``) and return at once.
        What can't be written now is written as the agent reads. After a loss this does nothing."""

    def close(self) -> None:
        """Close; the agent then exits. ``on_lost`` is not called for one's own close."""


class Sandbox(ABC):
    """A running agent in its isolated place."""

    id: str
    """Short, unique on this machine, the same that `docker ps` shows."""
    spec: SandboxSpec
    connection: Connection
    hello: Hello

    @abstractmethod
    async def resize(self, resources: Resources) -> None:
        """Give the sandbox other limits. Called only before its first function is loaded.
        ``scratch`` is fixed when a sandbox starts: asking for another one is a ValueError."""

    @abstractmethod
    async def probe(self) -> Death | None:
        """Look whether the sandbox can still make progress. None: it can (or may be able to).
        Called when it has been silent for some seconds; must answer within two seconds."""

    @abstractmethod
    async def autopsy(self) -> Death:
        """Find out why the connection was lost. Called at most once, right after the loss, and
        before ``destroy``. Must not wait for more than two seconds."""

    @abstractmethod
    async def destroy(self) -> None:
        """Kill whatever still runs and remove every trace: container, socket, folder, process.
        Idempotent; never raises; returns when nothing is left."""


class Backend(ABC):
    """Starts sandboxes. All methods are called from the loop's thread."""

    name: str
    isolates: bool
    """Whether a sandbox keeps its function from the host's files, network and processes."""

    @abstractmethod
    async def open(self) -> None:
        """Connect and sweep what earlier owners, no longer alive, have left.
        Raises ``BackendUnavailable``."""

    @abstractmethod
    async def prepare(self, image: ImageSpec) -> None:
        """Make sure the image exists, building it if need be; concurrent calls build once.
        Raises ``ImageError``, or ``PythonMismatch`` where that can be seen without starting it."""

    @abstractmethod
    async def start(self, spec: SandboxSpec) -> Sandbox:
        """Start a sandbox and return it when its agent has said HELLO (WELCOME is not yet sent).
        Includes ``prepare``. Leaves nothing behind when it fails or is cancelled.
        Raises ``SandboxStartFailed``, ``ImageError``, ``VolumeError``, ``BackendUnavailable``."""

    @abstractmethod
    async def sweep(self) -> int:
        """Remove sandboxes whose owning process is no longer alive; return how many."""

    @abstractmethod
    async def close(self) -> None:
        """Release what ``open`` took. The dispatcher has destroyed all sandboxes before."""
