"""Showing runs: while a cell waits for one, and live where one is a cell's value."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Iterator
from typing import Any

from nbfaas.notebook.display import Live
from nbfaas.notebook.notices import is_notebook
from nbfaas.notebook.progress_view import progress_html, progress_text
from nbfaas.remote.map_run import MapRun
from nbfaas.remote.progress import Update, Watcher, terminal_watcher

_EVERY = 0.1  # seconds between updates
_FIRST = 0.3  # a run that is over sooner shows no progress


def notebook_watcher(shell: Any) -> Watcher:
    """The watcher for ``shell``: a bar that is updated in place, or a terminal's line."""
    if not is_notebook(shell):
        return terminal_watcher

    @contextlib.contextmanager
    def watcher(run: MapRun[Any]) -> Iterator[Update]:
        bar = Bar(shell, run)
        try:
            yield bar.update
        finally:
            bar.update(last=True)

    return watcher


class Bar:
    """The progress of one run, in one output."""

    def __init__(self, shell: Any, run: MapRun[Any]) -> None:
        self._live = Live(shell)
        self._run = run
        self._next = time.monotonic() + (0 if run.done else _FIRST)
        self._was_due = False
        self._text = ""

    def __repr__(self) -> str:
        return f"<Bar {self._text}>"

    def update(self, *, last: bool = False) -> None:
        """Show the present state, if it is time to; ``last`` ends what has been begun."""
        now = time.monotonic()
        if now < self._next and not (last and self._was_due):
            return
        if self._run.done and not self._was_due:
            return
        self._was_due = True
        self._next = now + _EVERY
        self.show()

    def show(self) -> None:
        counts = self._run.counts
        text = progress_text(self._run.function, counts)
        if text != self._text:
            self._text = text
            self._live.show(text, progress_html(self._run.function, counts))


class LiveRuns:
    """Runs that are the value of a cell: shown at once, and updated until they end."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._stopped = threading.Event()

    def __repr__(self) -> str:
        return f"<LiveRuns of {type(self._shell).__name__}>"

    def show(self, run: MapRun[Any]) -> None:
        bar = Bar(self._shell, run)
        bar.show()
        if not run.done:
            context = contextvars.copy_context()
            threading.Thread(
                target=context.run, args=(self._follow, run, bar), name="nbfaas-run", daemon=True
            ).start()

    def stop(self) -> None:
        self._stopped.set()

    def _follow(self, run: MapRun[Any], bar: Bar) -> None:
        while not run.done and not self._stopped.wait(_EVERY):
            bar.show()
        bar.show()
