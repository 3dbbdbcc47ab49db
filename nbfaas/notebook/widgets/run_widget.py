"""A run of ``map`` as a widget: how far it is, every item by its state, and each in full."""

from __future__ import annotations

import time
from typing import Any

from nbfaas.notebook.widgets import snapshot
from nbfaas.notebook.widgets.actions import action
from nbfaas.notebook.widgets.base import FaasWidget, field
from nbfaas.notebook.widgets.facts import facts
from nbfaas.pictures.rate import Rate
from nbfaas.pictures.states import change, tally
from nbfaas.remote.map_run import MapRun
from nbfaas.remote.progress import progress_line
from nbfaas.remote.run_picture import run_picture

# Looking at the items may take this share of a core: at 100,000 it is done five times a second.
_SHARE = 0.03


class RunWidget(FaasWidget):
    """Views keep the items' states as bytes. They begin with all queued, which is number 0, and are
    told what has changed from one number to the next; one that has missed something asks for the
    ``whole``."""

    script = "run.js"
    pace = 0.5  # seconds; the time goes on

    head = field(None)  # {"id", "function", "total"}
    counts = field(None)  # by the names of states
    timing = field(None)  # {"rate", "left", "elapsed", "done"}: a second, seconds, seconds, bool
    number = field(0)  # of the states that were told last

    def __init__(self, run: MapRun[Any]) -> None:
        self._run = run
        self._told = bytes(len(run))
        self._rate = Rate()
        self._next = 0.0  # when looking at the items may be done again
        self._seen_running = False
        self._begun = run.begun
        super().__init__(head={"id": run.id, "function": run.function, "total": len(run)})

    # -- keeping up

    def beat(self, now: float, changed: bool) -> None:
        if self._seen_running and self._run.done and not self.displayed:
            self._refresh()  # nobody looks, but the notebook may be saved
        else:
            super().beat(now, changed)

    def refresh(self) -> None:
        run, now = self._run, time.monotonic()
        if self._begun != (begun := run.begun):
            # It runs again, or has ended again before anybody has seen it run.
            self._begun, self._seen_running = begun, True
        done = run.done  # before the states are read, so that the last ones are told
        if done and not self._seen_running and self.counts is not None:
            return
        if not done and now < self._next:
            self.stale()
            return
        states = run.states
        self._tell(states)
        counts = tally(states)
        elapsed = run.counts.elapsed
        ended = counts["done"] + counts["failed"] + counts["timed_out"]
        settled = ended + counts["cancelled"]
        self._rate.add(now, settled)
        left = self._rate.left(len(states) - settled)
        self.put(
            counts=counts,
            timing={
                "rate": ended / elapsed if done and elapsed else self._rate.per_second,
                "left": left,
                "elapsed": elapsed,
                "done": done,
            },
        )
        self._next = now + (time.monotonic() - now) / _SHARE
        settles = done and self._seen_running
        self._seen_running = not done
        if settles:
            self.settle()

    def _tell(self, states: bytes) -> None:
        if states == self._told:
            return
        part = change(self._told, states)
        base, self._told = self.number, states
        if part is None:
            self.tell("states", [states], whole=True, to=base + 1)
        else:
            self.tell("states", list(part), whole=False, base=base, to=base + 1)
        self.put(number=base + 1)

    def catch_up(self) -> None:
        """Show what there is by now. Idempotent."""
        self._next = 0.0
        self._refresh()

    # -- what views ask for

    @action
    def whole(self) -> None:
        with self._refreshing:
            self.tell("states", [self._told], whole=True, to=self.number)

    @action
    def item(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self._run):
            raise IndexError(f"there is no item {index}: the map has {len(self._run)}")
        return facts(self._run.details(index))

    @action
    def cancel(self) -> None:
        self._run.cancel()

    @action
    def retry_failed(self) -> None:
        self._run.retry_failed()

    # -- without a kernel

    def text(self) -> str:
        return progress_line(self._run.function, self._run.counts)

    def snapshot_html(self) -> str:
        return snapshot.frame(self._run.function, *run_picture(self._run))
