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


class Track:
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
        return f"<Track {self.number} {self.sandbox} {self.function}>"


class Activity:
    """``add`` batches of records; read on the same thread."""

    def __init__(self) -> None:
        self.functions: dict[str, FunctionActivity] = {}
        self.tracks: dict[str, Track] = {}  # by sandbox
        self.spans = Spans()
        self.log = LogTail()
        self.all = Window()  # latency: from when an attempt could have started to its answer
        self.cold = 0
        self.warm = 0
        self.tracks_changed = 0  # goes up with each change of what a track is
        self._numbers = 0
        self._live: dict[str, FunctionActivity] = {}

    def __repr__(self) -> str:
        return f"<Activity of {len(self.functions)} functions, {len(self.tracks)} sandboxes>"

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

    def track(self, sandbox: str, function: str = "") -> Track:
        found = self.tracks.get(sandbox)
        if found is None:
            found = self.tracks[sandbox] = Track(self._numbers, sandbox)
            self._numbers += 1
            self.tracks_changed += 1
        if function and found.function != function:
            found.function = function
            self.tracks_changed += 1
        return found

    def add(self, batch: Sequence[Record]) -> None:
        # With the names of this function: see the module.
        live, functions, tracks = self._live, self.functions, self.tracks
        for record in batch:
            if isinstance(record, InvocationQueued):
                function = functions.get(record.function)
                if function is None:
                    function = self.function(record.function)
                live[record.invocation_id] = function
                if record.version not in function.versions:
                    function.versions[record.version] = None
            elif isinstance(record, AttemptStarted):
                track = tracks.get(record.sandbox)
                if track is None:
                    track = self.track(record.sandbox)
                if not track.in_flight:
                    track.since = record.at
                track.in_flight += 1
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
            track = self.tracks.get(stats.sandbox) or self.track(stats.sandbox)
            if function is None and track.function:  # it was queued before there was a dashboard
                function = self._live[record.invocation_id] = self.function(track.function)
            elif function is not None and not track.function:
                self.track(stats.sandbox, function.name)
            track.in_flight -= track.in_flight > 0
            track.since = record.at
            track.answered += 1
            track.cpu += stats.user + stats.system
            self.spans.add(record.invocation_id, track.number, stats)
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
        track = self.track(record.sandbox, record.function or "")
        if record.state in _GONE and not track.gone:
            track.gone = True
            track.in_flight = 0
            self.tracks_changed += 1

    def mark(self, now: float) -> None:
        """Once a second: put by what rates and percentiles are of."""
        self.all.mark(now)
        for function in self.functions.values():
            function.window.mark(now)

    def forget_gone(self) -> None:
        """Tracks of sandboxes that are no more, and that no span is in."""
        oldest = self.spans.first_track
        for sandbox, track in list(self.tracks.items()):
            if track.gone and track.number < oldest:
                del self.tracks[sandbox]
                self.tracks_changed += 1
