"""``Session``: one notebook's work on this server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from nbfaas.agent.buffers import SealedBuffer, seal, views
from nbfaas.agent.wire import Part, total
from nbfaas.dispatch.invocation import Invocation
from nbfaas.errors import NbfaasError, ResultTooLarge
from nbfaas.model import records, session
from nbfaas.model.delivery import DeliveryState
from nbfaas.model.failures import tell
from nbfaas.model.function import FunctionVersion
from nbfaas.model.invocation import InvocationState
from nbfaas.model.manifest_options import restore_options
from nbfaas.model.records import Record
from nbfaas.model.secret import Secret
from nbfaas.model.session import Command, Ended, Given, Retrying, Settled
from nbfaas.server.outbox import Outbox

if TYPE_CHECKING:
    from nbfaas.server.functions import ServedFunctions
    from nbfaas.server.session_catalog import SessionCatalog
    from nbfaas.service import Service

_SUPERSEDED = 16  # versions that are kept
LOGGER = logging.getLogger("nbfaas.server")

_SPARE = 512  # descriptors that large arguments leave to others


class Session:
    """All of it happens on the service's loop. ``let_go`` is told versions that the session has no
    more use for; ``at_end`` are called when it ends, the last one first. ``limit``: bytes of one
    result, and of all that wait."""

    def __init__(
        self,
        session_id: str,
        service: Service,
        functions: ServedFunctions,
        catalog: SessionCatalog,
        limit: int,
        let_go: Callable[[FunctionVersion], None],
    ) -> None:
        self.id = session_id
        self.outbox = Outbox(limit)
        self.at_end: list[Callable[[], Awaitable[None]]] = []
        self.ended: str | None = None  # why
        self.triggers: set[str] = set()  # that it has made; of their dead letters it is told
        self._service = service
        self._functions = functions
        self._catalog = catalog
        self._let_go = let_go
        self._limit = limit
        self._versions: dict[str, FunctionVersion | NbfaasError] = {}
        self._superseded: dict[str, FunctionVersion] = {}  # the latest, for calls on their way
        self._blobs: dict[int, SealedBuffer | bytes] = {}
        self._live: dict[str, Invocation] = {}
        self._obeyed = 0  # the number of the last batch of commands
        self._obeying = asyncio.Lock()
        self._everything = False
        self._unsubscribe = service.subscribe(self._record)

    def __repr__(self) -> str:
        return f"<Session {self.id}, {len(self._live)} invocations, {self.outbox!r}>"

    @property
    def versions(self) -> list[FunctionVersion]:
        """What was uploaded."""
        return [each for each in self._versions.values() if isinstance(each, FunctionVersion)]

    def version(self, key: str) -> FunctionVersion:
        """What was uploaded under ``key``. Raises what is wrong with it, or ``KeyError``."""
        found = self._versions[key]
        if isinstance(found, NbfaasError):
            raise found
        return found

    # -- what the client wants

    async def obey(self, number: int, commands: Sequence[Command]) -> None:
        """Do it, once: a batch that was obeyed before is not obeyed again."""
        async with self._obeying:
            if number <= self._obeyed or self.ended is not None:
                return
            for command in commands:
                await self._obey(command)
            self._obeyed = number

    async def _obey(self, command: Command) -> None:
        dispatcher = self._service.dispatcher
        match command:
            case session.Submit():
                await self._submit(command)
            case session.Upload():
                self._versions[command.key] = _restored(command)
            case session.Blob():
                self._blobs[command.number] = seal([command.data], _SPARE)[0]  # type: ignore[assignment]
            case session.Forget():
                self._blobs.pop(command.number, None)
            case session.Cancel():
                dispatcher.cancel([each for i in command.ids if (each := self._live.get(i))])
                self._catalog.give_up(self, command.ids)
            case session.Prewarm():
                dispatcher.prewarm(command.image)
            case session.StopIdle():
                dispatcher.stop_idle(command.function)
            case session.Supersede():
                self._supersede(command.key)
            case session.Watch():
                self._everything = command.everything
            case session.Deploy() | session.Lead() | session.RollBack():
                self._catalog.begin(self, command)

    def _supersede(self, key: str) -> None:
        found = self._versions.pop(key, None)
        if isinstance(found, FunctionVersion):
            self._superseded[key] = found
            while len(self._superseded) > _SUPERSEDED:
                del self._superseded[next(iter(self._superseded))]
            self._let_go(found)

    async def _submit(self, command: session.Submit) -> None:
        given = [each for each in command.invocations if each.id not in self._live]
        try:
            version_for = await self._function(command)
            made = [self._invocation(each, version_for(each.id)) for each in given]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what these end with
            for each in given:
                self._refuse(each, error)
            return
        if self.ended is not None:
            return
        self._live.update({each.id: each for each in made})
        self._service.dispatcher.submit(made)

    async def _function(self, command: session.Submit) -> Callable[[str], FunctionVersion]:
        """Which version an invocation gets, by its id."""
        if command.served:
            functions = self._functions
            served = functions.ready(command.key) or await functions.look_up(command.key)
            return served.version_for
        version = self._superseded.get(command.key) or self.version(command.key)
        return lambda _: version

    def _invocation(self, given: Given, version: FunctionVersion) -> Invocation:
        parts: list[Part] = [
            self._blobs[part] if isinstance(part, int) else part for part in given.parts
        ]
        made = Invocation(
            given.id,
            version,
            parts,
            queued_at=given.queued_at,
            run_id=given.run_id,
            index=given.index,
            chunksize=given.chunksize,
            event=given.event,
        )
        made.raw = True
        made.listener = self._settled
        return made

    # -- what the client is told

    def _refuse(self, given: Given, error: Exception) -> None:
        self.outbox.put(Settled(given.id, "", InvocationState.FAILED, 0, (), error=tell(error)))

    def _settled(self, invocation: Invocation) -> None:
        self._live.pop(invocation.id, None)
        self.outbox.put(_settled_frame(invocation, self._limit))

    def _record(self, record: Record) -> None:
        invocation = self._live.get(getattr(record, "invocation_id", None) or "")
        if invocation is not None or self._everything or self._is_dead_letter(record):
            self.outbox.put(record, needed=invocation is not None)
        if invocation is not None and isinstance(record, records.AttemptFinished):
            asyncio.get_running_loop().call_soon(self._attempt_failed, invocation)

    def _is_dead_letter(self, record: Record) -> bool:
        return (
            isinstance(record, records.DeliverySettled)
            and record.state is DeliveryState.DEAD
            and record.trigger in self.triggers
        )

    def _attempt_failed(self, invocation: Invocation) -> None:
        if invocation.state is InvocationState.RETRYING:
            self.outbox.put(Retrying(invocation.id))

    # -- the end

    async def end(self, reason: str) -> None:
        """Cancel what runs, and forget all that the session has brought. Idempotent."""
        if self.ended is not None:
            return
        self.ended = reason
        for end in reversed(self.at_end):
            try:
                await end()
            except Exception:
                LOGGER.exception("the end of the session %s", self.id)  # the rest of it goes on
        self._catalog.give_up(self)
        live = list(self._live.values())
        self._service.dispatcher.cancel(live)
        for version in self.versions:
            self._let_go(version)
        self._versions.clear()
        self._superseded.clear()
        self._blobs.clear()
        self._unsubscribe()
        self.outbox.put(Ended(reason))
        self.outbox.close()


def _restored(upload: session.Upload) -> FunctionVersion | NbfaasError:
    """The version, or what is wrong with it."""
    try:
        options = restore_options(upload.name, upload.options, upload.image)
        if upload.secrets:
            options = options.changed(secrets=(Secret.from_dict(upload.secrets),))
        return FunctionVersion.make(
            upload.name,
            upload.payload,
            options,
            entry=upload.entry,
            requires=upload.requires,
            filename=upload.filename,
            takes_context=upload.takes_context,
        )
    except NbfaasError as error:
        return error


def _settled_frame(invocation: Invocation, limit: int) -> Settled:
    error = invocation.error
    found = invocation.result_parts or ()
    if error is None and (size := total(found)) > limit:
        error = ResultTooLarge(invocation.function.name, size, limit)
        error.add_note("(It is the server's limit: session_limit in its configuration.)")
        invocation.state = InvocationState.FAILED
    parts = tuple(bytes(part) for part in views(found)) if total(found) <= limit else ()
    succeeded = error is None
    failure = invocation.failure
    return Settled(
        invocation.id,
        invocation.function.version,
        invocation.state,
        invocation.attempts_made,
        invocation.attempts,
        parts if succeeded else None,
        failure,
        parts if failure is not None else (),
        None if error is None else tell(error),
        tuple(str(note) for note in getattr(error, "__notes__", ())),
    )
