"""Showing calls and runs in the cell that waits for them, and as the value of a cell."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbfaas.remote.call import FunctionCall
from nbfaas.remote.map_run import MapRun
from nbfaas.remote.progress import Update

if TYPE_CHECKING:
    from nbfaas.notebook.widgets.call_widget import CallWidget
    from nbfaas.notebook.widgets.run_widget import RunWidget

_FIRST = 0.3  # seconds; a run that is over sooner is not shown


class Shows:
    """What is shown of calls and runs in one notebook. anywidget is imported with the first."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._cell: object = None  # the cell that the following were shown in
        self._runs: dict[str, RunWidget] = {}
        self._unasked: set[str] = set()  # runs that nobody has asked to see
        self._call: CallWidget | None = None

    def __repr__(self) -> str:
        return f"<Shows of {type(self._shell).__name__}>"

    def show_run(self, run: MapRun[Any]) -> None:
        """As the value of a cell."""
        from nbfaas.notebook.widgets.run_widget import RunWidget

        self._begin()
        if run.id in self._unasked:  # it has been waited for in this cell, and is shown there
            self._unasked.remove(run.id)
            return
        self._runs[run.id] = widget = RunWidget(run)
        widget._ipython_display_()

    def show_call(self, call: FunctionCall[Any]) -> None:
        """As the value of a cell."""
        from nbfaas.notebook.widgets.call_widget import CallWidget

        CallWidget(call)._ipython_display_()

    @contextlib.contextmanager
    def watch_run(self, run: MapRun[Any]) -> Iterator[Update]:
        """While a cell waits for ``run``: a widget, unless the cell shows one of it already."""
        due = time.monotonic() + _FIRST

        def update() -> None:
            if time.monotonic() >= due and not run.done:
                self._begin()
                if run.id not in self._runs:
                    self.show_run(run)
                    self._unasked.add(run.id)

        try:
            yield update
        finally:
            widget = self._runs.get(run.id)
            if widget is not None:
                widget.catch_up()

    def watch_call(self, call: FunctionCall[Any]) -> Update:
        """While a cell waits for ``call``. A cell has one such widget, for one call at a time."""
        from nbfaas.notebook.widgets.call_widget import CallWidget

        self._begin()
        if self._call is None:
            self._call = CallWidget(call, brief=True)
            self._call._ipython_display_()
        else:
            self._call.follow(call)
        return self._call.catch_up

    def _begin(self) -> None:
        if self._cell != self._shell.execution_count:
            self._cell = self._shell.execution_count
            self._runs, self._unasked, self._call = {}, set(), None
