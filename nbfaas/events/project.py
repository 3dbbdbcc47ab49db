"""Events saved in the project: ``.nbfaas/events/NAME.json``, to be kept with the code."""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nbfaas.agent.event import BadEvent, Event
from nbfaas.errors.simulator import BadEventName, SavedEventUnusable, UnknownSavedEvent

_MARKS = (".nbfaas", ".git", "pyproject.toml")
_INSIDE = Path(".nbfaas") / "events"
_SUFFIX = ".json"
_NAME = re.compile(r"\w(?:[\w .@+-]{0,98}[\w@+-])?")
_MOST_BYTES = 200  # of a file's name; file systems allow 255


@dataclass(frozen=True, slots=True)
class SavedEvent:
    """``problem`` says why the file holds no event; then ``type`` and ``source`` are empty."""

    name: str
    path: Path
    saved_at: datetime
    type: str = ""
    source: str = ""
    problem: str | None = None

    def __repr__(self) -> str:
        what = f"can't be used: {self.problem}" if self.problem else f"{self.type} {self.source}"
        return f"<SavedEvent {self.name!r} {what}>"


def project_folder(begin: Path | None = None) -> Path:
    """The nearest folder, from ``begin`` (the current one) upwards, that has .nbfaas, .git or
    pyproject.toml; else ``begin``."""
    here = Path.cwd() if begin is None else begin
    for folder in (here, *here.parents):
        if any((folder / mark).exists() for mark in _MARKS):
            return folder
    return here


def events_folder(begin: Path | None = None) -> Path:
    """Where the project, looked for from ``begin`` (the current folder), keeps its events."""
    return project_folder(begin) / _INSIDE


def save(event: Event, name: str) -> Path:
    """Keep the event, as readable JSON with all its attributes, under ``name`` in the project, in
    the place of an earlier one. Returns the file. Raises ``BadEventName``, ``SavedEventUnusable``.
    """
    path = _path(name)
    text = json.dumps(event.to_dict(), indent=2, ensure_ascii=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, text.encode())
    except OSError as error:
        raise _unusable(path, error) from error
    return path


def load(name: str) -> Event:
    """The event saved under ``name``, equal to what was saved. Sent as it is, it is the same event
    once more, and so a duplicate: ``fresh`` makes a new one of it. Raises ``BadEventName``,
    ``UnknownSavedEvent`` and ``SavedEventUnusable``."""
    path = _path(name)
    try:
        return Event.from_json(path.read_bytes())
    except FileNotFoundError:
        raise _unknown(name, path) from None
    except OSError as error:
        raise _unusable(path, error) from error
    except BadEvent as error:
        fix = "Put the file right, or save the event again."
        raise SavedEventUnusable(str(path), f"it holds no CloudEvent: {error}", fix) from None


def saved() -> list[SavedEvent]:
    """What is saved in the project, by name."""
    found = []
    for path in sorted(events_folder().glob(f"*{_SUFFIX}")):
        name = path.name.removesuffix(_SUFFIX)
        if not _is_name(name):
            continue
        try:
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            event = load(name)
        except UnknownSavedEvent:
            continue  # it was deleted this very moment
        except FileNotFoundError:
            continue
        except SavedEventUnusable as error:
            found.append(SavedEvent(name, path, at, problem=error.reason))
        else:
            found.append(SavedEvent(name, path, at, event.type, event.source))
    return found


def delete(name: str) -> None:
    """Raises ``BadEventName``, ``UnknownSavedEvent`` and ``SavedEventUnusable``."""
    path = _path(name)
    try:
        path.unlink()
    except FileNotFoundError:
        raise _unknown(name, path) from None
    except OSError as error:
        raise _unusable(path, error) from error


def _path(name: str) -> Path:
    if not _is_name(name):
        raise BadEventName(name)
    return events_folder() / f"{name}{_SUFFIX}"


def _is_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and _NAME.fullmatch(name) is not None
        and len(name.encode("utf-8", "surrogatepass")) <= _MOST_BYTES
    )


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, whatever happens meanwhile."""
    handle, temporary = tempfile.mkstemp(prefix=".saving-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's are for the owner alone, and this is to be shared
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _unknown(name: str, path: Path) -> UnknownSavedEvent:
    there = [each.name.removesuffix(_SUFFIX) for each in sorted(path.parent.glob(f"*{_SUFFIX}"))]
    return UnknownSavedEvent(name, str(path.parent), there)


def _unusable(path: Path, error: OSError) -> SavedEventUnusable:
    fix = "Look at the folder's rights and at the disk."
    return SavedEventUnusable(str(path), error.strerror or str(error), fix)
