"""Messages of the service, shown where they don't disturb.

They come from any thread. In a notebook they go below the cell that runs, or below the one that
loaded nbfaas, in one output that is updated; in a terminal to stderr while a cell runs.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from typing import Any

from nbfaas.notebook.display import Live
from nbfaas.notebook.text import markup, plain
from nbfaas.service.current import Here

_KEPT = 6  # lines of one cell's messages


class Notices:
    """``post`` is what the service is given as ``notify``."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._lock = threading.Lock()
        self._waiting: list[str] = []
        self._cell: contextvars.Context | None = None
        self._live: Live | None = None
        self._lines: list[str] = []

    def __repr__(self) -> str:
        return f"<Notices {len(self._waiting)} waiting>"

    def attach(self) -> None:
        self._shell.events.register("pre_run_cell", self.begin_cell)
        self._shell.events.register("post_run_cell", self.end_cell)
        self._cell = contextvars.copy_context()

    def detach(self) -> None:
        self._shell.events.unregister("pre_run_cell", self.begin_cell)
        self._shell.events.unregister("post_run_cell", self.end_cell)

    def begin_cell(self, info: object = None) -> None:
        # Output that other threads publish in this context belongs to this cell.
        with self._lock:
            self._cell = contextvars.copy_context()
            self._live, self._lines = None, []
            waiting, self._waiting = self._waiting, []
        for message in waiting:
            self.post(message)

    def end_cell(self, result: object = None) -> None:
        with self._lock:
            self._cell = None

    def post(self, message: str) -> None:
        """Show ``message``, now or with the next cell. Never raises for want of a place."""
        with self._lock:
            if self._cell is None:
                self._waiting.append(message)
                return
            self._lines = [*self._lines, message][-_KEPT:]
            if not is_notebook(self._shell):
                print(f"nbfaas: {plain(_now(message))}", file=sys.stderr)
                return
            if self._live is None:
                self._live = Live(self._shell)
            self._show(self._cell, self._live)

    def refresh(self) -> None:
        """Functions run somewhere else now: what the present cell says of that is put right."""
        with self._lock:
            told = any(isinstance(line, Here) for line in self._lines)
            if told and self._cell is not None and self._live is not None:
                self._show(self._cell, self._live)

    def _show(self, cell: contextvars.Context, live: Live) -> None:
        lines = [_now(line) for line in self._lines]
        cell.copy().run(live.show, _text(lines), _html(lines))


def _now(line: str) -> str:
    return line.now if isinstance(line, Here) else line


def is_notebook(shell: Any) -> bool:
    """Whether outputs are displayed by a frontend, and can be updated."""
    return getattr(shell, "kernel", None) is not None


def _text(lines: list[str]) -> str:
    return "\n".join(f"nbfaas: {plain(line)}" for line in lines)


def _html(lines: list[str]) -> str:
    shown = "<br>".join(f"nbfaas: {markup(line)}" for line in lines)
    return f'<small style="opacity:.75" role="status">{shown}</small>'
