"""The deliverer's account of what is under way stays right, whatever comes at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest
from deliveries import expire, id_of, incoming

from nbfaas.delivery.deliverer import AttemptEnd, Deliverer, Ended
from nbfaas.delivery.operations import Ask
from nbfaas.delivery.retrying import Verdict
from nbfaas.delivery.store import EventStore
from nbfaas.delivery.transaction import Transaction
from nbfaas.model.delivery import Delivery, DeliveryPolicy, DeliveryState, Incoming

AGAIN_AT_ONCE = DeliveryPolicy(max_attempts=2, initial_delay=0.0, max_age=1e8)


class SilentCourier:
    """Nobody is told of what dies."""

    def triggers(self) -> Collection[str]:
        return ["orders", "mail"]

    def tells_of_death(self, trigger: str) -> bool:
        return False

    def death_events(self, delivery: Delivery, verdict: Verdict) -> Sequence[Incoming]:
        return ()


class HoldingCourier(SilentCourier):
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


_wrap = asyncio.wrap_future


def _as_it_is(future: Any) -> asyncio.Future[Any]:
    """Also of what is the loop's already."""
    return future if asyncio.isfuture(future) else _wrap(future)


async def _until_idle(deliverer: Deliverer, store: EventStore) -> None:
    async with asyncio.timeout(30):
        while store.backlog or not deliverer.is_idle:
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
            while store.backlog or not deliverer.is_idle:
                courier.fail_all()
                await asyncio.sleep(0.005)
        assert deliverer.delivered == 4
        assert deliverer.free("orders", 1), "a place is taken by nobody"
        assert notices == []
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()


class TellingCourier(SilentCourier):
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


class DoingCourier(SilentCourier):
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


BRIEF = DeliveryPolicy(max_age=60.0)


