"""The triggers of served functions: those of the version that is no canary, changed as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from nbfaas.errors import NbfaasError
from nbfaas.errors.delivery import RouteTaken
from nbfaas.errors.serve import TriggerNotMade
from nbfaas.model.trigger_spec import TriggerSpec
from nbfaas.server.rebuilding import rebuild_trigger
from nbfaas.server.routing import ServedFunction
from nbfaas.triggers.trigger import FUNCTION

if TYPE_CHECKING:
    from nbfaas.triggers.engine import EventEngine
    from nbfaas.triggers.trigger import Trigger

_OF_NO_CODE = ("invoke", "destination")  # kinds of triggers that functions are not deployed with
_ONCE_GONE = "It will be made once the notebook has removed its own, or is not connected any more."


class ServedTriggers:
    """``find`` gives the function that a destination names. Coroutines run on the engine's loop,
    one at a time."""

    def __init__(
        self,
        engine: EventEngine,
        find: Callable[[str], ServedFunction | None],
        queue_urls: Mapping[str, str],
    ) -> None:
        self._engine = engine
        self._find = find
        self._queue_urls = queue_urls
        self.incomplete: set[str] = set()
        """Functions with a trigger that could not be made."""

    def __repr__(self) -> str:
        return f"<ServedTriggers, {len(self.incomplete)} functions lack some>"

    async def follow(self, served: ServedFunction) -> list[NbfaasError]:
        """Have those of its version; what is the same goes on undisturbed. Returns why some could
        not be made: the others are."""
        if served.name != served.function:
            return []  # ``thumb:v2`` beside ``thumb``: an event is handled once
        specs = {spec.name: spec for spec in served.routing.first.manifest.triggers}
        there = {
            trigger.name: trigger
            for trigger in self._engine.triggers.of_target(FUNCTION + served.name)
            if trigger.spec is not None
        }
        problems: list[NbfaasError] = []
        for name, spec in specs.items():
            if name not in there or there[name].spec != spec:
                try:
                    await self._make(served, spec, specs, there)
                except NbfaasError as error:
                    problems.append(self._explained(error, served, spec))
        for name in there:
            if name not in specs and name in self._engine.triggers:
                await self._engine.remove(name)
        self.incomplete.discard(served.name)
        if problems:
            self.incomplete.add(served.name)
        return problems

    async def _make(
        self,
        served: ServedFunction,
        spec: TriggerSpec,
        specs: Mapping[str, TriggerSpec],
        there: Mapping[str, Trigger],
    ) -> None:
        if spec.name not in there and spec.name in self._engine.triggers:
            fix = "Deploy one of the two functions with another name for its trigger."
            raise TriggerNotMade(
                str(served.label),
                spec.name,
                f"a trigger of {self._owner(spec.name)} has this name",
                _ONCE_GONE if self._is_notebooks(spec.name) else fix,
            )
        trigger, followers = await asyncio.to_thread(
            rebuild_trigger,
            spec,
            served.routing.first,  # type: ignore[arg-type]
            served,
            self._find,
            self._queue_urls,
        )
        while True:
            try:
                await self._engine.add(trigger, served, followers)
            except RouteTaken as taken:
                own = there.get(taken.trigger)
                if own is None or specs.get(own.name) == own.spec or own.name == spec.name:
                    raise
                # The version before has the route under another trigger's name, which goes.
                await self._engine.remove(own.name)
            else:
                return

    def _explained(
        self, error: NbfaasError, served: ServedFunction, spec: TriggerSpec
    ) -> TriggerNotMade:
        if isinstance(error, TriggerNotMade):
            return error
        if isinstance(error, RouteTaken):
            owner = self._owner(error.trigger)
            fix = (
                "Deploy one of the two functions with another path, or take one back: nbfaas "
                f"rollback {served.function} {served.reference}."
            )
            return TriggerNotMade(
                served.label,
                spec.name,
                f"{error.route} leads to the trigger {error.trigger!r} of {owner}, and goes on "
                "doing so",
                _ONCE_GONE if self._is_notebooks(error.trigger) else fix,
            )
        return TriggerNotMade(served.label, spec.name, str(error))

    def _is_notebooks(self, trigger: str) -> bool:
        """Whether a connected notebook has made it: only those of deployed functions have specs."""
        there = self._engine.triggers[trigger]
        return there.spec is None and there.kind not in _OF_NO_CODE

    def _owner(self, trigger: str) -> str:
        """Whose a trigger is: the function, with its version, that it leads to."""
        if self._is_notebooks(trigger):
            return "a connected notebook"
        name = self._engine.triggers[trigger].target_name
        served = self._find(name)
        return repr(name) if served is None else served.label
