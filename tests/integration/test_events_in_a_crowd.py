"""Many callers at once: accepted first, and delivered all the same."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from events import delivered, new_type, no_triggers  # noqa: F401
from waiting import until

import nbfaas
from nbfaas import Event, on, remote
from nbfaas.model.records import DeliveryAttempted, DeliverySettled

pytestmark = [
    pytest.mark.usefixtures("service", "no_triggers"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]
_CALLERS, _EACH = 32, 30


def test_what_many_callers_hand_in_is_delivered_during_the_crowd_and_after_it(service):
    kind = new_type()

    @on.event(kind)
    @remote(cpu=0.25)
    def take(data):
        return data

    assert delivered(service, nbfaas.emit(kind, -1).id)  # its sandbox is there
    begun, done = Counter[str](), Counter[str]()

    def note(record: object) -> None:
        if isinstance(record, DeliveryAttempted):
            begun[record.trigger] += 1
        elif isinstance(record, DeliverySettled):
            done[record.trigger] += 1

    async def caller(number: int) -> None:
        for n in range(_EACH):
            await service.events.accept([Event(kind, number * _EACH + n)])

    async def crowd() -> None:
        await asyncio.gather(*(caller(number) for number in range(_CALLERS)))

    unsubscribe = service.subscribe(note)
    try:
        service.run(crowd())
        begun_meanwhile, done_meanwhile = begun["take-event"], done["take-event"]
        until(lambda: done["take-event"] >= _CALLERS * _EACH, 60)
    finally:
        unsubscribe()
    assert 0 < done_meanwhile <= begun_meanwhile < _CALLERS * _EACH / 4
