"""Handing the changes of files in, with what is to be remembered of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from nbfaas.agent.event import Event
from nbfaas.errors.delivery import EventConflict
from nbfaas.triggers.file_pattern import FilePattern
from nbfaas.triggers.file_settling import FileChange, Settling
from nbfaas.triggers.file_state import Pace, to_state
from nbfaas.triggers.source import Intake
from nbfaas.triggers.threads import in_thread

AT_ONCE = 500  # events handed in together


class Reporting:
    """The state goes along with the events if it is due, else soon after them. Without it nothing
    is lost: what is handed in again after a crash has the same ids, and is dropped."""

    def __init__(
        self,
        intake: Intake,
        pattern: FilePattern,
        settling: Settling,
        to_event: Callable[[FileChange], Event],
    ) -> None:
        self._intake = intake
        self._pattern = pattern
        self._settling = settling
        self._to_event = to_event
        self._pace = Pace()
        self._written = 0

    async def report(self, changes: Sequence[FileChange]) -> None:
        """Hand in the changes, and the state if it is due."""
        for begin in range(0, len(changes), AT_ONCE):
            batch = changes[begin : begin + AT_ONCE]
            self._settling.done(batch)  # if this fails, all is begun anew with the last state
            await self._hand_in([self._to_event(change) for change in batch])
        if self.due_at <= time.monotonic():
            await self._hand_in([])

    @property
    def due_at(self) -> float:
        """When the state is to be written; never, if nothing has changed."""
        return math.inf if self._written == self._settling.noted else self._pace.due_at

    async def _hand_in(self, events: list[Event]) -> None:
        state: dict[str, Any] | None = None
        noted = self._settling.noted
        if self.due_at <= (began := time.monotonic()):
            state = await in_thread(
                lambda _: to_state(self._pattern, self._settling.known), "nbfaas-file"
            )
            self._pace.wrote(ended := time.monotonic(), ended - began)
            self._written = noted
        try:
            await self._intake.accept(events, state=state)
        except EventConflict:
            await self._hand_in_singly(events, state)

    async def _hand_in_singly(self, events: list[Event], state: dict[str, Any] | None) -> None:
        """One of them was handed in before, by an nbfaas that described it otherwise."""
        for event in events:
            try:
                await self._intake.accept([event])
            except EventConflict:
                continue
        await self._intake.accept([], state=state)
