"""How long widgets live: to the next run of the cell that shows them, or until nbfaas is unloaded.

ipywidgets itself keeps every widget, and whatever it refers to, as long as the kernel lives.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

# Widgets that stay live at once; the oldest beyond that become still pictures.
_MOST = 100


class Closable(Protocol):
    def close(self) -> None: ...


class Lifetime:
    """The widgets shown, by the cell that shows them. From any thread."""

    def __init__(self) -> None:
        self._shell: Any = None
        self._cell: str | None = None
        self._shown: list[tuple[str | None, Closable]] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Lifetime of {len(self._shown)} widgets>"

    def attach(self, shell: Any) -> None:
        """Learn which cell runs. Idempotent."""
        if self._shell is None:
            self._shell = shell
            shell.events.register("pre_run_cell", self._begin_cell)

    def detach(self) -> None:
        """Close all widgets; their outputs keep still pictures."""
        if self._shell is not None:
            self._shell.events.unregister("pre_run_cell", self._begin_cell)
        self._shell, self._cell = None, None
        self._close(lambda cell: True)

    def keep(self, widget: Closable) -> None:
        """``widget`` has just been shown."""
        with self._lock:
            if all(each is not widget for _, each in self._shown):
                self._shown.append((self._cell, widget))
            surplus = [each for _, each in self._shown[:-_MOST]]
        for each in surplus:
            each.close()

    def forget(self, widget: Closable) -> None:
        with self._lock:
            self._shown = [(cell, each) for cell, each in self._shown if each is not widget]

    def _begin_cell(self, info: Any) -> None:
        self._cell = getattr(info, "cell_id", None)
        if self._cell is not None:
            self._close(lambda cell: cell == self._cell)

    def _close(self, ends: Any) -> None:
        with self._lock:
            closing = [each for cell, each in self._shown if ends(cell)]
        for each in closing:
            each.close()


lifetime = Lifetime()
