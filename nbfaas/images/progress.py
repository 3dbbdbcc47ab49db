"""What an image build tells whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """One line of news: step ``step`` of ``total`` (from 1) has begun, or, with ``done``, the
    image is there. A cache hit sends none."""

    image: str
    step: int
    total: int
    message: str
    done: bool = False

    def __str__(self) -> str:
        return f"{self.image}: [{self.step}/{self.total}] {self.message}"


Notify = Callable[[BuildProgress], None]


class Steps:
    """Counts the steps of one build. ``total`` may be an overestimate until the last step."""

    def __init__(self, image: str, total: int, notify: Notify | None) -> None:
        self._image = image
        self._total = total
        self._notify = notify
        self._step = 0

    def __repr__(self) -> str:
        return f"<Steps {self._step}/{self._total} of {self._image}>"

    def begin(self, message: str) -> None:
        self._step += 1
        self.say(message)

    def say(self, message: str) -> None:
        """News within the current step."""
        if self._notify is not None:
            step = max(self._step, 1)
            self._notify(BuildProgress(self._image, step, max(self._total, step), message))

    def finish(self, message: str) -> None:
        if self._notify is not None:
            total = max(self._total, self._step)
            self._notify(BuildProgress(self._image, total, total, message, done=True))
