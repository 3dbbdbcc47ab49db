"""What tests of events share: seeing, from here, what functions did in their sandboxes."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

import nbfaas
from nbfaas.delivery.entry import KeptDelivery
from nbfaas.model.delivery import DeliveryPolicy, DeliveryState
from nbfaas.model.invocation import InvocationState
from nbfaas.remote.function import RemoteFunction
from nbfaas.service import Service

SOON = DeliveryPolicy(initial_delay=0.02, max_delay=0.05)
"""The usual number of attempts, in quick succession."""


def new_type(what: str = "made") -> str:
    """A type of event that no other test uses."""
    return f"{what}.{uuid.uuid4().hex[:8]}"


@pytest.fixture
def no_triggers(service) -> Iterator[None]:
    """Removes the triggers and dead letters that a test leaves."""
    yield
    for trigger in list(nbfaas.triggers):
        if trigger.name in nbfaas.triggers:
            trigger.remove()
    nbfaas.dead_letters.purge()


def doubling() -> tuple[RemoteFunction[..., Any], str, str]:
    """``double``, the type of event that it takes if the total is above 100, and the type of what
    it passes on, which ``after`` takes."""
    kind, done = new_type(), new_type("done")

    @nbfaas.on.event(done)
    @nbfaas.remote
    def after(total):
        return f"total {total}"

    rule = {"type": [kind], "data": {"total": [{"numeric": [">", 100]}]}}

    @nbfaas.on.event(rule, on_success=done)
    @nbfaas.remote
    def double(total: float, event=None):
        print("doubling", total)
        return {"total": total * 2}

    return double, kind, done


def delivered(service: Service, event_id: str, seconds: float = 60) -> list[KeptDelivery]:
    """The deliveries of an event, once each is done or dead."""
    deadline = time.monotonic() + seconds
    while True:
        kept = service.events.store.deliveries_of(event_id)
        if kept and all(each.state in (DeliveryState.DONE, DeliveryState.DEAD) for each in kept):
            return kept
        assert time.monotonic() < deadline, f"not delivered within {seconds} s: {kept}"
        time.sleep(0.01)


def results(service: Service, kept: KeptDelivery) -> list[Any]:
    """What the attempts of a delivery returned, from the journal; None for those that failed."""
    assert service.journal is not None
    found = []
    for attempt in kept.attempts:
        entry = None
        if attempt.invocation is not None:
            service.journal.flush()
            entry = service.journal.find(attempt.invocation)
        ok = entry is not None and entry.state is InvocationState.SUCCEEDED
        found.append(nbfaas.FunctionCall.from_id(entry.id).result() if ok else None)
    return found


def said(service: Service, function: str) -> list[Any]:
    """What a function printed, line by line as JSON, in all its invocations, the first first."""
    assert service.journal is not None
    service.journal.flush()
    entries = sorted(service.journal.latest(10_000, function=function), key=lambda e: e.queued_at)
    lines = []
    for entry in entries:
        text = service.journal.log(entry.id).decode()
        lines += [json.loads(line) for line in text.splitlines() if line.startswith(("{", "["))]
    return lines
