"""How an event reaches a function, in every backend."""

from __future__ import annotations

import pytest
from talk import Failed, Talk

from nbfaas.agent.context import Context
from nbfaas.agent.event import Event
from nbfaas.packager.pack import pack

ORDER = Event("order.placed", {"id": 7, "total": 9.5}, id="e-1", source="shop", subject="ü")
CONTROL = {"id": "i-1", "attempt": 2, "timeout": 30, "cold_start": False, "trigger": "orders"}


async def test_a_handler_gets_the_event_and_its_context(sandbox):
    talk = Talk(sandbox)
    await talk.load(
        "def handler(message, more):\n"
        "    more.logger.info('got %s', message.id)\n"
        "    return [message, more.invocation_id, more.attempt, more.trigger, more.traceparent,\n"
        "            more.function_name, more.memory_limit_in_mb, more.remaining_time() > 5]",
        memory=64 << 20,
    )
    got, *facts, traceparent, name, megabytes, in_time = await talk.deliver(
        ORDER.to_json(), **CONTROL
    )
    assert got == ORDER
    assert facts == ["i-1", 2, "orders"]
    assert traceparent.startswith("00-")
    assert (name, megabytes, in_time) == ("handler", 64, True)
    assert b"INFO handler: got e-1" in talk.log


@pytest.mark.parametrize("isolation", ["reuse", "call"])
async def test_a_function_gets_what_its_signature_names(sandbox, isolation):
    def score(message: Event, about: Context, id, total: float, currency="EUR"):
        return message, about.attempt, id, total, currency

    talk = Talk(sandbox)
    await talk.load(pack(score, "score").payload, entry="function", isolation=isolation)
    for attempt in (1, 2):
        got = await talk.deliver(ORDER.to_json(), **{**CONTROL, "attempt": attempt})
        assert got == (ORDER, attempt, 7, 9.5, "EUR")


async def test_an_async_function_is_awaited(sandbox):
    async def score(data):
        return data["id"]

    talk = Talk(sandbox)
    await talk.load(pack(score, "score").payload, entry="function")
    assert await talk.deliver(ORDER.to_json()) == 7


async def test_an_event_that_lacks_what_a_function_needs_is_a_failure_of_its_own(sandbox):
    talk = Talk(sandbox)
    await talk.load(pack(lambda amount: amount, "score").payload, entry="function")
    with pytest.raises(Failed) as caught:
        await talk.deliver(ORDER.to_json(), **CONTROL)
    assert caught.value.said["kind"] == "binding"
    assert caught.value.said["parameter"] == "amount"
    assert await talk.deliver(Event("t", {"amount": 3}).to_json()) == 3


async def test_a_large_event_passes_unharmed(sandbox):
    talk = Talk(sandbox)
    event = Event("t", {"text": "ü" * 300_000, "list": list(range(10_000))})
    await talk.load("def handler(event): return event")
    assert await talk.deliver(event.to_json()) == event


async def test_a_handler_s_cell_can_import_event_and_context(sandbox):
    talk = Talk(sandbox)
    source = (
        "from nbfaas import Context, Event\n\ndef handler(event: Event): return Event('made', 1)"
    )
    await talk.load(source)
    assert (await talk.deliver(ORDER.to_json())).type == "made"


async def test_what_is_no_event_is_an_answer_and_the_sandbox_goes_on(sandbox):
    talk = Talk(sandbox)
    await talk.load("def handler(event): return event.id")
    with pytest.raises(Failed, match="BadEvent"):
        await talk.deliver(b"{}")
    assert await talk.deliver(ORDER.to_json()) == "e-1"
