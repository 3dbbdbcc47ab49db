"""The composition root: one service in each process, made at the first use and closed at exit.

It runs the loop's thread, chooses the backend, and connects the dispatcher, the journal and the
events' engine.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import contextlib
import itertools
import secrets
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from nbfaas.backends.base import Backend
from nbfaas.dispatch.dispatcher import Dispatcher
from nbfaas.errors import (
    EventStoreError,
    JournalError,
    NbfaasError,
    ServiceClosed,
)
from nbfaas.model.delivery import TriggerQueue
from nbfaas.model.image import ImageSpec
from nbfaas.model.records import Record, Subscriber
from nbfaas.service.current import Here, runs_here
from nbfaas.service.lazy import Lazy
from nbfaas.service.loops import OnLoop, finish_tasks, new_loop
from nbfaas.service.machine import budget
from nbfaas.service.sandboxes import PoolState, SandboxRow, pool_state, sandbox_rows
from nbfaas.settings import Settings, config

if TYPE_CHECKING:
    from nbfaas.gateway.extension import Extension
    from nbfaas.gateway.routes import RouteTable
    from nbfaas.journal import Journal
    from nbfaas.metrics.json_logs import JsonLog
    from nbfaas.metrics.registry import Metrics
    from nbfaas.service.events import Endpoint, Events
    from nbfaas.triggers.engine import EventEngine

T = TypeVar("T")

_CLOSE_SECONDS = 20.0


class Service(OnLoop):
    """One loop thread with its backend, dispatcher and journal.

    ``notify`` is called with one-line messages for the user (which backend was taken, images being
    built), from any thread.
    """

    server = None  # the address of the one on which functions run: it is this process
    there = None  # what else there is to be had of that

    def __init__(self, settings: Settings = config, notify: Callable[[str], None] | None = None):
        self.settings = settings
        self.journal: Journal | None = None
        self.session = secrets.token_hex(4)
        self.builds_shown: list[Callable[[str], None]] = []  # where else lines about builds go
        self._notify = notify
        self._numbers = itertools.count(1)
        self._subscribers: tuple[Subscriber, ...] = ()
        self._subscribing = threading.RLock()
        # What each trigger has before it, for the metrics; whoever delivers events says how to ask.
        self.trigger_queues: Callable[[], Iterable[TriggerQueue]] = tuple
        self._metrics: Metrics | None = None
        self._json_log: JsonLog | None = None
        self._events = Lazy(self._open_events)
        self._dispatcher: Dispatcher | None = None
        self._backend: Backend | None = None
        self._where: Here | None = None  # that the user was not told yet
        self._loop = new_loop()
        self._closed = False
        self._gone = False  # nothing that is given to the loop any more would be run
        self._gate = threading.Lock()  # around ``_closed`` and ``_gone``, and what they decide
        self._opening_events: asyncio.Task[Events] | None = None
        self._close_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="nbfaas", daemon=True)
        self._thread.start()
        self._opened = asyncio.run_coroutine_threadsafe(self._open(), self._loop)

    def __repr__(self) -> str:
        if self._closed:
            return f"<Service {self.session} closed>"
        if self._dispatcher is None:
            return f"<Service {self.session} starting>"
        return f"<Service {self.session} {self._dispatcher!r}>"

    # -- what the layers above use

    @property
    def dispatcher(self) -> Dispatcher:
        """Waits until the backend is open. Raises ``BackendUnavailable`` or ``NbfaasError``."""
        if self._dispatcher is None:
            self._opened.result()
        assert self._dispatcher is not None
        return self._dispatcher

    @property
    def backend(self) -> Backend:
        """The backend in use. Waits and raises as ``dispatcher`` does."""
        if self._backend is None:
            self._opened.result()
        assert self._backend is not None
        return self._backend

    @property
    def failed(self) -> bool:
        """Whether the backend could not be opened; a new service may have better luck."""
        return self._opened.done() and self._opened.exception() is not None

    def new_id(self) -> str:
        """An id for an invocation or a run: unique, short, and sorted by time in a session."""
        return f"{self.session}-{next(self._numbers)}"

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have ``subscriber`` called with every record, on the loop's thread: it must be quick, and
        must not raise. Returns a function that ends the subscription."""
        with self._subscribing:
            self._subscribers = (*self._subscribers, subscriber)

        def unsubscribe() -> None:
            with self._subscribing:
                self._subscribers = tuple(s for s in self._subscribers if s is not subscriber)

        return unsubscribe

    @property
    def metrics(self) -> Metrics:
        """What happens from the first use of this on, counted. (Until then nothing is.)"""
        if self._metrics is None:
            from nbfaas.metrics.registry import Metrics

            with self._subscribing:
                if self._metrics is None:
                    self._metrics = Metrics(
                        sandboxes=self.sandbox_states, queues=lambda: self.trigger_queues()
                    )
                    self.subscribe(self._metrics.subscriber)
        return self._metrics

    @property
    def counts(self) -> bool:
        """Whether ``metrics`` has been used."""
        return self._metrics is not None

    def _over(self) -> NbfaasError | None:
        return ServiceClosed() if self._gone else None

    def prewarm(self, image: ImageSpec) -> None:
        """Start the image's prewarmed sandboxes in the background; returns at once."""

        def when_open(opened: concurrent.futures.Future[None]) -> None:
            if opened.exception() is None:
                self.dispatcher.prewarm(image)

        self._opened.add_done_callback(when_open)

    @property
    def events(self) -> EventEngine:
        """The events' engine, opened at the first use. Raises ``EventStoreError`` (held by another
        process, damaged, …) and what ``dispatcher`` and ``run`` raise."""
        return self._get_events().engine

    @property
    def events_if_open(self) -> EventEngine | None:
        opened = self._events.made
        return None if opened is None else opened.engine

    def endpoint(
        self, tokens: tuple[str, ...] = (), extension: Extension | None = None
    ) -> Endpoint:
        """Where functions with an HTTP trigger answer; starts listening if need be, with these
        ``tokens`` (default: that of the settings) and further routes."""
        return self.run(self._get_events().endpoint(tokens, extension))

    @property
    def routes(self) -> RouteTable:
        """The routes that triggers have."""
        return self._get_events().routes

    def drain(self, grace: float) -> None:
        """Let nothing more in, and let what runs end within ``grace`` seconds; then close it."""
        self.run(self._get_events().drain(grace))

    def sandboxes(self) -> list[SandboxRow]:
        """The sandboxes there are, prewarmed ones included."""

        async def rows() -> list[SandboxRow]:
            return sandbox_rows(self.dispatcher.fleet, self._loop.time())

        return self.run(rows())

    def pool(self) -> PoolState | None:
        """The sandboxes, what waits for them, and the budget. From any thread but the loop's; None
        while the service is not open."""
        if self._dispatcher is None or self._closed:
            return None
        fleet = self._dispatcher.fleet

        async def state() -> PoolState:
            return pool_state(fleet, self._loop.time())

        return self.run(state(), _CLOSE_SECONDS)

    def sandbox_states(self) -> Counter[str]:
        """How many sandboxes there are in each state; prewarmed ones are PREWARMED. From any
        thread, the loop's too; empty while the service is not open."""
        if self._dispatcher is None or self._closed:
            return Counter()
        fleet = self._dispatcher.fleet
        if threading.current_thread() is self._thread:
            return fleet.states()

        async def states() -> Counter[str]:
            return fleet.states()

        return self.run(states(), _CLOSE_SECONDS)

    # -- life

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        # What was handed in after it was told to stop: nobody shall wait for it for ever.
        self._loop.call_soon(self._loop.stop)
        self._loop.run_forever()

    async def _open(self) -> None:
        from nbfaas.backends.auto import choose_backend

        backend, why = await choose_backend(self.settings, self._show_build)
        self._backend = backend
        await asyncio.to_thread(self._open_journal)
        if self.settings.json_log is not None:
            await asyncio.to_thread(self._open_json_log, self.settings.json_log)
        self._dispatcher = Dispatcher(backend, self.settings, budget(self.settings), self._publish)
        self._where = Here(why)
        self.tell_where()

    def tell_where(self) -> None:
        """Tell the user where functions run, once: as soon as that is known, and they do run here.
        From any thread."""
        if not runs_here():
            return
        with self._gate:
            where, self._where = self._where, None
        if where is not None:
            self.notify(where)

    def _open_journal(self) -> None:
        from nbfaas.journal import Journal

        path = Path(self.settings.data_dir) / "journal.db"
        journal = Journal(path, result_limit=self.settings.journal_result_limit)
        try:
            journal.open()
        except JournalError as error:
            self.notify(f"{error} Calls work, but are not recorded.")
            return
        if journal.notice is not None:
            self.notify(str(journal.notice))
        self.journal = journal
        self.subscribe(journal.subscriber)

    def _open_json_log(self, destination: str) -> None:
        from nbfaas.metrics.json_logs import JsonLog, JsonLogUnavailable

        log = JsonLog(destination, self.notify)
        try:
            log.open()
        except JsonLogUnavailable as error:
            self.notify(str(error))
            return
        self._json_log = log
        self.subscribe(log.subscriber)

    def _get_events(self) -> Events:
        if self._events.made is None:  # whoever opens them needs the loop
            self._check_thread("the events' engine")
        return self._events.get()

    def _open_events(self) -> Events:
        from nbfaas.service.events import Events

        dispatcher = self.dispatcher

        def make() -> Events:
            return Events(
                self.settings, dispatcher, publish=self._publish, notify=self.notify,
                new_id=self.new_id, journal=lambda: self.journal, metrics=lambda: self.metrics,
            )  # fmt: skip

        with self._gate:
            if self._closed:
                raise ServiceClosed
            opening = asyncio.run_coroutine_threadsafe(self._opened_events(make), self._loop)
        events = opening.result()
        self.trigger_queues = events.queues
        return events

    async def _opened_events(self, make: Callable[[], Events]) -> Events:
        """Whoever is interrupted (Ctrl-C) while they open has opened them all the same: the next
        one waits for that. (It is noted on this thread, where no Ctrl-C comes in between.)"""
        opening = self._opening_events
        if opening is None or (opening.done() and opening.exception() is not None):
            opening = self._opening_events = self._loop.create_task(make().open())
        return await asyncio.shield(opening)

    def notify(self, message: str) -> None:
        """Never raises: what goes on must not end because nobody can be told of it."""
        with contextlib.suppress(Exception):
            if self._notify is not None:
                self._notify(message)
            else:
                print(f"nbfaas: {message}", file=sys.stderr)

    def _show_build(self, progress: object) -> None:
        for show in (*self.builds_shown, *([self.notify] if self.settings.show_progress else ())):
            show(str(progress))

    def _publish(self, record: Record) -> None:
        for subscriber in self._subscribers:
            subscriber(record)

    async def _close(self) -> None:
        events: Events | None = None
        if self._opening_events is not None:
            with contextlib.suppress(Exception):  # whoever wanted them was told
                events = await self._opening_events
        if events is not None:
            await events.stop()
        if self._dispatcher is not None:
            await self._dispatcher.close()
        if self._backend is not None:
            await self._backend.close()
        if events is not None:
            await events.close()

    def close(self) -> None:
        """Cancel what runs, destroy every sandbox, write the journal. Idempotent."""
        with self._close_lock:
            if self._closed:
                return
            with self._gate:
                self._closed = True
            try:
                concurrent.futures.wait([self._opened], timeout=_CLOSE_SECONDS)
                self.run(self._close(), _CLOSE_SECONDS)
            except TimeoutError:
                self.notify(f"not everything could be removed within {_CLOSE_SECONDS:g} s.")
            finally:
                if self.journal is not None:
                    self.journal.close()
                if self._json_log is not None:
                    self._json_log.close()
                with self._gate:
                    self._gone = True
                asyncio.run_coroutine_threadsafe(finish_tasks(), self._loop).result(5.0)
                if (events := self._events.made) is not None:  # should that not have come to it
                    with contextlib.suppress(EventStoreError):
                        events.store.close()
                self._stop_loop()
