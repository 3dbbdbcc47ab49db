"""``Dashboard``: functions, sandboxes, events, dead letters and output, live.

What only grows (bars of the timeline, seconds of the charts, events, lines) is told in pieces, of
which every item has a number; a view that is opened later asks for the whole. What stands as it is
(functions, the pool, dead letters) are fields.
"""

from __future__ import annotations

import time
from typing import Any

from nbfaas.errors import MagicError
from nbfaas.notebook.widgets.actions import action
from nbfaas.notebook.widgets.base import FaasWidget, field
from nbfaas.notebook.widgets.dashboard import picture, rows
from nbfaas.notebook.widgets.dashboard.watch import Watch
from nbfaas.notebook.widgets.pulse import feed
from nbfaas.remote.dead_letters import dead_letters
from nbfaas.remote.triggers import triggers
from nbfaas.service import current_service, get_service

_AT_ONCE = 200  # lines, or events, that one message has at most
_STATES = ("succeeded", "failed", "timed out", "cancelled")


class Dashboard(FaasWidget):
    """Everything that runs in this kernel, live. ``%faas dashboard`` shows one."""

    script = "dashboard.js"
    pace = 1.0
    endless = True

    summary = field({})
    functions = field([])
    triggers = field([])
    pool = field({})
    letters = field({"events": False, "rows": [], "total": 0})
    tracks = field([])
    running = field([])
    log_filter = field({"function": "", "text": ""})
    log_functions = field([])

    def __init__(self) -> None:
        self._watch = Watch(current_service)
        self._cpu = rows.CpuUse()
        self._sent = {"spans": 0, "series": 0, "events": 0, "lines": 0}
        self._whole = True  # whether a view waits for all that is kept
        self._ticks = 0
        self._tracks = -1
        super().__init__()
        self._end = feed.listen(self._watch.listen)
        self._watch.look()

    # -- what is shown

    def beat(self, now: float, changed: bool) -> None:
        self._watch.tick(now)
        super().beat(now, changed)

    def refresh(self) -> None:
        watch = self._watch
        with watch.lock:
            if watch.ticks != self._ticks:
                self._ticks = watch.ticks
                self._put_facts(time.monotonic())
            if watch.activity.tracks_changed != self._tracks:  # before the bars that are in them
                self._tracks = watch.activity.tracks_changed
                self.put(tracks=rows.track_rows(watch.activity))
            self._tell_more()
            problem = watch.problem
        if problem is not None:
            raise problem

    def _put_facts(self, now: float) -> None:
        watch = self._watch
        activity, facts = watch.activity, watch.facts
        fields: dict[str, Any] = {
            "summary": rows.summary(watch, now),
            "functions": rows.function_rows(activity, facts, now),
            "triggers": rows.trigger_rows(facts, watch.stream),
            "pool": rows.pool_rows(activity, facts, self._cpu, now),
            "letters": {
                "events": facts.events,
                "rows": [rows.letter_row(each) for each in facts.letters],
                "total": sum(facts.dead.values()),
            },
            "running": rows.open_rows(activity, time.time()),
            "log_functions": activity.log.functions,
        }
        self.put(**fields)

    def _tell_more(self) -> None:
        """What has been added since the last time, in one message."""
        watch, sent = self._watch, self._sent
        spans, series, log = watch.activity.spans, watch.series, watch.activity.log
        ends = {
            "spans": spans.next,
            "series": series.next,
            "events": watch.stream.rows.next,
            "lines": log.next,
        }
        if ends == sent and not self._whole:
            return
        wanted = self.log_filter
        content = {
            "now": time.time(),
            "whole": self._whole,
            "filter": wanted,
            "spans": max(sent["spans"], spans.first),
            "series": max(sent["series"], series.first),
            "events": watch.stream.rows.since(sent["events"], _AT_ONCE),
            "lines": log.since(sent["lines"], _AT_ONCE, wanted["function"], wanted["text"]),
        }
        buffers = [series.rows(sent["series"]), *spans.columns(sent["spans"])]
        self._sent, self._whole = ends, False
        self.tell("more", buffers, **content)

    def text(self) -> str:
        with self._watch.lock:
            return picture.text(self._watch, time.monotonic())

    def snapshot_html(self) -> str:
        with self._watch.lock:
            return picture.html(self._watch, time.monotonic())

    def close(self) -> None:
        self._end()
        super().close()

    # -- what views ask for

    @action
    def whole(self) -> None:
        """All that is kept, for a view that has just been opened."""
        with self._watch.lock:
            self._sent, self._whole = dict.fromkeys(self._sent, 0), True

    @action
    def find_lines(self, function: str, text: str) -> None:
        """Have only lines shown that one function (or all: "") has written, with ``text`` in
        them."""
        with self._watch.lock:
            self.put(log_filter={"function": function, "text": text})
            self._sent = {**self._sent, "lines": 0}

    @action
    def span(self, number: int) -> dict[str, Any]:
        """Details of one bar of the timeline."""
        with self._watch.lock:
            found = self._watch.activity.spans[number]
            tracks = self._watch.activity.tracks.values()
            track = next((track for track in tracks if track.number == found.track), None)
        return {
            "invocation": found.invocation,
            "function": track.function if track else "",
            "sandbox": track.sandbox if track else "",
            "state": _STATES[found.state],
            "begin": found.begin,
            "length": found.length,
            "wait": found.wait,
            "cold": found.cold,
        }

    @action
    def pause(self, trigger: str) -> None:
        triggers[trigger].pause()
        self._watch.look()

    @action
    def resume(self, trigger: str) -> None:
        triggers[trigger].resume()
        self._watch.look()

    @action
    def open_events(self) -> None:
        """Look at the event store, though nothing in this session has used it."""
        get_service().events  # noqa: B018 - opens it
        self._watch.look()

    @action
    def letter(self, number: int) -> dict[str, Any]:
        return rows.letter_details(dead_letters[number])

    @action
    def redrive(self, numbers: list[int]) -> int:
        return self._act_on(dead_letters.redrive, numbers)

    @action
    def redrive_all(self) -> int:
        return self._act_on(dead_letters.redrive, None)

    @action
    def purge(self, numbers: list[int]) -> int:
        return self._act_on(dead_letters.purge, numbers)

    @action
    def purge_all(self) -> int:
        return self._act_on(dead_letters.purge, None)

    def _act_on(self, act: Any, numbers: list[int] | None) -> int:
        if numbers == []:
            raise MagicError("which dead letters? None was chosen.")  # without any, all would be
        count: int = act(*(numbers or ()))
        self._watch.look()
        return count

    @action
    def keep(self) -> None:
        """Store the present picture with the output."""
        self.settle()
