"""A call as a widget: its state, its attempts, what it printed, its result or its error."""

from __future__ import annotations

import time
from typing import Any

from nbfaas.notebook.widgets import snapshot
from nbfaas.notebook.widgets.actions import action
from nbfaas.notebook.widgets.base import FaasWidget, field
from nbfaas.notebook.widgets.facts import facts
from nbfaas.remote.call import FunctionCall
from nbfaas.remote.details import Details
from nbfaas.remote.run_picture import call_picture


class CallWidget(FaasWidget):
    """``brief``: shown in one line, to be opened; for calls that a cell only waits for."""

    script = "call.js"
    pace = 0.5  # the time goes on, and so does the log

    facts = field(None)
    elapsed = field(0.0)  # seconds since it was queued
    brief = field(False)

    def __init__(self, call: FunctionCall[Any], *, brief: bool = False) -> None:
        self._take(call)
        super().__init__(brief=brief)

    def _take(self, call: FunctionCall[Any]) -> None:
        self._call = call
        self._given: str | None = None
        self._seen_running = False
        self._told = False  # how it ended

    def follow(self, call: FunctionCall[Any]) -> None:
        """Show another call from now on."""
        with self._refreshing:
            self._take(call)
            self._seen_running = True  # its picture is to be stored, however soon it has ended
        self._refresh()

    def beat(self, now: float, changed: bool) -> None:
        if self._seen_running and self._call.done() and not self.displayed:
            self._refresh()  # nobody looks, but the notebook may be saved
        else:
            super().beat(now, changed)

    def refresh(self) -> None:
        if self._told:
            return
        details = self._call.details(given=self._given)
        self._given = details.input
        done = details.state.is_final
        self.put(facts=facts(details), elapsed=self._elapsed(details))
        self._told = done
        settles = done and self._seen_running
        self._seen_running = not done
        if settles:
            self.settle()

    def _elapsed(self, details: Details) -> float:
        """Seconds since it was queued; of a call that has ended, to the end of its last attempt."""
        if not details.state.is_final:
            return time.time() - details.queued_at
        if not details.attempts:
            return float(self.elapsed)
        last = details.attempts[-1]
        return max(0.0, last.started_at + last.wall + last.overhead - details.queued_at)

    def catch_up(self) -> None:
        """Show what there is by now. Idempotent."""
        self._refresh()

    @action
    def cancel(self) -> bool:
        return self._call.cancel()

    @action
    def rerun(self) -> None:
        self.follow(self._call.rerun())

    def text(self) -> str:
        return repr(self._call)

    def snapshot_html(self) -> str:
        return snapshot.frame(self._call.function, *call_picture(self._call))
