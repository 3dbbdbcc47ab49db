"""The deliverer's account of what is under way stays right, whatever comes at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw
import pytest
from deliveries import incoming

from nbfaas.delivery.deliverer import AttemptEnd, Deliverer, Ended
from nbfaas.delivery.operations import Ask
from nbfaas.delivery.store import EventStore
from nbfaas.delivery.transaction import Transaction
from nbfaas.model.delivery import Delivery, DeliveryPolicy, DeliveryState, Incoming

AGAIN_AT_ONCE = DeliveryPolicy(max_attempts=2, initial_delay=0.0, max_age=1e8)


class HoldingCourier:
    """Attempts end when the test says so."""

    def __init__(self) -> None:
        self.under_way: list[Ended] = []

    def attempt(self, deliveries: Sequence[Delivery], ended: Callable[[Delivery], Ended]) -> None:
        self.under_way += [ended(delivery) for delivery in deliveries]

    def fail_all(self) -> None:
        ending, self.under_way = self.under_way, []
        for ended in ending:
            ended(AttemptEnd("it failed"))


@pytest.fixture
def notices() -> list[str]:
    return []


async def _until_idle(deliverer: Deliverer, store: EventStore) -> None:
    async with asyncio.timeout(30):
        while store.backlog or deliverer.in_flight:
            await asyncio.sleep(0.005)


def _deliverer(store: EventStore, courier: object, room: int, notices: list[str]) -> Deliverer:
    return Deliverer(
        store,
        courier,  # type: ignore[arg-type]
        lambda: {"orders": room},
        observe=lambda delivery, outcome: None,
        notify=notices.append,
    )


async def test_what_is_leased_anew_as_it_is_settled_frees_its_place(
    path: Path, notices: list[str]
) -> None:
    store = EventStore(path, clock=lambda: 100.0)
    store.open()
    courier = HoldingCourier()
    deliverer = Deliverer(
        store,
        courier,
        lambda: {"orders": 8},
        observe=lambda delivery, outcome: None,
        notify=notices.append,
        clock=lambda: 100.0,  # time stands still: what has failed is due again at once
    )
    deliverer.start()
    try:
        await asyncio.wrap_future(store.accept([incoming("first", policy=AGAIN_AT_ONCE)]))
        deliverer.nudge()
        async with asyncio.timeout(30):
            while not courier.under_way:
                await asyncio.sleep(0.005)
        await asyncio.wrap_future(store.accept([incoming("second", policy=AGAIN_AT_ONCE)]))
        busy, go_on = threading.Event(), threading.Event()

        def hold(tx: Transaction) -> bool:
            busy.set()
            return go_on.wait(30)

        store._submit(Ask(hold))
        await asyncio.to_thread(busy.wait, 30)
        deliverer.nudge()
        await asyncio.sleep(0.05)  # the lease is asked for
        courier.fail_all()
        await asyncio.sleep(0.05)  # then the settling; both are done in one transaction
        go_on.set()
        async with asyncio.timeout(30):
            while store.backlog or deliverer.in_flight:
                courier.fail_all()
                await asyncio.sleep(0.005)
        assert deliverer.delivered == 4
        assert deliverer.free("orders", 1), "a place is taken by nobody"
        assert notices == []
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()


class TellingCourier:
    """All attempts succeed; that of the event ``bad`` leads to something that can't be kept."""

    def __init__(self, emits: Callable[[], Sequence[Incoming]]) -> None:
        self._emits = emits

    def attempt(self, deliveries: Sequence[Delivery], ended: Callable[[Delivery], Ended]) -> None:
        for delivery in deliveries:
            bad = b'"id": "bad"' in delivery.body
            emits = (lambda *_: self._emits()) if bad else None
            ended(delivery)(AttemptEnd(emits=emits))


def _too_large_a_depth() -> Sequence[Incoming]:
    return [Incoming("test", "led-to", b"{}", b"digest", depth=10**30)]


def _nothing() -> Sequence[Incoming]:
    raise ValueError("this has no event")


@pytest.mark.parametrize(
    ("emits", "state"),
    [(_too_large_a_depth, DeliveryState.DEAD), (_nothing, DeliveryState.DONE)],
)
async def test_an_outcome_that_cannot_be_kept_holds_up_no_other(
    path: Path, notices: list[str], emits: Callable[[], Sequence[Incoming]], state: DeliveryState
) -> None:
    store = EventStore(path)
    store.open()
    deliverer = _deliverer(store, TellingCourier(emits), 8, notices)
    deliverer.start()
    try:
        events = [incoming("good-1"), incoming("bad"), incoming("good-2")]
        await asyncio.wrap_future(store.accept(events))
        deliverer.nudge()
        await _until_idle(deliverer, store)
        await asyncio.wrap_future(store.accept([incoming("good-3")]))
        deliverer.nudge()
        await _until_idle(deliverer, store)
        for name in ("good-1", "good-2", "good-3"):
            assert store.deliveries_of(name)[0].state is DeliveryState.DONE
        assert store.deliveries_of("bad")[0].state is state
        if state is DeliveryState.DEAD:
            assert isinstance(store.deliveries_of("bad")[0].reason, str)
            assert apsw.ConstraintError.__name__ in (store.deliveries_of("bad")[0].reason or "")
        else:
            assert "this has no event" in notices[0]
        assert deliverer.free("orders", 1)
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()


class DoingCourier:
    """All attempts succeed."""

    def attempt(self, deliveries: Sequence[Delivery], ended: Callable[[Delivery], Ended]) -> None:
        for delivery in deliveries:
            ended(delivery)(AttemptEnd())


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_clock_that_is_set_back_delays_nothing(
    path: Path, notices: list[str], monkeypatch: pytest.MonkeyPatch, reopened: bool
) -> None:
    monkeypatch.setattr("nbfaas.delivery.deliverer._SWEEP", 0.05)
    now = [1_000_000.0]
    windows: dict[str, int] = {}
    store = EventStore(path, clock=lambda: now[0])
    store.open()
    deliverer = Deliverer(
        store,
        DoingCourier(),
        lambda: windows,
        observe=lambda delivery, outcome: None,
        notify=notices.append,
        clock=lambda: now[0],
    )
    try:
        if not reopened:
            deliverer.start()
            await asyncio.sleep(0.1)
        await asyncio.wrap_future(store.accept([incoming("a"), incoming("b", key="k")]))
        now[0] -= 3600.0
        windows["orders"] = 8
        if reopened:
            deliverer.start()
        await _until_idle(deliverer, store)
        assert store.deliveries_of("a")[0].state is DeliveryState.DONE
        assert store.deliveries_of("b")[0].state is DeliveryState.DONE
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()
