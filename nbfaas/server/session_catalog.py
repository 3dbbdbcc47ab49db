"""What connected notebooks change in the server's catalog: functions deployed, aliases led."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from nbfaas.backends.host_threads import HostThreads
from nbfaas.catalog import Alias
from nbfaas.errors import NbfaasError
from nbfaas.model.failures import tell
from nbfaas.model.session import Answered, CatalogChange, Deploy, DeployedTold, Lead, Notice
from nbfaas.pipeline.receiving import deploy_sent
from nbfaas.remote.deploy import open_catalog
from nbfaas.server.served_words import served_words

if TYPE_CHECKING:
    from nbfaas.remote.deploy import Deployed
    from nbfaas.server.functions import Change, ServedFunctions
    from nbfaas.server.routing import ServedFunction
    from nbfaas.server.session import Session
    from nbfaas.service import Service

_AT_ONCE = 2


class _GivenUp(Exception):
    """Nobody waits for it any more."""


class SessionCatalog:
    """On the service's loop; what blocks is done by threads of its own, since building an image may
    take minutes. ``look`` serves what the catalog has then, and tells changes and problems;
    ``file`` is what the configuration is called. ``notify`` gets lines for the operator."""

    def __init__(
        self,
        service: Service,
        functions: ServedFunctions,
        look: Callable[[], Awaitable[Sequence[Change | NbfaasError]]],
        file: str,
        notify: Callable[[str], None],
    ) -> None:
        self._service = service
        self._functions = functions
        self._look = look
        self._file = file
        self._notify = notify
        self._threads = HostThreads(_AT_ONCE, "nbfaas-deploy")
        # Whose each change is, by what tells that it is given up: ids are the clients' to choose.
        self._given_up: dict[threading.Event, tuple[Session, str]] = {}
        self._answering: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<SessionCatalog, {len(self._given_up)} changes under way>"

    def begin(self, session: Session, change: CatalogChange) -> None:
        """Do it, and tell the session what came of it."""
        given_up = threading.Event()
        self._given_up[given_up] = session, change.id
        task = asyncio.create_task(self._answer(session, change, given_up), name="nbfaas-change")
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    def give_up(self, session: Session, ids: Iterable[str] | None = None) -> None:
        """What is under way ends before its next step, unless it is the last one, of making the
        function's layer. ``ids``: None for all of the session."""
        for given_up, (whose, change) in self._given_up.items():
            if whose is session and (ids is None or change in ids):
                given_up.set()

    def close(self) -> None:
        """Once the sessions have ended; the process waits for the steps that are under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _answer(
        self, session: Session, change: CatalogChange, given_up: threading.Event
    ) -> None:
        doing = asyncio.get_running_loop().run_in_executor(
            self._threads, self._do, session, change, given_up
        )
        try:
            done = await doing
            self._notify(f"the notebook of session {session.id} {_told(done)}")
            answer = await self._served(change.id, done)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the notebook is told
            notes = tuple(str(note) for note in getattr(error, "__notes__", ()))
            answer = Answered(change.id, error=tell(error), notes=notes)
        finally:
            del self._given_up[given_up]
        if session.ended is None:
            session.outbox.put(answer)

    def _do(
        self, session: Session, change: CatalogChange, given_up: threading.Event
    ) -> Deployed | Alias:
        """In a thread."""

        def show(progress: object) -> None:
            if given_up.is_set():
                raise _GivenUp
            if not getattr(progress, "done", False):
                line = Notice(str(progress))
                self._service.call_later(0.0, lambda: session.outbox.put(line, needed=False))

        if given_up.is_set():
            raise _GivenUp
        if isinstance(change, Deploy):
            return deploy_sent(change.manifest, change.payload, change.sources, change.alias, show)
        catalog = open_catalog()
        if isinstance(change, Lead):
            return catalog.set_alias(
                change.function, change.alias, change.version, change.canary, change.weight
            )
        return catalog.rollback(change.function, change.alias)

    async def _served(self, change: str, done: Deployed | Alias) -> Answered:
        """Serve what has changed, and tell how."""
        name = done.function if isinstance(done, Alias) else done.name
        version = f"v{done.version}" if isinstance(done, Alias) else done.version
        try:
            found = await self._look()
        except NbfaasError as error:  # it is done all the same, and looked for again and again
            found = [error]
        problems = [str(each) for each in found if _concerns(each, name)]
        words = served_words(
            name,
            version,
            done.alias,
            {each.name: each.routing.alias for each in self._standing(name)},
            self._functions.wanted,
            self._file,
        )
        served = " ".join([words, *problems])
        if isinstance(done, Alias):
            return Answered(change, alias=str(done), served=served)
        told = DeployedTold(
            done.version, done.content_hash, done.image, done.digest, done.built, done.stages
        )
        return Answered(change, told, served=served)

    def _standing(self, name: str) -> list[ServedFunction]:
        """As what the function is served, but for versions that somebody has asked for."""
        wanted = self._functions.wanted
        return [
            each
            for each in self._functions
            if each.function == name and (each.name == name or each.name in wanted)
        ]


def _told(done: Deployed | Alias) -> str:
    if isinstance(done, Alias):
        return f"has led {done.function}: {done}"
    alias = f", {done.alias} leads to it" if done.alias else ""
    return f"has deployed {done.name} {done.version}{alias}{'' if done.built else ' (unchanged)'}"


def _concerns(found: Change | NbfaasError, name: str) -> bool:
    """Whether it is a problem with this function."""
    named = rf"(?<![\w.-]){re.escape(name)}(?![\w.-])"
    return isinstance(found, Exception) and re.search(named, str(found)) is not None
