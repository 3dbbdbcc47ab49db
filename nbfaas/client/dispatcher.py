"""Invocations that run on a server: what the dispatcher is where functions run here."""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nbfaas.agent.buffers import SealedBuffer
from nbfaas.agent.wire import Part
from nbfaas.client.opening import is_large, open_end
from nbfaas.client.uploads import Uploads
from nbfaas.errors import PayloadTooLarge
from nbfaas.model import session
from nbfaas.model.image import ImageSpec
from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import AttemptFinished, AttemptStarted, LogWritten, Record, Subscriber
from nbfaas.model.session import Frame, Given, Retrying, Settled

if TYPE_CHECKING:
    from nbfaas.client.link import Link
    from nbfaas.dispatch.invocation import Invocation
    from nbfaas.errors.serve import ServerGone

_TOGETHER = 500  # invocations of a command, …
_TOGETHER_SIZE = 512 * 1024  # … unless their arguments have more bytes than that
_FRAMING = 64 * 1024  # bytes that a command has besides arguments, at most
_UNBOUNDED = 1 << 62  # the server bounds output


class ServerDispatcher:
    """Invocations are written by the loop's thread only, as with the dispatcher. ``limit``: bytes
    that the server takes at once."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        uploads: Uploads,
        publish: Subscriber,
        notify: Callable[[str], None],
        show_build: Callable[[str], None],
        answered: Callable[[session.Answered], None],
        limit: int,
    ) -> None:
        self._loop = loop
        self._uploads = uploads
        self._publish = publish
        self._notify = notify
        self._show_build = show_build
        self._answered = answered
        self._limit = limit
        self._live: dict[str, Invocation] = {}
        self._numbers = itertools.count(1)
        self._blobs: weakref.WeakKeyDictionary[SealedBuffer, int] = weakref.WeakKeyDictionary()
        self._opening: set[asyncio.Task[None]] = set()
        self.link: Link | None = None

    def __repr__(self) -> str:
        return f"<ServerDispatcher {len(self._live)} under way, {self.link!r}>"

    # -- from any thread

    def submit(self, invocations: list[Invocation]) -> None:
        """Each will call its ``listener`` once, on the loop's thread. Raises ``ServerGone``,
        ``PayloadTooLarge``, and what ``Uploads.key_of`` raises; then none is submitted."""
        link = self._link()
        together: dict[tuple[str, bool], list[Given]] = {}
        for each in invocations:
            which = self._uploads.key_of(each.function)
            together.setdefault(which, []).append(self._given(each))
        self._live.update({each.id: each for each in invocations})
        for (key, served), given in together.items():
            for some in _batches(given):
                link.send(session.Submit(key, served, some))
        if link.gone is not None:  # just now, so that nobody has failed these
            self._loop.call_soon_threadsafe(self.fail_all, link.gone)

    def cancel(self, invocations: Iterable[Invocation]) -> None:
        """Cancel those that are not settled. What runs is killed with its sandbox."""
        ids = tuple(each.id for each in invocations if not each.settled)
        for at in range(0, len(ids), _TOGETHER):
            self._send(session.Cancel(ids[at : at + _TOGETHER]))

    def prewarm(self, image: ImageSpec) -> None:
        self._send(session.Prewarm(image))

    def stop_idle(self, function: str | None = None) -> None:
        """Remove idle sandboxes of the server, of one function or of all."""
        self._send(session.StopIdle(function))

    def supersede(self, digest: str) -> None:
        """A newer version took this one's place: its sandboxes go as soon as they are idle."""
        self._uploads.supersede(digest)

    def watch(self, everything: bool) -> None:
        """Whether the server tells all that it does, or only what concerns this notebook."""
        self._send(session.Watch(everything))

    def _link(self) -> Link:
        """Raises ``ServerGone``."""
        assert self.link is not None
        if self.link.gone is not None:
            raise self.link.gone.again()
        return self.link

    def _send(self, command: session.Command) -> None:
        """To a server that is gone nothing has to be said."""
        if self.link is not None and self.link.gone is None:
            self.link.send(command)

    def _given(self, invocation: Invocation) -> Given:
        size = sum(len(part) for part in invocation.parts if not isinstance(part, SealedBuffer))
        if size > self._limit - _FRAMING:
            what = f"the arguments of {invocation.function.name!r}"
            raise self._too_large(what, size)
        return Given(
            invocation.id,
            tuple(map(self._part, invocation.parts)),
            invocation.queued_at,
            invocation.run_id,
            invocation.index,
            invocation.chunksize,
            invocation.event,
        )

    def _part(self, part: Part) -> bytes | int:
        if not isinstance(part, SealedBuffer):
            return bytes(part)
        number = self._blobs.get(part)
        if number is None:  # one that many calls share goes there once
            if part.size > self._limit - _FRAMING:
                raise self._too_large("an argument", part.size)
            number = self._blobs[part] = next(self._numbers)
            self._send(session.Blob(number, bytes(part.view())))
            weakref.finalize(part, self._forget, number).atexit = False
        return number

    def _too_large(self, what: str, size: int) -> PayloadTooLarge:
        error = PayloadTooLarge(what, size, self._limit)
        error.add_note("(It is the server's limit: session_limit in its configuration.)")
        return error

    def _forget(self, number: int) -> None:
        self._send(session.Forget(number))

    # -- on the loop's thread

    def receive(self, frames: list[Frame]) -> None:
        for frame in frames:
            if isinstance(frame, Settled):
                self._settled(frame)
            elif isinstance(frame, Retrying):
                if (found := self._live.get(frame.id)) is not None:
                    found.state = InvocationState.RETRYING
            elif isinstance(frame, session.Answered):
                self._answered(frame)
            elif isinstance(frame, session.Notice):
                self._show_build(frame.text)
            elif isinstance(frame, session.Dropped):
                self._notify(
                    f"{frame.records:,} records of the server were left out, as this notebook did "
                    "not take them fast enough: what is shown of its traffic is incomplete."
                )
            else:
                record: Record = frame  # type: ignore[assignment]
                self._follow(record)
                self._publish(record)

    def _follow(self, record: Record) -> None:
        found = self._live.get(getattr(record, "invocation_id", None) or "")
        if found is None:
            return
        if isinstance(record, AttemptStarted):
            found.state = InvocationState.RUNNING
            found.attempts_made = record.attempt
        elif isinstance(record, LogWritten):
            found.add_log(record.stream, record.data, _UNBOUNDED)
        elif isinstance(record, AttemptFinished):
            found.attempts = (*found.attempts, record.stats)

    def _settled(self, end: Settled) -> None:
        found = self._live.pop(end.id, None)
        if found is None:
            return
        if is_large(end):
            task = self._loop.create_task(self._open_in_thread(found, end))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        else:
            self._settle(found, end, *open_end(found, end))

    async def _open_in_thread(self, invocation: Invocation, end: Settled) -> None:
        found = await asyncio.to_thread(open_end, invocation, end)
        self._settle(invocation, end, *found)

    def _settle(
        self, invocation: Invocation, end: Settled, value: Any, error: BaseException | None
    ) -> None:
        state = end.state
        if error is not None and state is InvocationState.SUCCEEDED:
            state = InvocationState.FAILED  # it can't be read here
        invocation.attempts_made = end.attempts_made
        invocation.attempts = end.attempts
        invocation.value, invocation.error, invocation.failure = value, error, end.failure
        self._finish(invocation, state)

    def _finish(self, invocation: Invocation, state: InvocationState) -> None:
        invocation.state = state
        listener, invocation.listener = invocation.listener, None
        if listener is not None:
            listener(invocation)

    def fail_all(self, error: ServerGone) -> None:
        """Nothing more will be heard of what is under way."""
        for id_ in list(self._live):
            found = self._live.pop(id_, None)
            if found is not None:
                found.error = error.again()
                self._finish(found, InvocationState.FAILED)


def _batches(given: list[Given]) -> Iterator[tuple[Given, ...]]:
    batch: list[Given] = []
    size = 0
    for each in given:
        of_it = sum(len(part) for part in each.parts if isinstance(part, bytes))
        if batch and (len(batch) == _TOGETHER or size + of_it > _TOGETHER_SIZE):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(each)
        size += of_it
    if batch:
        yield tuple(batch)
