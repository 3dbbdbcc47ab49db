"""``Server``: a service of this process that serves the functions of a catalog."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nbfaas.errors import NbfaasError
from nbfaas.errors.serve import NotServed, ServerConfigError
from nbfaas.gateway.engine_port import EnginePort
from nbfaas.server.admin import Admin
from nbfaas.server.api import Api
from nbfaas.server.calling import Calls
from nbfaas.server.config import ServerConfig, environment
from nbfaas.server.functions import Change, ServedFunctions
from nbfaas.server.hooks import Hooks, hooks_of
from nbfaas.server.outcomes import Outcomes
from nbfaas.server.session_catalog import SessionCatalog
from nbfaas.server.session_events import SessionEvents
from nbfaas.server.session_questions import SessionQuestions
from nbfaas.server.sessions import Sessions
from nbfaas.server.starting import check_data_folder, open_engine
from nbfaas.server.tokens import admin_missing, tokens_of
from nbfaas.settings import config as settings

if TYPE_CHECKING:
    from nbfaas.remote.deployed import DeployedFunction
    from nbfaas.service import Service
    from nbfaas.service.events import Endpoint

_NOTHING = "no function has an alias prod yet: nbfaas alias NAME prod VERSION"


class Server:
    """``file`` is what errors call the configuration; ``notify`` gets lines for the operator."""

    def __init__(self, config: ServerConfig, file: str, notify: Callable[[str], None]) -> None:
        self._config = config
        self._file = file
        self._notify = notify
        self._service: Service | None = None
        self._functions: ServedFunctions | None = None
        self._sessions: Sessions | None = None
        self._following: asyncio.Task[None] | None = None
        self._told: set[str] = set()

    def __repr__(self) -> str:
        return f"<Server {self._functions!r}>"

    def start(self) -> Endpoint:
        """Open everything, then listen. Raises ``NbfaasError``; then ``stop`` is to be called."""
        config = self._config
        self._apply()
        check_data_folder(self._file)
        tokens, whence = tokens_of(config, self._file, Path(settings.data_dir))
        if (lacking := admin_missing(tokens, self._file, Path(settings.data_dir))) is not None:
            self._notify(lacking)
        hooks = hooks_of(config, self._file)
        queue_urls = {
            trigger: environment(self._file, f"queue_env.{trigger}", name)
            for trigger, name in config.queue_env.items()
        }
        from nbfaas.remote.deploy import open_catalog
        from nbfaas.service import local_service

        self._service = service = local_service()
        engine, catalog = open_engine(service, config, self._file), open_catalog()
        catalog.functions()  # whether it can be used
        self._functions = functions = ServedFunctions(
            catalog,
            engine,
            config.functions,
            load=_load,
            supersede=lambda digest: service.dispatcher.supersede(digest),
            queue_urls=queue_urls,
        )
        found = service.run(functions.reload())
        if config.functions and (missing := functions.missing):
            why = [str(each) for each in found if isinstance(each, Exception)]
            raise ServerConfigError(self._file, "functions", "; ".join([*missing, *why]))
        self._tell(found)
        for number, hook in enumerate(hooks.values()):
            try:
                service.run(functions.get(hook.function))
            except NotServed as error:
                place = f"webhooks[{number}].function"
                raise ServerConfigError(self._file, place, str(error)) from None
        service.run(functions.recover())
        metrics = service.metrics
        port = EnginePort(
            engine, service.dispatcher, service.new_id, lambda: service.journal, lambda: metrics
        )
        self._sessions = sessions = Sessions(
            service,
            functions,
            SessionEvents(engine, functions, lambda: metrics),
            SessionQuestions(service),
            SessionCatalog(service, functions, self._look, self._file, self._notify),
            self._notify,
            expiry=config.session_expiry,
            limit=config.session_limit,
        )
        api = Api(
            functions,
            Calls(port, config.deadline),
            Outcomes(port),
            Hooks(hooks, functions, engine),
            Admin(service, engine, self._reload),
            sessions,
            service.routes,
        )
        endpoint = service.endpoint(tokens, api)
        service.run(self._begin_to_follow())
        served = ", ".join(f"{each.name} ({each.routing.alias})" for each in functions)
        self._notify(f"listening at {endpoint.url}, tokens from {whence}; {served or _NOTHING}")
        return endpoint

    def reload(self) -> list[str]:
        """Look into the catalog now; what has changed, in words."""
        assert self._service is not None
        return self._service.run(self._reload())

    def turn_away(self) -> None:
        """Tell load balancers, at once and from any thread, that this server is about to end."""
        engine = None if self._service is None else self._service.events_if_open
        if engine is not None:
            engine.accepts = False

    def stop(self) -> None:
        """Let nothing more in, let what runs end within the grace, and close all. What else was
        accepted stays in the event store."""
        from nbfaas.service import close_service

        if self._service is not None and self._following is not None:
            self._service.run(self._follow_no_more(self._following))
        if self._service is not None and self._functions is not None:
            engine = self._service.events
            waiting = self._config.stop_delay
            engine.accepts = False
            time.sleep(waiting)
            if self._sessions is not None:
                self._service.run(self._sessions.close("the server is closing"))
            self._service.drain(self._config.grace)
            left = engine.store.backlog
            if left:
                self._notify(f"{left:,} events stay queued until the next start")
        close_service()

    def _apply(self) -> None:
        """The settings of this process are the server's."""
        config = self._config
        if config.data_dir:
            settings.data_dir = str(Path(config.data_dir).expanduser().absolute())
        # Only in a notebook is somebody there to see that functions run without isolation.
        settings.backend = "docker" if config.backend == "auto" else config.backend
        settings.event_store = config.event_store
        settings.max_backlog = config.max_backlog
        settings.prewarm = config.prewarm
        settings.http_host, settings.http_port = config.host, config.port
        settings.show_progress = False
        if config.registry:
            settings.registry = config.registry
        if config.allow is not None:
            settings.allow = msgspec.to_builtins(config.allow)
        if config.json_log:
            settings.json_log = config.json_log

    async def _reload(self) -> list[str]:
        return [str(each) for each in await self._look()]

    async def _look(self) -> list[Change | NbfaasError]:
        assert self._functions is not None
        found = await self._functions.reload()
        self._tell(found)
        return found

    def _tell(self, found: Sequence[Change | NbfaasError]) -> None:
        """Changes, and each problem once for as long as it lasts."""
        problems = {str(each) for each in found if isinstance(each, Exception)}
        for each in found:
            if not isinstance(each, Exception) or str(each) not in self._told:
                self._notify(str(each))
        self._told = problems

    async def _begin_to_follow(self) -> None:
        self._following = asyncio.get_running_loop().create_task(self._follow(), name="nbfaas-poll")

    async def _follow_no_more(self, following: asyncio.Task[None]) -> None:
        following.cancel()
        await asyncio.wait([following])

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._config.poll)
            try:
                await self._reload()
            except Exception as error:  # noqa: BLE001 - what is served goes on
                if str(error) not in self._told:
                    self._told.add(str(error))
                    self._notify(f"the catalog can't be followed: {error}")


def _load(name: str, number: int) -> DeployedFunction:
    from nbfaas.remote.deployed import deployed_here

    function = deployed_here(name, f"v{number}")
    function.version()  # hashed once, and not by the first request
    return function
