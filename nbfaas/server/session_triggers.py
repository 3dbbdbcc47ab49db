"""Triggers that notebooks make on a server: there as long as the notebook's session is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from nbfaas.errors import BadTrigger, RunsInImageOnly
from nbfaas.gateway.reply import Refusal
from nbfaas.model.function import FunctionVersion, Volume
from nbfaas.model.session_events import FunctionRef, NewTrigger
from nbfaas.remote.function import RemoteFunction
from nbfaas.server.rebuilding import rebuild_trigger
from nbfaas.server.routing import ServedFunction

if TYPE_CHECKING:
    from nbfaas.server.functions import ServedFunctions
    from nbfaas.server.session import Session
    from nbfaas.triggers.engine import EventEngine
    from nbfaas.triggers.targets import FunctionTarget
    from nbfaas.triggers.trigger import Trigger

_LOOKS, _LOOK_EVERY = 30, 0.1  # and seconds


class SessionTarget:
    """A version of a notebook's function, as the target of one trigger and of its destinations.

    It is known by the trigger's name as well, since several notebooks may have functions of the
    same name; so what waits for a trigger finds the function again that the next session brings.
    """

    def __init__(self, session: Session, key: str, trigger: str) -> None:
        """Raises what ``session.version`` raises."""
        self._session = session
        self._key = key
        self._version = session.version(key)
        self.name = f"{self._version.name}@{trigger}"

    def __repr__(self) -> str:
        return f"<SessionTarget {self.name}: {self._version!r}>"

    def version(self) -> FunctionVersion:
        """Or, if the notebook has called a newer one since, that."""
        try:
            self._version = self._session.version(self._key)
        except KeyError:  # superseded, or the session has ended
            name = self._version.name
            newer = [each for each in self._session.versions if each.name == name]
            self._version = newer[-1] if newer else self._version
        return self._version

    def current_version(self) -> FunctionVersion:
        return self.version()


@dataclass(frozen=True, slots=True)
class Made:
    """Who has made a trigger, and of what."""

    session: Session
    given: NewTrigger
    names: frozenset[str]  # its own, and those of its destinations' triggers


class SessionTriggers:
    """Coroutines run on the engine's loop."""

    def __init__(self, engine: EventEngine, functions: ServedFunctions) -> None:
        self._engine = engine
        self._functions = functions
        self._made: dict[str, Made] = {}
        self._sessions: set[Session] = set()  # that have made any
        self._changing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<SessionTriggers {', '.join(sorted(self._made)) or 'none'}>"

    def maker_of(self, name: str) -> Made | None:
        """None if the trigger is a deployed function's, or follows another one."""
        return self._made.get(name)

    async def add(self, session: Session, given: NewTrigger) -> None:
        """Put the trigger in the place of the one of this name that the session, or one whose
        notebook is gone, has made. Raises ``BadTrigger``, ``BadPattern``, ``NotServed``, and what
        ``session.version`` raises."""
        spec = given.spec
        async with self._changing:
            if _is_over(session):
                return
            await self._check_name(session, given)
            target, version = await self._target(session, spec.name, given.function)
            destinations: dict[str, FunctionTarget] = {}
            for name, ref in given.destinations.items():
                destinations[name], _ = await self._target(session, spec.name, ref)
            urls = dict(given.destination_urls)
            if given.url is not None:
                urls[spec.name] = given.url
            trigger, followers = await asyncio.to_thread(
                rebuild_trigger, spec, _Described(version), target, destinations.get, urls
            )
            trigger.spec = None  # what has one goes with the deployed function
            for follower, _ in followers:
                self._check_follower(given, follower.name)
            await self._engine.add(trigger, target, followers)
            names = frozenset((spec.name, *trigger.destinations.triggers))
            self._disown(spec.name)
            self._made[spec.name] = Made(session, given, names)
            session.triggers |= names
            if session not in self._sessions:
                self._sessions.add(session)
                session.at_end.append(lambda: self._end(session))
            if _is_over(session):  # meanwhile, and so perhaps without asking for that
                await self._remove_all(session)

    async def remove(self, session: Session, name: str) -> None:
        """Raises ``UnknownTrigger``; ``BadTrigger`` if it is not this session's."""
        async with self._changing:
            trigger = self._engine.triggers[name]
            made = self._made.get(name)
            if made is None or made.session is not session:
                wanted = f"it is {self._whose(trigger, made)}, and goes with it; pause it instead"
                raise BadTrigger(trigger.kind, "name", name, wanted)
            self._disown(name)
            await self._engine.remove(name)

    async def _end(self, session: Session) -> None:
        """Remove what the session, which has ended, has made. What waits for it stays."""
        async with self._changing:
            await self._remove_all(session)

    async def _remove_all(self, session: Session) -> None:
        self._sessions.discard(session)
        for name, made in list(self._made.items()):
            if made.session is session:
                self._disown(name)
                if name in self._engine.triggers:
                    await self._engine.remove(name)

    def _disown(self, name: str) -> None:
        made = self._made.pop(name, None)
        if made is not None:
            made.session.triggers -= made.names

    # -- names

    async def _check_name(self, session: Session, given: NewTrigger) -> None:
        name = given.spec.name
        trigger, made = self._engine.triggers.get(name), self._made.get(name)
        if trigger is None or (made is not None and made.session is session):
            return
        if made is None or await _is_there(made.session):
            whose = self._whose(trigger, made)
            wanted = f"a trigger of this name is {whose}; choose another with name=…"
            raise BadTrigger(given.spec.kind, "name", name, wanted)

    def _check_follower(self, given: NewTrigger, name: str) -> None:
        if name not in self._engine.triggers:
            return
        before = self._engine.triggers.get(given.spec.name)
        if before is None or name not in before.destinations.triggers:
            wanted = f"{name!r}, the name its destination's has to have, is another trigger's"
            raise BadTrigger(given.spec.kind, "name", given.spec.name, wanted)

    @staticmethod
    def _whose(trigger: Trigger, made: Made | None) -> str:
        if made is not None:
            return "another notebook's"
        if trigger.kind == "destination":
            return f"the {trigger.shown}"
        return f"one of the deployed function {trigger.target_name!r}"

    # -- functions

    async def _target(
        self, session: Session, trigger: str, ref: FunctionRef
    ) -> tuple[FunctionTarget, FunctionVersion]:
        """The target, and a version of it."""
        if ref.served:
            served: ServedFunction = await self._functions.get(ref.key)
            return served, served.routing.first.version()
        try:
            target = SessionTarget(session, ref.key, trigger)
        except KeyError:
            raise Refusal(400, "the trigger's function was not uploaded") from None
        return target, target.version()


def _is_over(session: Session) -> bool:
    return session.ended is not None


async def _is_there(session: Session) -> bool:
    """Whether its notebook listens, or does so again soon: connections break."""
    for _ in range(_LOOKS):
        if session.outbox.streaming:
            return True
        await asyncio.sleep(_LOOK_EVERY)
    return False


class _Described(RemoteFunction[..., Any]):
    """What the decorators of ``on`` are given: a function that is known as data only."""

    def __init__(self, version: FunctionVersion) -> None:
        super().__init__(self._not_here, version.options, version.name)
        self._version = version

    def version(self) -> FunctionVersion:
        assert self._version is not None
        return self._version

    def mount(self, volume: Volume) -> None:
        """The notebook has done so, before it was uploaded. What is deployed has what it has."""
        if all(volume.target != there.target for there in self.options.volumes):
            wanted = (
                f"the function {self.name!r} was deployed without the folder {volume.source!r}; "
                "deploy it with this trigger"
            )
            raise BadTrigger("file", "pattern", volume.source, wanted)

    def _not_here(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RunsInImageOnly(self.name)
