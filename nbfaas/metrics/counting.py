"""Counting records: what the loop's thread does for every one of them, so it is kept cheap.

Plain integers and lists are added to; what Prometheus wants to see is made of them when it asks.
"""

from __future__ import annotations

from nbfaas.metrics.histogram import BYTES, DELIVERY_SECONDS, SECONDS, Histogram
from nbfaas.model.delivery import DeliveryState
from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    DeliveryAttempted,
    DeliverySettled,
    EventAccepted,
    EventRefused,
    InvocationFinished,
    InvocationQueued,
    LogWritten,
    Record,
)

OTHER = "other"
LONGEST_NAME = 100  # characters
_MOST_REASONS = 16
_SUCCEEDED, _FAILED = InvocationState.SUCCEEDED, InvocationState.FAILED
_TIMED_OUT = InvocationState.TIMED_OUT
# What OpenTelemetry calls the kinds of our sources (its ``faas.trigger``).
_TRIGGERS = {
    "schedule": "timer",
    "file": "datasource",
    "http": "http",
    "queue": "pubsub",
    "event": "pubsub",
}


class FunctionCounts:
    """What happened to the invocations of one function that one kind of trigger brought about."""

    __slots__ = (
        "cancelled",
        "cold_starts",
        "cpu",
        "duration",
        "errors",
        "init",
        "memory",
        "name",
        "pending",
        "retries",
        "succeeded",
        "timeouts",
        "trigger",
        "version",
    )

    def __init__(self, name: str, trigger: str) -> None:
        self.name = name
        self.trigger = trigger  # http, pubsub, datasource, timer, other
        self.version = ""  # the one that was queued last
        self.pending = 0  # queued, and not ended
        self.succeeded = 0
        self.errors = 0
        self.timeouts = 0
        self.cancelled = 0
        self.retries = 0
        self.cold_starts = 0
        self.duration = Histogram(SECONDS)  # of an attempt
        self.init = Histogram(SECONDS)  # of a cold start
        self.cpu = Histogram(SECONDS)
        self.memory = Histogram(BYTES)

    def __repr__(self) -> str:
        return f"<FunctionCounts {self.name} {self.trigger}: {self.succeeded} succeeded>"


class TriggerCounts:
    """What happened to the deliveries of one trigger."""

    __slots__ = ("age", "attempts", "dead", "done", "matched", "name", "retries")

    def __init__(self, name: str) -> None:
        self.name = name
        self.matched = 0  # events accepted for it
        self.attempts = 0
        self.retries = 0  # attempts that ended, and another will follow
        self.done = 0
        self.dead = 0
        self.age = Histogram(DELIVERY_SECONDS)  # from accepting to DONE

    def __repr__(self) -> str:
        return f"<TriggerCounts {self.name}: {self.done} done, {self.dead} dead>"


