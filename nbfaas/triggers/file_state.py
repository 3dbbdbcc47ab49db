"""What a file source remembers, as JSON that is small enough to be written often."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from nbfaas.triggers.file_pattern import FilePattern, Version

_DUTY = 20  # of the time, writing the state may take one part in so many
_SHORTEST = 0.25  # seconds between two writes


@dataclass(frozen=True, slots=True)
class Remembered:
    """``known`` are the versions dealt with, by path relative to ``folder``; ``parts`` are of the
    pattern that they were found with."""

    folder: str
    parts: tuple[str, ...]
    known: dict[str, Version] = field(default_factory=dict)

    @classmethod
    def from_state(cls, state: Mapping[str, Any] | None) -> Remembered | None:
        """None at the very first start, and if the state is that of another kind of source, which
        the trigger had before."""
        if state is None or "files" not in state:
            return None
        packed = zlib.decompress(base64.b64decode(state["files"]))
        known = msgspec.msgpack.decode(packed, type=dict[str, Version])
        return cls(state["folder"], tuple(state["parts"]), known)


def to_state(pattern: FilePattern, known: Mapping[str, Version]) -> dict[str, Any]:
    """About 20 bytes a file."""
    packed = zlib.compress(msgspec.msgpack.encode(known), 1)
    return {
        "folder": pattern.folder,
        "parts": list(pattern.parts),
        "files": base64.b64encode(packed).decode(),
    }


class Pace:
    """Spaces the writes of the state: it is written as a whole, and may be large."""

    def __init__(self) -> None:
        self.due_at = 0.0  # monotonic

    def wrote(self, now: float, took: float) -> None:
        self.due_at = now + max(_SHORTEST, _DUTY * took)
