"""``ServerService``: what the service is where functions run here, for functions of a server."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from nbfaas.client.catalog import ServerCatalog
from nbfaas.client.dispatcher import ServerDispatcher
from nbfaas.client.journal import ServerJournal
from nbfaas.client.link import SILENCE, Link
from nbfaas.client.questions import Questions
from nbfaas.client.uploads import Uploads
from nbfaas.errors import NbfaasError
from nbfaas.errors.serve import CLOSED, ServerGone
from nbfaas.model.image import ImageSpec
from nbfaas.model.records import Record, Subscriber
from nbfaas.service.lazy import Lazy
from nbfaas.service.loops import OnLoop, finish_tasks, new_loop
from nbfaas.service.sandboxes import PoolState, SandboxRow
from nbfaas.settings import Settings, config

if TYPE_CHECKING:
    from nbfaas.client.asking import ServerClient
    from nbfaas.client.event_link import EventLink
    from nbfaas.client.events import ServerEvents, ServerMetrics
    from nbfaas.client.function import ServerFunction
    from nbfaas.client.state import StateThere
    from nbfaas.model.session_events import FunctionRef
    from nbfaas.service.events import Endpoint
    from nbfaas.triggers.targets import FunctionTarget

T = TypeVar("T")

_CLOSE_SECONDS = 10.0


class BackendTold(msgspec.Struct, frozen=True):
    """Where the server's sandboxes live."""

    name: str
    isolates: bool


class _Opened(msgspec.Struct, frozen=True):
    id: str
    python: tuple[int, int]
    backend: BackendTold
    limit: int


