"""The desk: answers what sandboxes ask about state, each for its own function only.

A sandbox may be hostile: what is no request ends it, it may have few requests waiting, and who asks
too often waits for its answers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nbfaas.agent import wire
from nbfaas.agent.buffers import views
from nbfaas.agent.state import MAX_VALUE, Reply
from nbfaas.agent.wire import Chunk, Frame, Kind
from nbfaas.state import BadRequest, Request, StateStore, read_request

if TYPE_CHECKING:
    from nbfaas.settings import Settings

# An agent waits for each reply; but one whose function was interrupted may ask again at once.
MOST_WAITING = 8
RATE = 2000
"""Requests a second of one sandbox, on average; a second's worth may come at once."""
_MOST_BYTES = 2 * (MAX_VALUE + 1)


class Asker(Protocol):
    """A sandbox, as the desk sees it."""

    def answer_state(self, chunks: list[Chunk]) -> None: ...
    def break_off(self, reason: str) -> None: ...


class StateDesk:
    """Used from the loop's thread; one thread of its own, begun by the first request, has the
    file."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._thread: ThreadPoolExecutor | None = None
        self._store: StateStore | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<StateDesk {self._store or 'not yet asked'}>"

    def seat(self, function: str, asker: Asker) -> Seat:
        """A place for one sandbox of the function."""
        return Seat(self, function, asker)

    async def answer(self, function: str, request: Request, values: Sequence[bytes]) -> Reply:
        """Carry out a request, behind those that came before it."""
        if self._closed:
            return {"refused": "unavailable", "reason": "nbfaas is closing"}, ()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "nbfaas-state")
            path = Path(self._settings.data_dir, "state.db")
            self._store = StateStore(path, self._settings.state_quota)
        assert self._store is not None
        self._store.quota = self._settings.state_quota
        return await self._loop.run_in_executor(
            self._thread, self._store.answer, function, request, values
        )

    async def close(self) -> None:
        """Finish what was begun. Idempotent."""
        self._closed = True
        thread, self._thread = self._thread, None
        if thread is not None and self._store is not None:
            await self._loop.run_in_executor(thread, self._store.close)
            thread.shutdown()


class Seat:
    """One sandbox's requests."""

    def __init__(self, desk: StateDesk, function: str, asker: Asker) -> None:
        self._desk = desk
        self._function = function
        self._asker = asker
        self._loop = asyncio.get_running_loop()
        self._answering: set[asyncio.Task[None]] = set()
        self._paid_until = 0.0  # each request costs 1 / RATE seconds

    def __repr__(self) -> str:
        return f"<Seat of {self._function}, {len(self._answering)} waiting>"

    def ask(self, frame: Frame) -> None:
        """Answer a STATE frame, after those that came before it."""
        parts = frame.parts
        if len(self._answering) >= MOST_WAITING or wire.total(parts) > _MOST_BYTES:
            self._asker.break_off("it asks for state without waiting, or with too large values")
            return
        values = [bytes(each) for each in views(parts)][:-1]
        try:
            request = read_request(frame.control, values)
        except BadRequest as error:
            self._asker.break_off(f"a STATE frame that makes no sense: {error}")
            return
        now = self._loop.time()
        self._paid_until = max(self._paid_until, now - 1.0) + 1.0 / RATE
        task = self._loop.create_task(
            self._answer(frame.call, request, values, self._paid_until - now)
        )
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(
        self, call: int, request: Request, values: Sequence[bytes], wait: float
    ) -> None:
        if wait > 0:
            await asyncio.sleep(wait)
        reply, found = await self._desk.answer(self._function, request, values)
        control = json.dumps({"id": request.id, **reply}).encode()
        self._asker.answer_state(wire.encode(Kind.STATE_REPLY, call, 0, control, [*found, b""]))
