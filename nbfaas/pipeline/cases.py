"""The saved events of a folder, with what is expected of each.

``FOLDER/NAME.json`` is a CloudEvent, as the simulator saves it;
``FOLDER/expected/FUNCTION/NAME.json`` says what the function makes of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbfaas.agent.event import BadEvent, Event
from nbfaas.errors import BadExpectation, NothingToTest, SavedEventUnusable, UnknownSavedEvent
from nbfaas.model.trigger_spec import TriggerSpec
from nbfaas.pipeline.expectation import NOTHING, Expectation, read_expectation
from nbfaas.pipeline.relevance import takers

EXPECTED = "expected"
_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class Case:
    """A saved event. ``triggers``: those of the function that take it. ``runs``: whether the
    function is run with it: not if it has triggers, none of them takes the event, and nothing is
    expected to come of it."""

    name: str
    path: Path
    event: Event
    triggers: tuple[TriggerSpec, ...]
    expectation: Expectation
    expectation_path: Path
    runs: bool


def find_cases(
    folder: Path,
    function: str,
    specs: Sequence[TriggerSpec],
    names: Sequence[str] = (),
    *,
    its_own: bool = False,
) -> tuple[list[Case], int]:
    """The events that concern the function, by name, and how many others there are. ``names``:
    these, whatever its triggers take. One that it has an expectation for concerns it; if there is
    none of these either, a function without triggers takes all. ``its_own``: the folder has no
    events but the function's.

    Raises ``SavedEventUnusable``, ``BadExpectation``, ``UnknownSavedEvent``, ``NothingToTest``.
    """
    there = sorted(path.name.removesuffix(_SUFFIX) for path in folder.glob(f"*{_SUFFIX}"))
    for name in names:
        if name not in there:
            raise UnknownSavedEvent(name, str(folder), there)
    cases = [_case(folder, name, function, specs) for name in names or there]
    chosen = [case for case in cases if names or its_own or _concerns(case)]
    if not specs and not chosen:
        chosen = cases
    if not chosen:
        others = f"none of the {len(there)} events there is one for its triggers"
        raise NothingToTest(function, str(folder), others if there else "it has no event")
    return chosen, len(there) - len(chosen)


def read_event(path: Path) -> Event:
    """Raises ``SavedEventUnusable``."""
    try:
        return Event.from_json(path.read_bytes())
    except OSError as error:
        reason = error.strerror or str(error)
        raise SavedEventUnusable(str(path), reason, "Look at the file's rights.") from error
    except BadEvent as error:
        fix = "Put the file right, or save the event again."
        raise SavedEventUnusable(str(path), f"it holds no CloudEvent: {error}", fix) from None


def write_expectation(case: Case, expectation: Expectation) -> None:
    """Raises ``BadExpectation`` if it can't be written, or a link leads out of the folder of the
    events: it would be some other file that is overwritten."""
    path, folder = case.expectation_path, case.path.parent
    if path.is_symlink() or not path.parent.resolve().is_relative_to(folder.resolve()):
        raise BadExpectation(str(path), "it is not written, because a link leads out of the folder")
    try:
        case.expectation_path.parent.mkdir(parents=True, exist_ok=True)
        case.expectation_path.write_text(expectation.to_json(), "utf-8")
    except OSError as error:
        problem = f"it can't be written: {error.strerror}"
        raise BadExpectation(str(case.expectation_path), problem) from error


def _case(folder: Path, name: str, function: str, specs: Sequence[TriggerSpec]) -> Case:
    path = folder / f"{name}{_SUFFIX}"
    event = read_event(path)
    expected = folder / EXPECTED / function / path.name
    expectation = NOTHING
    if expected.is_file():
        try:
            text = expected.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadExpectation(str(expected), f"it can't be read: {error}") from None
        known = tuple(spec.name for spec in specs)
        expectation = read_expectation(text, str(expected), known)
    triggers = tuple(takers(specs, event))
    runs = bool(triggers) or not specs or not expectation.wanted.keys() <= {"triggers"}
    return Case(name, path, event, triggers, expectation, expected, runs)


def _concerns(case: Case) -> bool:
    return bool(case.triggers) or case.expectation is not NOTHING
