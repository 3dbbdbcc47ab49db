"""Which cell has made which triggers, so that one that makes them no more has them removed.

A function that is renamed in its cell is another one with triggers of its own; those of the old
name would stay, as nothing takes their place. Where a frontend gives cells ids, it is known that
the same cell was run again.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from nbfaas.errors import NbfaasError
from nbfaas.service import current_service

if TYPE_CHECKING:
    from nbfaas.service.place import Place
    from nbfaas.triggers.trigger import Trigger


class CellRun:
    """One run of a cell, from ``begin`` to ``end``. ``key`` is whatever tells it from others."""

    def __init__(self, key: object, cell: str | None) -> None:
        self.key = key
        self.cell = cell
        self.made: list[Trigger] = []
        self.gave_way: list[Trigger] = []  # to what the run has made in their place

    def __repr__(self) -> str:
        return f"<CellRun of {self.cell} made {len(self.made)} triggers>"


class CellTriggers:
    """Used from the thread that runs cells; what other threads make is no cell's."""

    def __init__(self) -> None:
        self._runs: list[CellRun] = []  # a cell may run another one
        self._made: dict[str, list[Trigger]] = {}
        self._thread: int | None = None

    def __repr__(self) -> str:
        return f"<CellTriggers of {len(self._made)} cells>"

    def begin(self, key: object, cell: str | None) -> None:
        """A cell begins. ``cell`` is its id; None: it has none, and so nothing is known of it."""
        self._thread = threading.get_ident()
        self._runs.append(CellRun(key, cell))

    def end(self, matches: Callable[[CellRun], bool], succeeded: bool) -> None:
        """The run that ``matches`` has ended. What an earlier run of its cell had made, and it has
        not, is removed if it ``succeeded``, and the user is told; else it is seen to next time."""
        at = next((n for n in reversed(range(len(self._runs))) if matches(self._runs[n])), None)
        if at is None:
            return
        run = self._runs[at]
        del self._runs[at:]
        if run.cell is None:
            return
        left = self._left(run)
        self._made[run.cell] = run.made if succeeded else [*left, *run.made]
        if not self._made[run.cell]:
            del self._made[run.cell]
        service = current_service()
        if service is not None:
            for trigger in run.gave_way:
                _tell(service, trigger.name)
            for trigger in left if succeeded else ():
                _remove(service, trigger)

    def stop(self) -> None:
        """Whatever runs, its end will not be told."""
        self._runs.clear()

    def note(self, trigger: Trigger) -> None:
        """The trigger was made, perhaps by the cell that runs: by its own lines, and not by those
        of a module, which it need not run again."""
        if self._runs and threading.get_ident() == self._thread and _made_by_cell():
            self._runs[-1].made.append(trigger)

    def give_way(self, trigger: Trigger) -> bool:
        """Whether the trigger is one that the running cell made before and not now, so that what
        it makes now may take its place."""
        if not self._runs or threading.get_ident() != self._thread:
            return False
        run = self._runs[-1]
        if all(trigger is not each for each in self._left(run)):
            return False
        run.gave_way.append(trigger)
        return True

    def _left(self, run: CellRun) -> list[Trigger]:
        """What an earlier run of the cell has made, and this one has not."""
        names = {each.name for each in run.made}
        earlier = self._made.get(run.cell, []) if run.cell is not None else []
        return [each for each in earlier if each.name not in names and each not in run.gave_way]


cell_triggers = CellTriggers()


def _made_by_cell() -> bool:
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("nbfaas."):
        frame = frame.f_back
    return frame.f_globals.get("__name__") == "__main__"


def _remove(service: Place, trigger: Trigger) -> None:
    engine = service.events_if_open
    if engine is None or not engine.triggers.holds(trigger):
        return  # another cell makes it now, or the user has removed it
    try:
        service.run(engine.remove(trigger.name))
    except NbfaasError as error:
        service.notify(f"trigger {trigger.name!r} could not be removed: {error}")
    else:
        _tell(service, trigger.name)


def _tell(service: Place, name: str) -> None:
    engine = service.events_if_open
    text = f"trigger {name!r} is removed: its cell was run again, and does not make it any more."
    if engine is not None and (count := engine.store.waiting.get(name, 0)):
        waits = "1 event waits" if count == 1 else f"{count:,} events wait"
        text += f" {waits} for a trigger of this name: %faas triggers show {name}."
    service.notify(text)