class BereavedCourier(DoingCourier):
    """Somebody is told of what dies, but of the event ``bad`` that can't be kept."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def tells_of_death(self, trigger: str) -> bool:
        return trigger == "orders"

    def death_events(self, delivery: Delivery, verdict: Verdict) -> Sequence[Incoming]:
        self.reasons.append(verdict.reason)
        if id_of(delivery) == "bad":
            return _too_large_a_depth()
        return [incoming(f"told-{id_of(delivery)}", trigger="told")]


async def test_what_grows_too_old_while_it_waits_is_told_of_when_it_dies(
    path: Path, notices: list[str]
) -> None:
    now = [1_000.0]
    store = EventStore(path, clock=lambda: now[0])
    store.open()
    ids = [*(str(n) for n in range(6)), "bad"]
    events = [incoming(id_, policy=BRIEF) for id_ in ids]
    events.append(incoming("other", trigger="mail", policy=BRIEF))
    store.accept(events).result()
    now[0] += 100
    courier, observed = BereavedCourier(), []
    deliverer = Deliverer(
        store,
        courier,
        dict,
        observe=lambda delivery, outcome: observed.append((delivery.trigger, outcome.state)),
        notify=notices.append,
        clock=lambda: now[0],
    )
    deliverer.start()
    try:
        async with asyncio.timeout(30):
            while store.waiting != {"told": 6}:
                await asyncio.sleep(0.005)
        assert len(store.dead_letters()) == 8
        assert set(courier.reasons) == {"it was not done within its max_age, 1 min (0 attempts)"}
        assert sorted(observed) == [("mail", "dead"), *[("orders", "dead")] * 7]
        assert len(notices) == 1
        assert "'orders'" in notices[0]
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()


async def test_bodies_of_what_dies_unsung_are_not_read(
    path: Path, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    real = Transaction.deliveries
    monkeypatch.setattr(
        Transaction, "deliveries", lambda tx, numbers: read.extend(numbers) or real(tx, numbers)
    )
    now = [1_000.0]
    store = EventStore(path, clock=lambda: now[0])
    store.open()
    store.accept([incoming(str(n), policy=BRIEF) for n in range(2_500)]).result()
    now[0] += 100
    deliverer = Deliverer(
        store, DoingCourier(), dict, observe=lambda *_: None, notify=notices.append,
        clock=lambda: now[0],
    )  # fmt: skip
    deliverer.start()
    try:
        await _until_idle(deliverer, store)
        assert store.dead_counts() == {"orders": 2_500}
        assert read == []
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()


async def test_what_has_grown_too_old_is_swept_as_soon_as_it_is_in_the_way(
    path: Path, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    windows: dict[str, int] = {}
    store = EventStore(path, clock=lambda: now[0])
    store.open()
    deliverer = Deliverer(
        store, DoingCourier(), lambda: windows, observe=lambda *_: None, notify=notices.append,
        clock=lambda: now[0],
    )  # fmt: skip
    leases: list[float] = []
    real = EventStore.lease
    monkeypatch.setattr(
        EventStore, "lease", lambda store, *asked: leases.append(now[0]) or real(store, *asked)
    )
    deliverer.start()
    try:
        await asyncio.wait_for(deliverer._swept.wait(), 30)
        old = [incoming(str(n), policy=BRIEF) for n in range(20)]
        await asyncio.wrap_future(store.accept(old))
        now[0] += 100
        await asyncio.wrap_future(store.accept([incoming("new")]))
        windows["orders"] = 1
        deliverer.nudge()
        began = asyncio.get_running_loop().time()
        await _until_idle(deliverer, store)
        assert asyncio.get_running_loop().time() - began < 4, "it waited for the next sweep"
        assert store.deliveries_of("new")[0].state is DeliveryState.DONE
        assert store.dead_counts() == {"orders": 20}
        assert len(leases) < 10, "it was polled"
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()


async def test_a_redriven_letter_has_all_its_attempts_however_old_it_is(
    path: Path, notices: list[str]
) -> None:
    now = [1_000.0]
    store = EventStore(path, clock=lambda: now[0])
    store.open()
    policy = DeliveryPolicy(max_attempts=3, initial_delay=0.0, max_age=60.0)
    await asyncio.wrap_future(store.accept([incoming("a", policy=policy)]))
    now[0] += 100
    [died] = expire(store, now[0])
    assert await asyncio.wrap_future(store.redrive([died.number])) == 1
    courier = HoldingCourier()
    deliverer = Deliverer(
        store, courier, lambda: {"orders": 8}, observe=lambda *_: None, notify=notices.append,
        clock=lambda: now[0],
    )  # fmt: skip
    deliverer.start()
    try:
        async with asyncio.timeout(30):
            while store.backlog or not deliverer.is_idle:
                courier.fail_all()
                await asyncio.sleep(0.005)
        [letter] = store.dead_letters()
        assert letter.reason == "3 attempts failed"
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()


async def test_what_is_leased_is_under_way_before_it_is_heard_of(
    path: Path, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EventStore(path)
    store.open()
    leased, heard = asyncio.Event(), asyncio.Event()
    deliverer = _deliverer(store, DoingCourier(), 8, notices)
    real = EventStore.lease

    def slowly(store: EventStore, *asked: object) -> asyncio.Future[list[Delivery]]:
        async def lease() -> list[Delivery]:
            found = await asyncio.wrap_future(real(store, *asked))
            leased.set()
            await heard.wait()
            return found

        return asyncio.ensure_future(lease())

    monkeypatch.setattr(EventStore, "lease", slowly)
    monkeypatch.setattr("nbfaas.delivery.deliverer.asyncio.wrap_future", _as_it_is)
    deliverer.start()
    try:
        await _as_it_is(store.accept([incoming("a")]))
        deliverer.nudge()
        await asyncio.wait_for(leased.wait(), 30)
        assert not store.backlog
        assert not deliverer.is_idle
        heard.set()
        await _until_idle(deliverer, store)
        assert store.deliveries_of("a")[0].state is DeliveryState.DONE
    finally:
        heard.set()
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()


class BreakingCourier(DoingCourier):
    """Does the first of what it is given, and breaks."""

    def attempt(self, deliveries: Sequence[Delivery], ended: Callable[[Delivery], Ended]) -> None:
        super().attempt(deliveries[:1], ended)
        if len(deliveries) > 1:
            raise LookupError("no such version")


async def test_what_could_not_be_begun_has_failed_and_is_tried_again(
    path: Path, notices: list[str]
) -> None:
    store = EventStore(path)
    store.open()
    deliverer = _deliverer(store, BreakingCourier(), 8, notices)
    deliverer.start()
    try:
        events = [incoming(id_, policy=AGAIN_AT_ONCE) for id_ in "ab"]
        await asyncio.wrap_future(store.accept(events))
        deliverer.nudge()
        await _until_idle(deliverer, store)
        first, second = (store.deliveries_of(id_)[0] for id_ in "ab")
        assert [each.state for each in first.attempts] == ["succeeded"]
        assert [each.state for each in second.attempts] == ["failed", "succeeded"]
        assert second.attempts[0].error == "LookupError: no such version"
        assert deliverer.free("orders", 1)
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()


async def test_an_observer_that_raises_holds_nothing_up(path: Path, notices: list[str]) -> None:
    store = EventStore(path)
    store.open()
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, said: told.append(said["message"]))

    def observe(delivery: object, outcome: object) -> None:
        raise ValueError("I can't look")

    deliverer = Deliverer(
        store, DoingCourier(), lambda: {"orders": 8}, observe=observe, notify=notices.append
    )
    deliverer.start()
    try:
        await asyncio.wrap_future(store.accept([incoming(id_) for id_ in "abc"]))
        deliverer.nudge()
        await _until_idle(deliverer, store)
        assert told == ["I can't look"] * 3
        assert notices == []
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()


async def test_what_has_grown_too_old_meanwhile_waits_a_minute_for_its_trigger_to_be_defined(
    path: Path, notices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    store = EventStore(path, clock=lambda: now[0])
    store.open()
    events = [incoming("a", policy=BRIEF), incoming("late", trigger="late", policy=BRIEF)]
    await asyncio.wrap_future(store.accept([*events, incoming("b", trigger="gone", policy=BRIEF)]))
    now[0] += 100
    known = ["orders"]
    courier = BereavedCourier()
    monkeypatch.setattr(courier, "triggers", lambda: known)
    monkeypatch.setattr(courier, "tells_of_death", lambda trigger: trigger in known)
    deliverer = Deliverer(
        store, courier, lambda: dict.fromkeys(known, 8), observe=lambda *_: None,
        notify=notices.append, clock=lambda: now[0],
    )  # fmt: skip
    deliverer.start()
    try:
        async with asyncio.timeout(30):
            while store.waiting != {"late": 1, "gone": 1, "told": 1}:
                await asyncio.sleep(0.005)
        known.append("late")
        deliverer.nudge()
        async with asyncio.timeout(4):  # it is in the way, and so does not wait for the next sweep
            while store.waiting != {"gone": 1, "told": 2}:
                await asyncio.sleep(0.005)
        monkeypatch.setattr("nbfaas.delivery.ageing._PATIENCE", 0.0)
        async with asyncio.timeout(30):
            while "gone" in store.waiting:
                await asyncio.sleep(0.005)
        assert store.dead_counts() == {"orders": 1, "late": 1, "gone": 1}
        assert store.waiting == {"told": 2}
    finally:
        await deliverer.stop(1.0)
        await deliverer.close()
        store.close()
