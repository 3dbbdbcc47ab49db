"""A slot: a sandbox that has been given to a function, and the invocations inside it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from nbfaas.agent import wire
from nbfaas.agent.buffers import SealedBuffer, views
from nbfaas.agent.claims import SETTLE, Claims
from nbfaas.agent.wire import INVOKE, RESULT, Chunk, Codec, Frame, Kind, WireError
from nbfaas.backends.base import Sandbox
from nbfaas.dispatch.invocation import Invocation
from nbfaas.model.function import Entry
from nbfaas.model.invocation import BUSY, CANCELLED, IDLE, QUEUED, RUNNING, SandboxState

if TYPE_CHECKING:
    from nbfaas.dispatch.lane import Lane
    from nbfaas.dispatch.state_desk import Seat, StateDesk
    from nbfaas.settings import Settings

NO_SECRETS: Mapping[str, str] = MappingProxyType({})
_LOAD = 1  # the number of the LOAD; invocations have higher ones
_GIVEN_BACK = 3  # how often an invocation may be lost before it was started, without being charged
# How long a cancelled invocation, next in turn, is waited for: the agent refuses it at once, unless
# it had begun it a moment before the revocation arrived.
_REVOKE_GRACE = 0.25


class SlotOwner(Protocol):
    """What a slot tells. Called on the loop's thread."""

    def started(self, slot: Slot, invocation: Invocation) -> None: ...
    def answered(self, slot: Slot, invocation: Invocation, frame: Frame, took: float) -> None: ...
    def logged(self, invocation: Invocation, stream: int, data: bytes) -> None: ...
    def revoked(self, slot: Slot, invocations: list[Invocation]) -> None: ...
    def load_failed(self, slot: Slot, frame: Frame) -> None: ...
    def overdue(self, slot: Slot, invocation: Invocation) -> None: ...
    def lost(self, slot: Slot, error: Exception | None) -> None: ...


