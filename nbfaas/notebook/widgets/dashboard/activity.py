"""What the functions and sandboxes did, from records: one pass over each batch.

Two thousand calls a second are eight thousand records: this is where a dashboard spends its time,
so counts are plain numbers, and all else is worked out once a second.
"""

from __future__ import annotations

from collections.abc import Sequence

from nbfaas.model.invocation import InvocationState, SandboxState
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    InvocationFinished,
    InvocationQueued,
    LogWritten,
    Record,
    SandboxChanged,
)
from nbfaas.notebook.widgets.dashboard.log_tail import LogTail
from nbfaas.notebook.widgets.dashboard.spans import Spans
from nbfaas.notebook.widgets.dashboard.windows import Window

_MOST_NAMES = 200
_MOST_LIVE = 200_000  # invocations that have not ended
OTHER = "other functions"
_FAILED = (InvocationState.FAILED, InvocationState.TIMED_OUT)
_GONE = (SandboxState.STOPPING, SandboxState.DEAD)


class FunctionActivity:
    """The invocations of one function since the dashboard was opened."""

    __slots__ = ("cancelled", "cold", "name", "succeeded", "versions", "warm", "window")

    def __init__(self, name: str) -> None:
        self.name = name
        self.versions: dict[str, None] = {}  # in the order in which they came
        self.window = Window()
        self.succeeded = 0
        self.cancelled = 0
        self.cold = 0  # attempts that waited for a sandbox to be started
        self.warm = 0

    def __repr__(self) -> str:
        return f"<FunctionActivity {self.name}: {self.window.total} ended>"


class Lane:
    """A sandbox as the timeline shows it."""

    __slots__ = ("answered", "cpu", "function", "gone", "in_flight", "number", "sandbox", "since")

    def __init__(self, number: int, sandbox: str) -> None:
        self.number = number
        self.sandbox = sandbox
        self.function = ""
        self.gone = False
        self.in_flight = 0
        self.since = 0.0  # when what it runs now began
        self.answered = 0
        self.cpu = 0.0  # seconds

    def __repr__(self) -> str:
        return f"<Lane {self.number} {self.sandbox} {self.function}>"


class Activity:
    """``add`` batches of records; read on the same thread."""

    def __init__(self) -> None:
        self.functions: dict[str, FunctionActivity] = {}
        self.lanes: dict[str, Lane] = {}  # by sandbox
        self.spans = Spans()
        self.log = LogTail()
        self.all = Window()  # latency: from when an attempt could have started to its answer
        self.cold = 0
        self.warm = 0
        self.lanes_changed = 0  # goes up with each change of what a lane is
        self._numbers = 0
        self._live: dict[str, FunctionActivity] = {}

    def __repr__(self) -> str:
        return f"<Activity of {len(self.functions)} functions, {len(self.lanes)} sandboxes>"

    def function(self, name: str) -> FunctionActivity:
        found = self.functions.get(name)
        if found is None:
            if len(self.functions) >= _MOST_NAMES:
                name = OTHER
            found = self.functions.setdefault(name, FunctionActivity(name))
        return found

    def name_of(self, invocation: str) -> str:
        """The function of an invocation that has not ended; empty if it is not known."""
        found = self._live.get(invocation)
        return "" if found is None else found.name

    def lane(self, sandbox: str, function: str = "") -> Lane:
        found = self.lanes.get(sandbox)
        if found is None:
            found = self.lanes[sandbox] = Lane(self._numbers, sandbox)
            self._numbers += 1
            self.lanes_changed += 1
        if function and found.function != function:
            found.function = function
            self.lanes_changed += 1
        return found

    def add(self, batch: Sequence[Record]) -> None:
        # With the names of this function: see the module.
        live, functions, lanes = self._live, self.functions, self.lanes
        for record in batch:
            if isinstance(record, InvocationQueued):
                function = functions.get(record.function)
                if function is None:
                    function = self.function(record.function)
                live[record.invocation_id] = function
                if record.version not in function.versions:
                    function.versions[record.version] = None
            elif isinstance(record, AttemptStarted):
                lane = lanes.get(record.sandbox)
                if lane is None:
                    lane = self.lane(record.sandbox)
                if not lane.in_flight:
                    lane.since = record.at
                lane.in_flight += 1
            elif isinstance(record, AttemptFinished):
                self._attempted(record)
            elif isinstance(record, InvocationFinished):
                self._ended(record)
            elif isinstance(record, LogWritten):
                self.log.write(record, self.name_of(record.invocation_id))
            elif isinstance(record, SandboxChanged) and record.function:
                self._changed(record)
        while len(live) > _MOST_LIVE:
            del live[next(iter(live))]

    def _attempted(self, record: AttemptFinished) -> None:
        stats = record.stats
        function = self._live.get(record.invocation_id)
        self.log.flush(record.at, record.invocation_id, function.name if function else "")
        if stats.sandbox is not None:
            lane = self.lanes.get(stats.sandbox) or self.lane(stats.sandbox)
            if function is None and lane.function:  # it was queued before there was a dashboard
                function = self._live[record.invocation_id] = self.function(lane.function)
            elif function is not None and not lane.function:
                self.lane(stats.sandbox, function.name)
            lane.in_flight -= lane.in_flight > 0
            lane.since = record.at
            lane.answered += 1
            lane.cpu += stats.user + stats.system
            self.spans.add(record.invocation_id, lane.number, stats)
        self.all.observe(stats.queued + stats.wall + stats.overhead)
        if stats.cold_start:
            self.cold += 1
        else:
            self.warm += 1
        if function is not None:
            function.window.observe(stats.wall)
            if stats.cold_start:
                function.cold += 1
            else:
                function.warm += 1

    def _ended(self, record: InvocationFinished) -> None:
        function = self._live.pop(record.invocation_id, None)
        state = record.state
        error = state in _FAILED
        self.all.end(error)
        if function is None:
            return
        function.window.end(error)
        if state is InvocationState.SUCCEEDED:
            function.succeeded += 1
        elif not error:
            function.cancelled += 1

    def _changed(self, record: SandboxChanged) -> None:
        lane = self.lane(record.sandbox, record.function or "")
        if record.state in _GONE and not lane.gone:
            lane.gone = True
            lane.in_flight = 0
            self.lanes_changed += 1

    def mark(self, now: float) -> None:
        """Once a second: put by what rates and percentiles are of."""
        self.all.mark(now)
        for function in self.functions.values():
            function.window.mark(now)

    def forget_gone(self) -> None:
        """Lanes of sandboxes that are no more, and that no span is in."""
        oldest = self.spans.first_lane
        for sandbox, lane in list(self.lanes.items()):
            if lane.gone and lane.number < oldest:
                del self.lanes[sandbox]
                self.lanes_changed += 1
