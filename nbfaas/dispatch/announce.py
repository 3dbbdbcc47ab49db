"""The records that say that an invocation goes on its way."""

from __future__ import annotations

import time

from nbfaas.dispatch.invocation import Invocation
from nbfaas.dispatch.slot import Slot
from nbfaas.model.records import AttemptStarted, InvocationQueued, Subscriber


def queued(invocation: Invocation, publish: Subscriber) -> None:
    """Its way in is told now, if it is to be recorded at all."""
    invocation.announced = True
    function = invocation.function
    if function.recorded:
        publish(
            InvocationQueued(
                invocation.queued_at,
                invocation.id,
                function.name,
                function.version,
                invocation.run_id,
                invocation.index,
            )
        )


def started(slot: Slot, invocation: Invocation, publish: Subscriber) -> None:
    if invocation.function.recorded:
        cold = slot.cold and not slot.answered_count
        attempt, sandbox = invocation.attempts_made, slot.sandbox.id
        publish(AttemptStarted(time.time(), invocation.id, attempt, sandbox, cold))


def sent_directly(slot: Slot, invocation: Invocation, publish: Subscriber) -> None:
    """Publish how a directly sent invocation came in, before anything else of it. (Its answer may
    come before the caller has got as far as saying that it was sent.)"""
    slot.lane.keep_alive.called(slot.head_since)
    queued(invocation, publish)
    started(slot, invocation, publish)