class Slot:
    """The head of ``in_flight`` is running; the others wait in the sandbox behind it."""

    def __init__(
        self, sandbox: Sandbox, lane: Lane, owner: SlotOwner, settings: Settings, *, cold: bool
    ) -> None:
        self.sandbox = sandbox
        self.lane = lane
        self.cold = cold
        self.state = IDLE
        self.in_flight: dict[int, Invocation] = {}
        self.answered_count = 0
        self.memory = 0  # bytes that its process held at the peak of the last attempt
        self.dead = False
        self.desk: StateDesk | None = None
        self.held = True  # whether the loop has it; else it is parked, or a caller has it
        self.enough = 0  # in flight; with more than that it need not be fed
        self._owner = owner
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._number = _LOAD
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._claims: Claims | None = None
        self._asking: Seat | None = None  # once it has asked for state
        self._revoking = False
        self._refusing = 0  # the last number taken back, until the agent has said REVOKED to it
        self._revocable = range(0)  # the numbers that the agent may say REVOKED to
        now = self._loop.time()
        self.head_since = now
        self.idle_since = now
        self.last_heard = now
        sandbox.connection.on_frame = self._on_frame
        sandbox.connection.on_lost = self._on_lost

    def __repr__(self) -> str:
        return (
            f"<Slot {self.sandbox.id} {self.state} {self.lane.function.name} "
            f"{len(self.in_flight)} in flight, {self.answered_count} answered>"
        )

    @property
    def looks_ahead(self) -> bool:
        """Whether it may hold more than one invocation: only if they can be taken back."""
        return self._claims is not None and not self._revoking

    @property
    def head(self) -> Invocation | None:
        return next(iter(self.in_flight.values()), None)

    def load(self, secrets: Mapping[str, str] = NO_SECRETS) -> None:
        """Send the function. Invocations may be sent right behind it."""
        function = self.lane.function
        options = function.options
        welcome = {
            "log_limit": self._settings.log_limit,
            "result_limit": self._settings.result_limit,
        }
        control = {
            "function": function.name,
            "version": function.version,
            "entry": function.entry.value,
            "isolation": options.isolation.value,
            "env": dict(options.env),
            "requires": function.requires,
            "cpu": options.resources.cpu,
            "memory": options.resources.memory,
            "filename": function.filename,
        }
        page: list[SealedBuffer] = []
        if self.sandbox.connection.passes_descriptors:
            # Without a descriptor to be had there is no page, and so nothing is sent ahead.
            with contextlib.suppress(OSError):
                self._claims, passing = Claims.create()
                page.append(passing)
        kept = json.dumps(dict(secrets)).encode()
        self.sandbox.connection.send(
            [
                *wire.encode(Kind.WELCOME, 0, Codec.JSON, json.dumps(welcome).encode(), page),
                *(wire.encode(Kind.SECRETS, _LOAD, Codec.JSON, b"", (kept,)) if secrets else ()),
                *wire.encode(
                    Kind.LOAD,
                    _LOAD,
                    Codec.PICKLE,
                    json.dumps(control).encode(),
                    (function.payload,),
                ),
            ]
        )

    def send(self, invocations: Sequence[Invocation]) -> None:
        """Send invocations, to be run one after the other."""
        chunks: list[Chunk] = []
        was_idle = not self.in_flight
        passes = self.sandbox.connection.passes_descriptors
        for invocation in invocations:
            self._number += 1
            self.in_flight[self._number] = invocation
            invocation.slot = self
            parts = invocation.parts if passes else views(invocation.parts)
            control = self._control(invocation)
            chunks += wire.encode(INVOKE, self._number, invocation.codec, control, parts)
        if was_idle:
            self.last_heard = self._loop.time()
            self._start_head(self.last_heard)
        self.sandbox.connection.send(wire.joined(chunks))

    def charged_head(self) -> Invocation | None:
        """The invocation that has used up an attempt should the sandbox be gone: the head, unless
        the agent provably has not started it. (Not more than a few times, though: a sandbox could
        lie about it for ever.)"""
        number = next(iter(self.in_flight), 0)
        head = self.in_flight.get(number)
        if head is None or self._claims is None or self._claims.claimed >= number:
            return head
        head.given_back += 1
        return head if head.given_back > _GIVEN_BACK else None

    def park(self) -> None:
        """Nothing is left to do: let the next caller have it."""
        if not self.held:
            return  # it is parked already, or a caller has it: it must not be had by two
        self.state = IDLE
        self.held = False
        self.lane.parked.append(self)

    def take(self) -> bool:
        """Whether it is idle, and from now on the loop's alone."""
        if self.in_flight or self.dead:
            return False
        if not self.held:
            try:
                self.lane.parked.remove(self)
            except ValueError:
                return False  # a caller has it, and is about to send
            self.held = True
        return True

    def send_directly(self, invocation: Invocation) -> bool:
        """Send one invocation from the calling thread, which has got this slot from
        ``lane.parked``. False if the sandbox was lost meanwhile: nothing was sent."""
        self._number += 1
        number = self._number
        control = self._control(invocation)
        now = self._loop.time()
        self.head_since = self.last_heard = invocation.ready_at = now
        self.state = BUSY
        invocation.slot = self
        invocation.state = RUNNING
        invocation.attempts_made = 1
        self.in_flight[number] = invocation
        frame = wire.encode(INVOKE, number, invocation.codec, control, invocation.parts)
        self.sandbox.connection.send(frame)
        # The loop may have given it up at any moment. It has either found the invocation in
        # flight and takes care of it, or not; then it is still there.
        if self.dead and self.in_flight.pop(number, None) is not None:
            invocation.slot = None
            invocation.state = QUEUED
            invocation.attempts_made = 0
            return False
        return True

    def recover(self, invocation: Invocation) -> bool:
        """Take the slot from a caller that was interrupted while it had it; whether nothing had
        been sent. (Else the invocation is, or was, in flight, and the loop has the slot anyway.)"""
        if invocation.announced or self.in_flight or self.dead:
            return False
        invocation.slot, invocation.state = None, QUEUED
        self.held = True
        return True

    def watch_head(self) -> None:
        """Set the deadline of an invocation that was sent directly."""
        head = self.head
        timeout = None if head is None else head.function.options.timeout
        if timeout is not None:
            self._set_deadline(self.head_since + timeout)

    def _control(self, invocation: Invocation) -> bytes:
        """What the function learns of its invocation, if it has a ``Context``."""
        event = invocation.event
        function = invocation.function
        if event is None and function.entry is not Entry.HANDLER and not function.takes_context:
            return b""
        first = not self.answered_count and self.head in (None, invocation)
        control = {
            "id": invocation.id,
            "attempt": invocation.attempts_made + 1,
            "timeout": function.options.timeout,
            "cold_start": self.cold and first,
        }
        return json.dumps(control | event if event else control).encode()

    def revoke_waiting(self) -> None:
        """Take back what waits behind the head, as far as the agent has not started it; the owner
        gets it through ``revoked``, a moment later."""
        if self._claims is None or self._revoking or len(self.in_flight) < 2:
            return
        if self._refusing:
            return  # another range would let the agent start what was taken back with this one
        numbers = list(self.in_flight)
        self._revoking = True
        self._revocable = range(numbers[1], numbers[-1] + 1)
        self._claims.revoke(numbers[1], numbers[-1])
        self._loop.call_later(SETTLE, self._finish_revocation, numbers[1], numbers[-1])

    def _finish_revocation(self, first: int, last: int) -> None:
        self._revoking = False
        if self.dead or self._claims is None:
            return
        first = max(first, self._claims.claimed + 1)
        numbers = [number for number in self.in_flight if first <= number <= last]
        if not numbers:
            return  # all were started meanwhile; perhaps they are answered, and it is idle
        self._refusing = numbers[-1]
        back = [self.in_flight.pop(number) for number in numbers]
        self._revoked(back, self._loop.time())

    def _revoked(self, invocations: list[Invocation], now: float) -> None:
        if not self.in_flight and self.state is BUSY:
            self._become_idle(now)
        self._owner.revoked(self, invocations)

    def release(self) -> list[Invocation]:
        """Let go of the sandbox: no more is heard of it. Returns what was in flight, in order."""
        self.dead = True
        self.state = SandboxState.STOPPING
        if not self.held:
            with contextlib.suppress(ValueError):
                self.lane.parked.remove(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        connection = self.sandbox.connection
        connection.on_frame = _ignore
        connection.on_lost = _ignore
        # One by one: a caller may be adding its own at this moment, and either side must get it.
        unfinished: list[Invocation] = []
        with contextlib.suppress(KeyError):
            while True:
                unfinished.append(self.in_flight.popitem()[1])
        return unfinished[::-1]

    # -- what the agent says

    def _on_frame(self, frame: Frame) -> None:
        kind = frame.kind
        now = self.last_heard = self._loop.time()
        if kind == RESULT or (kind == Kind.FAILURE and frame.call != _LOAD):
            number = next(iter(self.in_flight), 0)
            if number != frame.call or len(frame.control) < wire.STATS.size:
                self._on_lost(WireError(f"an answer to {frame.call}, expected one to {number}"))
                return
            invocation = self.in_flight.pop(number)
            self.answered_count += 1
            took = now - self.head_since
            if self.in_flight:
                self._start_head(now)
            else:
                self._become_idle(now)
            self._owner.answered(self, invocation, frame, took)
        elif kind == Kind.LOG:
            invocation_or_none = self.in_flight.get(frame.call)
            if invocation_or_none is None and frame.call == _LOAD:
                invocation_or_none = self.head  # what the function's modules print on import
            if invocation_or_none is not None:
                stream = 2 if frame.codec == 2 else 1
                self._owner.logged(invocation_or_none, stream, b"".join(views(frame.parts)))
        elif kind == Kind.REVOKED:
            self._on_revoked(frame.call, now)
        elif kind == Kind.STATE and self.desk is not None:
            number = next(iter(self.in_flight), 0)
            if number != frame.call:
                self._on_lost(WireError(f"state for {frame.call}, while {number} is running"))
                return
            self._asking = self._asking or self.desk.seat(self.lane.function.name, self)
            self._asking.ask(frame)
        elif kind == Kind.FAILURE:
            self._owner.load_failed(self, frame)
        elif kind not in (Kind.LOADED, Kind.PONG):
            self._on_lost(WireError(f"a {Kind(kind).name} frame, which an agent never sends"))

    def _on_revoked(self, number: int, now: float) -> None:
        if number >= self._refusing:
            self._refusing = 0
        if number not in self.in_flight:
            return  # ``_finish_revocation`` was first
        if number not in self._revocable:
            # Believed, it would be sent again, and be refused again, for ever.
            self._on_lost(WireError(f"it refuses {number}, which was not taken back"))
            return
        head = next(iter(self.in_flight))
        invocation = self.in_flight.pop(number)
        if number == head and self.in_flight:
            self._start_head(now)
        self._revoked([invocation], now)

    def answer_state(self, chunks: list[Chunk]) -> None:
        if not self.dead:
            self.sandbox.connection.send(chunks)

    def break_off(self, reason: str) -> None:
        """It has broken the protocol."""
        self._on_lost(WireError(reason))

    def _become_idle(self, now: float) -> None:
        self.held = True
        self.idle_since = now
        self.state = IDLE
        self._deadline = None

    def _on_lost(self, error: Exception | None) -> None:
        if not self.dead:
            self._owner.lost(self, error)

    # -- deadlines

    def _start_head(self, now: float) -> None:
        self.head_since = now
        self.state = BUSY
        head = next(iter(self.in_flight.values()))
        if head.state is CANCELLED:
            self._set_deadline(now + _REVOKE_GRACE)
            return
        timeout = head.function.options.timeout
        self._set_deadline(None if timeout is None else now + timeout)
        self._owner.started(self, head)

    def _set_deadline(self, deadline: float | None) -> None:
        """One timer serves all invocations: it looks at the present deadline when it fires, and is
        moved only for an earlier one."""
        self._deadline = deadline
        if deadline is None:
            return
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._deadline is None or self.dead:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._on_timer)
            return
        head = self.head
        if head is not None:
            self._owner.overdue(self, head)


def _ignore(_: Any) -> None:
    """A released sandbox has nothing to say."""