class Counting:
    """``add`` is a subscriber of records: on the loop's thread only. What it has counted may be
    read on any thread.

    Bounded: beyond ``most_names`` functions, and as many triggers, they are counted as ``other``;
    beyond ``most_live`` unfinished invocations, the oldest ones are not counted any more.
    """

    def __init__(self, most_names: int = 200, most_live: int = 1_000_000) -> None:
        self.accepted = 0
        self.duplicates = 0
        self.unmatched = 0
        self.refused: dict[str, int] = {}
        self.functions: dict[tuple[str, str], FunctionCounts] = {}
        self.triggers: dict[str, TriggerCounts] = {}
        self._most_names = most_names
        self._most_live = most_live
        self._names: set[str] = set()
        self._called: dict[str, FunctionCounts] = {}  # by name: of calls from the notebook
        self._live: dict[str, FunctionCounts] = {}  # by invocation
        self._expected: dict[str, str] = {}  # invocation to kind, if it is told before it is queued

    def __repr__(self) -> str:
        return f"<Counting {len(self.functions)} functions, {len(self.triggers)} triggers>"

    def add(self, record: Record) -> None:
        # By type and not by match: this runs some hundred thousand times a second.
        kind = type(record)
        if kind is AttemptFinished:
            self._attempt_finished(record)  # type: ignore[arg-type]
        elif kind is InvocationFinished:
            self._finished(record)  # type: ignore[arg-type]
        elif kind is InvocationQueued:
            self._queued(record)  # type: ignore[arg-type]
        elif kind is AttemptStarted or kind is LogWritten:
            pass
        elif kind is DeliverySettled:
            self._settled(record)  # type: ignore[arg-type]
        elif kind is DeliveryAttempted:
            self._attempted(record)  # type: ignore[arg-type]
        elif kind is EventAccepted:
            self._accepted(record)  # type: ignore[arg-type]
        elif kind is EventRefused:
            self._refused(record)  # type: ignore[arg-type]

    # -- invocations

    def _queued(self, record: InvocationQueued) -> None:
        counts = self._called.get(record.function)
        if counts is None or self._expected:
            trigger = self._expected.pop(record.invocation_id, OTHER)
            counts = self._function(record.function, trigger)
        counts.pending += 1
        counts.version = record.version
        live = self._live
        live[record.invocation_id] = counts
        if len(live) > self._most_live:
            live.pop(next(iter(live))).pending -= 1

    def _attempt_finished(self, record: AttemptFinished) -> None:
        counts = self._live.get(record.invocation_id)
        if counts is None:
            return  # it was queued before anybody counted
        stats = record.stats
        counts.duration.observe(stats.wall)
        if stats.peak_memory:  # else the sandbox did not live to tell
            counts.cpu.observe(stats.user + stats.system)
            counts.memory.observe(stats.peak_memory)
        if stats.cold_start:
            counts.cold_starts += 1
            counts.init.observe(stats.queued + stats.overhead)

    def _finished(self, record: InvocationFinished) -> None:
        counts = self._live.pop(record.invocation_id, None)
        if counts is None:
            return
        counts.pending -= 1
        state = record.state
        if state is _SUCCEEDED:
            counts.succeeded += 1
        elif state is _FAILED:
            counts.errors += 1
        elif state is _TIMED_OUT:
            counts.timeouts += 1
        else:
            counts.cancelled += 1
        if record.attempts > 1:
            counts.retries += record.attempts - 1

    def _function(self, name: str, trigger: str) -> FunctionCounts:
        label = self._label(name[:LONGEST_NAME], self._names)
        counts = self.functions.get((label, trigger))
        if counts is None:
            counts = self.functions[label, trigger] = FunctionCounts(label, trigger)
        if trigger == OTHER and label == name:
            self._called[name] = counts
        return counts

    def _label(self, name: str, known: set[str]) -> str:
        """``name``, if there are not too many others."""
        if name not in known:
            if len(known) >= self._most_names:
                return OTHER
            known.add(name)
        return name

    # -- events and deliveries

    def _attempted(self, record: DeliveryAttempted) -> None:
        self._trigger(record.trigger).attempts += 1
        invocation = record.invocation_id
        if invocation is None:
            return
        trigger = _TRIGGERS.get(record.kind, OTHER)
        before = self._live.get(invocation)
        if before is None:
            self._expected[invocation] = trigger
            if len(self._expected) > self._most_live:
                del self._expected[next(iter(self._expected))]
        elif before.trigger != trigger:
            counts = self._live[invocation] = self._function(before.name, trigger)
            counts.version = before.version
            counts.pending += 1
            before.pending -= 1

    def _settled(self, record: DeliverySettled) -> None:
        counts = self._trigger(record.trigger)
        state = record.state
        if state is DeliveryState.DONE:
            counts.done += 1
            counts.age.observe(record.age)
        elif state is DeliveryState.DEAD:
            counts.dead += 1
        else:
            counts.retries += 1

    def _accepted(self, record: EventAccepted) -> None:
        if record.duplicate:
            self.duplicates += 1
            return
        self.accepted += 1
        if not record.matched:
            self.unmatched += 1
        for name in record.matched:
            self._trigger(name).matched += 1

    def _refused(self, record: EventRefused) -> None:
        reason = record.reason
        if reason not in self.refused and len(self.refused) >= _MOST_REASONS:
            reason = OTHER
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def _trigger(self, name: str) -> TriggerCounts:
        counts = self.triggers.get(name)
        if counts is None:
            label = name[:LONGEST_NAME]
            if label not in self.triggers and len(self.triggers) >= self._most_names:
                label = OTHER
            counts = self.triggers.setdefault(label, TriggerCounts(label))
        return counts
