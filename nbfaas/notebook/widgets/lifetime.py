"""How long widgets live: to the next run of the cell that shows them, or until nbfaas is unloaded.

ipywidgets itself keeps every widget, and whatever it refers to, as long as the kernel lives.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

# Widgets that stay live at once; the oldest beyond that become still pictures.
_MOST = 100


class Shown(Protocol):
    def close(self) -> None: ...

    def cell_ended(self) -> None:
        """Some cell has been run to its end. Of the shell's thread."""


class Lifetime:
    """The widgets shown, by the cell that shows them. From any thread."""

    def __init__(self) -> None:
        self._shell: Any = None
        self._shown: list[tuple[str | None, Shown]] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Lifetime of {len(self._shown)} widgets>"

    def attach(self, shell: Any) -> None:
        """Learn which cell runs. Idempotent."""
        if self._shell is None:
            self._shell = shell
            shell.events.register("pre_run_cell", self._begin_cell)
            shell.events.register("post_run_cell", self._end_cell)

    def detach(self) -> None:
        """Close all widgets; their outputs keep still pictures."""
        if self._shell is not None:
            self._shell.events.unregister("pre_run_cell", self._begin_cell)
            self._shell.events.unregister("post_run_cell", self._end_cell)
        self._shell = None
        self._close(lambda cell: True)

    def keep(self, widget: Shown) -> None:
        """``widget`` has just been shown."""
        with self._lock:
            if all(each is not widget for _, each in self._shown):
                self._shown.append((self._cell_now(), widget))
            surplus = [each for _, each in self._shown[:-_MOST]]
        for each in surplus:
            each.close()

    def forget(self, widget: Shown) -> None:
        with self._lock:
            self._shown = [(cell, each) for cell, each in self._shown if each is not widget]

    def _cell_now(self) -> str | None:
        """The id that the frontend gives the running cell; some give none."""
        parent = self._shell.get_parent() if hasattr(self._shell, "get_parent") else {}
        found = parent.get("metadata", {}).get("cellId")
        return found if isinstance(found, str) else None

    def _begin_cell(self, info: Any) -> None:
        begins = getattr(info, "cell_id", None)
        if begins is not None:
            self._close(lambda cell: cell == begins)

    def _end_cell(self, _: Any) -> None:
        with self._lock:
            shown = [each for _, each in self._shown]
        for each in shown:
            each.cell_ended()

    def _close(self, ends: Callable[[str | None], bool]) -> None:
        with self._lock:
            closing = [each for cell, each in self._shown if ends(cell)]
        for each in closing:
            each.close()


lifetime = Lifetime()
