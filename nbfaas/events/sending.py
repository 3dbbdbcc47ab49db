"""Sending events from here, and what was sent in this session."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbfaas.agent.event import Event
from nbfaas.dispatch.invocation import event_invocation
from nbfaas.events.locally import find_function
from nbfaas.remote.call import FunctionCall, submit
from nbfaas.remote.decorator import remote
from nbfaas.remote.function import RemoteFunction
from nbfaas.service import get_service
from nbfaas.triggers.receipt import Receipt

if TYPE_CHECKING:
    from nbfaas.events.outcome import SentDelivery

_REMEMBERED = 1_000

_sent: deque[Sent] = deque(maxlen=_REMEMBERED)


class Sent:
    """An event that was sent from here: ``receipt`` says which triggers it led to. If it was
    refused, ``receipt`` is None and ``refusal`` says why. ``at``: seconds since the epoch."""

    def __init__(
        self, event: Event, to: str | None, receipt: Receipt | None, refusal: str | None = None
    ) -> None:
        self.event = event
        self.to = to
        self.receipt = receipt
        self.refusal = refusal
        self.at = time.time()

    @property
    def id(self) -> str:
        return self.event.id

    @property
    def triggers(self) -> tuple[str, ...]:
        """The triggers that it is delivered for."""
        return () if self.receipt is None else self.receipt.triggers

    @property
    def duplicate(self) -> bool:
        """The event had been accepted before, and was not delivered again."""
        return self.receipt is not None and self.receipt.duplicate

    def deliveries(self) -> list[SentDelivery]:
        """What has become of it until now: the deliveries with their attempts, and what their
        destinations got. Of a duplicate: those of the event that was there before."""
        from nbfaas.events.outcome import deliveries_of

        return [] if self.receipt is None else deliveries_of(get_service(), self.event)

    def wait(self, timeout: float = 60.0) -> list[SentDelivery]:
        """``deliveries()``, once each of them, and of what their destinations got, is done or dead,
        or ``timeout`` seconds are over."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.deliveries()
            if all(each.settled for each in found) or time.monotonic() >= deadline:
                return found
            time.sleep(0.02)

    def replay(self, *, exact: bool = False, **changes: Any) -> Sent:
        """Send it again, to where it was sent, as a new event (see ``fresh``) with some attributes
        changed; ``exact``: as the same event, which is a duplicate then. Raises what ``send``
        raises."""
        event = self.event.replace(**changes) if exact else fresh(self.event, **changes)
        return send(event, to=self.to)

    def __repr__(self) -> str:
        if self.receipt is None:
            return f"<Sent {self.event.type} {self.id} refused: {self.refusal}>"
        if self.duplicate:
            return f"<Sent {self.event.type} {self.id}: a duplicate>"
        leads = ", ".join(self.triggers) or "no trigger matches"
        return f"<Sent {self.event.type} {self.id} → {leads}>"


def send(event: Event, *, to: str | None = None) -> Sent:
    """Put an event on the bus as it is, and remember it in ``history()``. ``to``: the name of a
    trigger that gets it as well, whatever its rule.

    Raises what ``nbfaas.emit`` raises, and ``UnknownTrigger``; refused events are remembered, too.
    """
    service = get_service()
    engine = service.events
    if to is not None:
        engine.triggers[to]
    accepting = engine.accept([event], to=[] if to is None else [to])
    try:
        receipt = service.run(accepting)[0]
    except Exception as error:
        _sent.append(Sent(event, to, None, f"{type(error).__name__}: {error}"))
        raise
    sent = Sent(event, to, receipt)
    _sent.append(sent)
    return sent


def fresh(event: Event, **changes: Any) -> Event:
    """The event with an id of its own and the time of now: another one, of the same kind.
    ``changes`` are attributes; given there, id and time are taken as they are."""
    return event.replace(**{"id": None, "time": None, **changes})


def history(limit: int = _REMEMBERED) -> list[Sent]:
    """What was sent from here in this session (with ``send``, by bursts and replays), the latest
    first; 1,000 are remembered."""
    return list(_sent)[: -limit - 1 : -1]


def invoke(function: Callable[..., Any] | str, event: Event) -> FunctionCall[Any]:
    """Run a function (or the one with this name) in a sandbox with ``event``, apart from the bus:
    no rule is asked, nothing is delivered again, no destination gets the result. Returns the
    ``FunctionCall``. A plain function is made a remote one. Raises ``UnknownFunction`` and
    ``PackagingError``."""
    found = find_function(function)
    target = found if isinstance(found, RemoteFunction) else remote(found)
    service = get_service()
    invocation = event_invocation(
        service.new_id(),
        target.version(),
        event.to_json(),
        attempt=1,
        trigger="simulator",
        queued_at=time.time(),
    )
    return submit(invocation, service)
