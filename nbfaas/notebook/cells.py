"""Telling which cell runs, for the triggers that it makes."""

from __future__ import annotations

from typing import Any

from nbfaas.remote.cells import CellRun, cell_triggers


class CellWatch:
    """Follows the cells of a shell by the ids that its frontend gives them."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __repr__(self) -> str:
        return f"<CellWatch of {type(self._shell).__name__}>"

    def attach(self) -> None:
        self._shell.events.register("pre_run_cell", self._begin)
        self._shell.events.register("post_run_cell", self._end)
        # The cell that loads nbfaas has begun already.
        cell_triggers.begin(None, _cell_id(self._shell, None))

    def detach(self) -> None:
        self._shell.events.unregister("pre_run_cell", self._begin)
        self._shell.events.unregister("post_run_cell", self._end)
        cell_triggers.stop()

    def _begin(self, info: Any = None) -> None:
        cell_triggers.begin(info, _cell_id(self._shell, info))

    def _end(self, result: Any = None) -> None:
        info = getattr(result, "info", None)
        cell = _cell_id(self._shell, info)

        def is_it(run: CellRun) -> bool:
            if info is None:  # it was interrupted
                return True
            return run.key is info or (run.key is None and run.cell == cell)

        cell_triggers.end(is_it, bool(getattr(result, "success", False)))


def _cell_id(shell: Any, info: Any) -> str | None:
    """None where there is none: in a terminal, and for what a cell runs by ``run_cell``."""
    kernel = getattr(shell, "kernel", None)
    found = getattr(info, "cell_id", None)
    if not hasattr(info, "cell_id") and kernel is not None:
        parent = kernel.get_parent("shell")
        found = (parent.get("metadata") or {}).get("cellId") if isinstance(parent, dict) else None
    return found if isinstance(found, str) and found else None