class ServerService(OnLoop):
    """One session on a server, with a loop thread of its own. ``client`` is closed with it."""

    def __init__(
        self,
        client: ServerClient,
        settings: Settings = config,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        """Raises ``ServerUnreachable``, ``ServerRefused``."""
        opened = msgspec.convert(client.post("/sessions"), _Opened)
        self.settings = settings
        self.session = opened.id
        self.server = client.url
        self.backend = BackendTold(
            f"{opened.backend.name} at {client.url}", opened.backend.isolates
        )
        self._client = client
        self._limit = opened.limit
        self._notify = notify
        self._numbers = itertools.count(1)
        self._subscribers: tuple[Subscriber, ...] = ()
        self._subscribing = threading.Lock()
        self._questions = Questions(client, opened.id, lambda: self._link.gone)
        self.journal = ServerJournal(self._questions)
        self._events = Lazy(self._open_events)
        self._metrics = Lazy(self._open_metrics)
        self._loop = new_loop()
        self._closed = False
        self._gate = threading.Lock()
        self._close_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="nbfaas-server", daemon=True)
        self._uploads = Uploads(self._send, opened.python, opened.limit)
        self.catalog = ServerCatalog(
            client.url, self._send, self.new_id, self.check_may_wait, self._uploads
        )
        self.dispatcher = ServerDispatcher(
            self._loop,
            self._uploads,
            self._publish,
            self.notify,
            self._show_build,
            self.catalog.answered,
            opened.limit,
        )
        self._thread.start()
        self._link = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    def __repr__(self) -> str:
        state = " closed" if self._closed else " gone" if self._link.gone else ""
        return f"<ServerService {self.session} at {self.server}{state}>"

    # -- what the layers above use

    @property
    def gone(self) -> ServerGone | None:
        """Why it can't be worked with any more."""
        return self._link.gone

    @property
    def failed(self) -> bool:
        """Never: what would take its place would run functions elsewhere, unasked."""
        return False

    def new_id(self) -> str:
        """An id for an invocation or a run: unique on the server, short, and sorted by time."""
        return f"{self.session}-{next(self._numbers)}"

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have ``subscriber`` called with every record of the server, on the loop's thread."""
        with self._subscribing:
            self._subscribers = (*self._subscribers, subscriber)
            if len(self._subscribers) == 1:
                self.dispatcher.watch(True)

        def unsubscribe() -> None:
            with self._subscribing:
                left = tuple(each for each in self._subscribers if each is not subscriber)
                if self._subscribers and not left:
                    self.dispatcher.watch(False)
                self._subscribers = left

        return unsubscribe

    @property
    def metrics(self) -> ServerMetrics:
        """What the server has counted."""
        return self._metrics.get()

    @property
    def counts(self) -> bool:
        return True

    @property
    def events(self) -> ServerEvents:
        """The server's events' engine."""
        return self._events.get()

    @property
    def events_if_open(self) -> ServerEvents | None:
        return None if self._closed else self._events.get()

    async def refer(self, function: FunctionTarget) -> FunctionRef:
        """What a function is called on the server; it is there when this returns. On the loop.
        Raises ``ServerGone``, and what packaging it raises."""
        from nbfaas.model.session_events import FunctionRef

        version = await asyncio.to_thread(function.version)
        key, served = self._uploads.key_of(version)
        await self._obeyed()
        return FunctionRef(key, served)

    def function(self, name: str) -> ServerFunction:
        """What the server serves as ``thumb``, ``thumb:dev`` or ``thumb:v2``. Raises
        ``ServerRefused``."""
        from nbfaas.client.function import ServerFunction

        return ServerFunction(self._client, name)

    def served(self) -> list[str]:
        """The names of what is served."""
        return [str(each["name"]) for each in self._client.get("/functions")["functions"]]

    def deployments(self, what: str, **query: str) -> Any:
        """Rows of the server's listings, or a text: see ``nbfaas.server.session_questions``."""
        return self._questions.ask(f"catalog/{what}", object, **query)

    @property
    def there(self) -> ServerService:
        return self

    def state(self, function: str) -> StateThere:
        """Where the state of a function is asked for."""
        from nbfaas.client.state import StateThere

        return StateThere(self._questions, function)

    def endpoint(self) -> Endpoint:
        """The server's: functions with HTTP triggers answer there."""
        from nbfaas.service.events import Endpoint

        return Endpoint(self.server, self._client.token)

    def _over(self) -> NbfaasError | None:
        return ServerGone(self.server, CLOSED) if self._closed else None

    def prewarm(self, image: ImageSpec) -> None:
        """Have the server start the image's prewarmed sandboxes."""
        self.dispatcher.prewarm(image)

    def sandboxes(self) -> list[SandboxRow]:
        """Those of the server, of all who work there."""
        return self._questions.ask("sandboxes", list[SandboxRow])

    def pool(self) -> PoolState | None:
        """Raises ``ServerGone``."""
        if self._closed:
            return None
        if (gone := self._link.gone) is not None:
            raise gone.again()
        return self._questions.ask("pool", _Pool).state()

    def sandbox_states(self) -> Counter[str]:
        return Counter(row.state for row in self.sandboxes())

    def notify(self, message: str) -> None:
        if self._notify is not None:
            self._notify(message)
        else:
            print(f"nbfaas: {message}", file=sys.stderr)

    # -- life

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _open(self) -> Link:
        http = self._client.for_loop(SILENCE)
        link = Link(
            http, self.server, self.session, self.dispatcher.receive, self._lost, self._limit
        )
        self.dispatcher.link = link
        self._http = http
        return link

    def _send(self, command: Any) -> None:
        if (gone := self._link.gone) is not None:
            raise gone.again()
        self._link.send(command)

    async def _obeyed(self) -> None:
        """Return once the server has done all that it was told before."""
        from nbfaas.model.session import Cancel

        done: asyncio.Future[None] = self._loop.create_future()
        self._link.send(Cancel(()), done)
        await done

    def _lost(self, gone: ServerGone) -> None:
        self._fail_all(gone)
        self.notify(str(gone))

    def _fail_all(self, gone: ServerGone) -> None:
        self.dispatcher.fail_all(gone)
        self.catalog.fail_all(gone)

    def _show_build(self, line: str) -> None:
        if self.settings.show_progress:
            self.notify(f"on the server: {line}")

    def _publish(self, record: Record) -> None:
        if (events := self._events.made) is not None:
            events.take(record)
        for subscriber in self._subscribers:
            subscriber(record)

    def _open_events(self) -> ServerEvents:
        from nbfaas.client.events import ServerEvents

        return ServerEvents(self._event_link(), self.refer, self.notify)

    def _open_metrics(self) -> ServerMetrics:
        from nbfaas.client.events import ServerMetrics

        return ServerMetrics(self._event_link())

    def _event_link(self) -> EventLink:
        from nbfaas.client.event_link import EventLink

        return EventLink(self._client, self.session, lambda: self._link.gone)

    async def _shut(self) -> None:
        await self._link.close()
        self._fail_all(ServerGone(self.server, CLOSED))
        await self._http.aclose()
        await finish_tasks()

    def close(self) -> None:
        """End the session: what runs is cancelled, its functions are forgotten. Idempotent."""
        with self._close_lock:
            if self._closed:
                return
            try:
                with contextlib.suppress(TimeoutError):
                    self.run(self._shut(), _CLOSE_SECONDS)
            finally:
                self._closed = True
                self._stop_loop()
                self._client.close()


class _Pool(msgspec.Struct, frozen=True):
    """``PoolState``, as it is told."""

    sandboxes: list[SandboxRow]
    waiting: dict[str, int]
    starting: int
    cpu: float
    cpu_at_work: float
    memory: int
    memory_used: int

    def state(self) -> PoolState:
        return PoolState(
            self.sandboxes,
            Counter(self.waiting),
            self.starting,
            self.cpu,
            self.cpu_at_work,
            self.memory,
            self.memory_used,
        )
