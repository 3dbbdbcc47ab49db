"""The intake: steps that other threads hand to the loop's thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

Step = Callable[[], None]


class Intake:
    """Steps are worked off in the order in which they came, on the loop's thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._steps: deque[Step] = deque()
        self._awake = False

    def __repr__(self) -> str:
        return f"<Intake {len(self._steps)} steps>"

    def put(self, step: Step) -> None:
        """Have the loop do it soon. From any thread."""
        # One wake-up of the loop serves everything that was handed in until it runs.
        self._steps.append(step)
        if not self._awake:
            try:
                self._awake = True
                self._loop.call_soon_threadsafe(self.work_off)
            except BaseException:  # Ctrl-C: perhaps the loop was not woken after all
                self._awake = False
                raise

    def put_aside(self, step: Step) -> None:
        """Have the loop do it when it is awake anyway, within a second or so. From any thread."""
        self._steps.append(step)

    def work_off(self) -> None:
        self._awake = False
        while self._steps:
            self._steps.popleft()()
