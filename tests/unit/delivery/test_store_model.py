"""The store does what a few lines over dicts do, whatever is asked of it in whatever order."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from deliveries import again, dead, done, expire, id_of, incoming, interrupted
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nbfaas.delivery.store import EventStore
from nbfaas.model.delivery import Delivery, DeliveryPolicy

MAX_AGE = 1000.0
POLICY = DeliveryPolicy(max_attempts=3, max_age=MAX_AGE)
TRIGGERS = ("orders", "mail")

an_event = st.tuples(
    st.integers(0, 60),  # id
    st.sampled_from(["", "", "", "other"]),  # data
    st.sampled_from([*TRIGGERS, TRIGGERS[0]]),
    st.sampled_from(["k", None, "k", "l"]),
    st.booleans(),  # lease
)


@dataclass
class Modelled:
    id: str
    trigger: str
    key: str | None
    due_at: float
    expires_at: float
    state: str = "waiting"
    epoch: int = 0
    attempt: int = 0

    @property
    def is_undone(self) -> bool:
        return self.state in ("waiting", "leased")


class Model(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.folder = tempfile.TemporaryDirectory()
        self.store = self.opened()
        self.deliveries: dict[int, Modelled] = {}
        self.digests: dict[str, object] = {}
        self.begun: list[Delivery] = []  # every attempt ever begun
        self.identities: set[tuple[int, int]] = set()

    def opened(self) -> EventStore:
        store = EventStore(Path(self.folder.name) / "x.db", clock=lambda: self.now)
        store.open()
        return store

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    # -- what is asked

    @rule(events=st.lists(an_event, max_size=6))
    def accept(self, events: list[tuple]) -> None:
        made = [self._incoming(event) for event in events]
        for event, accepted in zip(made, self.store.accept(made).result(), strict=True):
            self._check_accepted(event, accepted)

    @rule(room=st.fixed_dictionaries({name: st.integers(0, 4) for name in TRIGGERS}))
    def lease(self, room: dict[str, int]) -> None:
        expected = []
        for trigger, count in room.items():
            due = [n for n, d in self.deliveries.items() if d.trigger == trigger and self._due(n)]
            due.sort(key=lambda n: (self.deliveries[n].due_at, n))
            chosen = due[:count]
            expected += [n for n in chosen if self.deliveries[n].expires_at > self.now]
        found = self.store.lease(room, self.now).result()
        assert [delivery.number for delivery in found] == expected
        for delivery in found:
            self._begin(delivery)

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        if not self.begun:
            return
        held = [a for a in self.begun if self.deliveries[a.number].state == "leased"]
        attempts = data.draw(st.lists(st.sampled_from(held + held + self.begun), max_size=4))
        outcomes, expected = [], []
        for attempt in attempts:
            kind = data.draw(
                st.sampled_from(["done", "again", "given back", "dead", "dead", "emit"])
            )
            current = self.deliveries[attempt.number]
            counts = current.state == "leased" and current.epoch == attempt.epoch
            expected.append(counts)
            emits = (self._incoming(data.draw(an_event)),) if kind == "emit" else ()
            due_at = self.now + data.draw(st.sampled_from([0.0, 10.0]))
            outcomes.append(
                {
                    "done": lambda a=attempt: done(a, self.now),
                    "emit": lambda a=attempt, e=emits: done(a, self.now, emits=e),
                    "again": lambda a=attempt, d=due_at: again(a, self.now, due_at=d),
                    "given back": lambda a=attempt: interrupted(a, self.now),
                    "dead": lambda a=attempt: dead(a, self.now),
                }[kind]()
            )
            if counts:
                after = {"again": "waiting", "given back": "waiting", "dead": "dead"}
                current.state = after.get(kind, "done")
                current.due_at = self.now if kind == "given back" else due_at
                current.attempt -= kind == "given back"
        assert self.store.settle(outcomes).result() == expected
        for outcome, counts in zip(outcomes, expected, strict=True):
            for event in outcome.emits if counts else ():
                if event.id not in self.digests:
                    self._learn(event, self._newest(event.id))

    @rule(seconds=st.sampled_from([1.0, 15.0, 400.0, 1100.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def expire(self) -> None:
        died = {delivery.number for delivery in expire(self.store, self.now)}
        expected = {
            number
            for number, delivery in self.deliveries.items()
            if delivery.state == "waiting" and delivery.expires_at <= self.now
        }
        assert died == expected
        for number in died:
            self.deliveries[number].state = "dead"

    @rule(trigger=st.sampled_from([None, *TRIGGERS]))
    def redrive(self, trigger: str | None) -> None:
        chosen = [
            delivery
            for delivery in self.deliveries.values()
            if delivery.state == "dead" and trigger in (None, delivery.trigger)
        ]
        assert self.store.redrive(None, trigger).result() == len(chosen)
        for delivery in chosen:
            delivery.state, delivery.attempt = "waiting", 0
            delivery.epoch += 1
            delivery.due_at, delivery.expires_at = self.now, self.now + MAX_AGE

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = self.opened()
        for delivery in self.deliveries.values():
            if delivery.state == "leased":
                last = delivery.attempt >= POLICY.max_attempts
                delivery.state = "dead" if last else "waiting"

    # -- what always holds

    @invariant()
    def nothing_vanishes_and_all_stands_as_expected(self) -> None:
        kept = {d.number: d for event in self.store.history() for d in event.deliveries}
        assert {
            number: (d.state.value, d.epoch, d.attempt, d.key) for number, d in kept.items()
        } == {number: (d.state, d.epoch, d.attempt, d.key) for number, d in self.deliveries.items()}

    @invariant()
    def what_waits_is_counted_exactly(self) -> None:
        expected: dict[str, int] = {}
        for delivery in self.deliveries.values():
            if delivery.state == "waiting":
                expected[delivery.trigger] = expected.get(delivery.trigger, 0) + 1
        assert self.store.waiting == expected

    @invariant()
    def of_one_key_one_is_under_way(self) -> None:
        lines = [
            (d.trigger, d.key)
            for d in self.deliveries.values()
            if d.state == "leased" and d.key is not None
        ]
        assert len(lines) == len(set(lines))

    @invariant()
    def the_next_is_due_when_the_model_says(self) -> None:
        due = [d.due_at for n, d in self.deliveries.items() if self._has_turn(n)]
        assert self.store.next_due(TRIGGERS).result() == min(due, default=None)

    # -- the model

    def _incoming(self, event: tuple):
        number, data, trigger, key, lease = event
        return incoming(
            str(number), data=data, trigger=trigger, key=key, lease=lease, policy=POLICY
        )

    def _check_accepted(self, event, accepted) -> None:
        if event.id in self.digests:
            same = self.digests[event.id] == event.digest
            assert (accepted.duplicate, accepted.conflict) == (same, not same)
            assert accepted.leased == ()
            return
        assert (accepted.duplicate, accepted.conflict) == (False, False)
        new = event.deliveries[0]
        first = new.key is None or not self._line(new.trigger, new.key)
        assert len(accepted.leased) == (new.lease and first)
        self._learn(event, self._newest(event.id))
        for delivery in accepted.leased:
            assert id_of(delivery) == event.id
            self._begin(delivery)

    def _newest(self, id_: str) -> int:
        [delivery] = self.store.deliveries_of(id_)
        return delivery.number

    def _learn(self, event, number: int) -> None:
        self.digests[event.id] = event.digest
        new = event.deliveries[0]
        self.deliveries[number] = Modelled(
            event.id, new.trigger, new.key, self.now, self.now + MAX_AGE
        )

    def _begin(self, delivery: Delivery) -> None:
        identity = (delivery.number, delivery.epoch)
        assert identity not in self.identities
        self.identities.add(identity)
        self.begun.append(delivery)
        modelled = self.deliveries[delivery.number]
        modelled.state = "leased"
        modelled.epoch += 1
        modelled.attempt += 1
        assert (delivery.epoch, delivery.attempt) == (modelled.epoch, modelled.attempt)

    def _line(self, trigger: str, key: str) -> list[int]:
        return [
            number
            for number, d in self.deliveries.items()
            if (d.trigger, d.key) == (trigger, key) and d.is_undone
        ]

    def _has_turn(self, number: int) -> bool:
        delivery = self.deliveries[number]
        if delivery.state != "waiting":
            return False
        if delivery.key is None:
            return True
        line = self._line(delivery.trigger, delivery.key)
        busy = any(self.deliveries[other].state == "leased" for other in line)
        return not busy and min(line) == number

    def _due(self, number: int) -> bool:
        return self._has_turn(number) and self.deliveries[number].due_at <= self.now


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
