"""The functions that a server serves: loaded from the catalog, and swapped when aliases move."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nbfaas.catalog import Alias, Catalog, Deployment
from nbfaas.catalog.names import LATEST, split, version_number
from nbfaas.errors import DeployError, NbfaasError, NotDeployed, UnknownVersion
from nbfaas.errors.serve import AliasMissing, NotServed
from nbfaas.server.rebuilding import invoke_trigger
from nbfaas.server.routing import Routing, ServedFunction, name_of
from nbfaas.server.served_triggers import ServedTriggers
from nbfaas.triggers.trigger import Trigger

if TYPE_CHECKING:
    from nbfaas.model.manifest import FunctionManifest
    from nbfaas.remote.deployed import DeployedFunction
    from nbfaas.triggers.engine import EventEngine

DEFAULT_ALIAS = "prod"
Load = Callable[[str, int], "DeployedFunction"]


@dataclass(frozen=True, slots=True)
class Change:
    """What a look into the catalog has brought."""

    served: str
    what: str

    def __str__(self) -> str:
        return f"{self.served}: {self.what}"


class ServedFunctions:
    """``wanted``: references; empty for all that have the default alias. ``load`` makes a version
    runnable, and may block; ``supersede`` lets a version's idle sandboxes go. Coroutines run on the
    engine's loop."""

    def __init__(
        self,
        catalog: Catalog,
        engine: EventEngine,
        wanted: tuple[str, ...],
        *,
        load: Load,
        supersede: Callable[[str], None],
        queue_urls: Mapping[str, str],
    ) -> None:
        self._catalog = catalog
        self._engine = engine
        self._wanted = wanted
        self._load = load
        self._supersede = supersede
        self._triggers = ServedTriggers(engine, self._find, queue_urls)
        self._served: dict[str, ServedFunction] = {}
        self._loaded: dict[tuple[str, int], DeployedFunction] = {}
        self._looked_up: set[tuple[str, int]] = set()  # since the last look, not being served
        self._loading = threading.Lock()
        self._changing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<ServedFunctions {', '.join(sorted(self._served)) or 'none'}>"

    def __iter__(self) -> Iterator[ServedFunction]:
        return iter(sorted(self._served.values(), key=lambda each: each.name))

    @property
    def names(self) -> list[str]:
        return sorted(self._served)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The references that the configuration names; empty for all that have the default
        alias."""
        return self._wanted

    @property
    def missing(self) -> list[str]:
        """What the configuration names and could not be served, in words."""
        wanted = self._all_wanted({})
        return [f"{each!r} can't be served" for each in wanted if each not in self._served]

    def ready(self, reference: str) -> ServedFunction | None:
        """It, if it is loaded already."""
        return self._served.get(reference)

    async def get(self, reference: str) -> ServedFunction:
        """It; another alias or version of a served function is loaded. Raises ``NotServed``."""
        found = self._served.get(reference)
        if found is not None:
            return found
        name, which = split(reference)
        if which is None or name not in {each.function for each in self._served.values()}:
            raise NotServed(reference, self.names)
        async with self._changing:
            if reference not in self._served:
                try:
                    await self._add(reference, name, which)
                except (DeployError, KeyError) as error:
                    raise NotServed(reference, self.names) from error
            return self._served[reference]

    async def look_up(self, reference: str) -> ServedFunction:
        """As ``get``; or else what the catalog has by that name, for whoever may call what is not
        served: ``thumb`` is its latest version then. It is not served by that. Raises
        ``NotServed``, and why it can't be loaded."""
        try:
            return await self.get(reference)
        except NotServed:
            name, which = split(reference)
            which = which or LATEST
            try:
                alias = await asyncio.to_thread(self._alias, name, which)
            except (NotDeployed, UnknownVersion) as error:
                raise NotServed(reference, self.names) from error
            routing = await asyncio.to_thread(self._route, alias)
            self._looked_up.update((name, number) for number in alias.versions)
            return ServedFunction(reference, name, which, routing)

    async def known(
        self, reference: str, *, everything: bool = False
    ) -> tuple[Alias, FunctionManifest]:
        """What the catalog has by that name, with nothing loaded: where it leads, and the manifest
        of what is no canary there. ``everything``: of functions that are not served, too; then
        ``thumb`` is its latest version. Raises ``NotServed``."""
        name, which = split(reference)
        served = name in {each.function for each in self._served.values()}
        if not everything and (which is None or not served):
            raise NotServed(reference, self.names)
        try:
            return await asyncio.to_thread(self._read, name, which or LATEST)
        except (DeployError, KeyError) as error:
            raise NotServed(reference, self.names) from error

    # -- following the catalog

    async def reload(self) -> list[Change | NbfaasError]:
        """Serve what the catalog has now. One function's error does not keep another from being
        served; it goes on as it was."""
        async with self._changing:
            there, removed = await asyncio.to_thread(self._look, list(self._served.values()))
            wanted = self._all_wanted(there)
            found: list[Change | NbfaasError] = []
            first = not self._served
            incomplete = list(self._triggers.incomplete)
            for name, (function, reference) in wanted.items():
                if name not in self._served:
                    try:
                        problems = await self._add(name, function, reference, triggers=not first)
                        found.append(Change(name, f"served, {self._served[name].routing.alias}"))
                        found += problems
                    except UnknownVersion as error:
                        named = reference == DEFAULT_ALIAS
                        found.append(AliasMissing(function, reference) if named else error)
                    except NbfaasError as error:
                        found.append(error)
            if first:  # only now are all there that destinations may name
                for name in wanted:
                    if name in self._served:
                        found += await self._triggers.follow(self._served[name])
            for name in incomplete:
                found += await self._triggers.follow(self._served[name])
            for served in list(self._served.values()):
                try:
                    found += await self._follow(
                        served, there.get(served.function), served.name in removed
                    )
                except NbfaasError as error:
                    found.append(error)
            await asyncio.to_thread(self._forget_unserved)
            return found

    async def recover(self) -> None:
        """Load what events of an earlier process wait for, such as ``thumb:v2``."""
        for trigger in list(self._engine.store.waiting):
            name = name_of(trigger)
            if name is not None and name not in self._served:
                try:
                    await self.get(name)
                except NotServed:
                    continue  # they wait until it is served again, or are too old

    def _look(self, served: list[ServedFunction]) -> tuple[dict[str, Deployment], set[str]]:
        """What is deployed, by name; and the names of those ``served`` that are not there any
        more. Blocks."""
        there = {each.name: each for each in self._catalog.functions()}
        return there, {each.name for each in served if not self._is_in(there, each)}

    def _is_in(self, there: Mapping[str, Deployment], served: ServedFunction) -> bool:
        deployment = there.get(served.function)
        if deployment is None or served.reference == LATEST:
            return deployment is not None
        if version_number(served.reference) is None:
            return any(alias.alias == served.reference for alias in deployment.aliases)
        try:
            self._catalog.version(served.function, served.reference)
        except (NotDeployed, UnknownVersion):
            return False
        return True

    def _all_wanted(self, there: Mapping[str, Deployment]) -> dict[str, tuple[str, str]]:
        """Served name to function and reference."""
        if not self._wanted:
            return {
                each.name: (each.name, DEFAULT_ALIAS)
                for each in there.values()
                if any(alias.alias == DEFAULT_ALIAS for alias in each.aliases)
            }
        wanted: dict[str, tuple[str, str]] = {}
        for reference in self._wanted:
            name, which = split(reference)
            served = reference if name in wanted else name
            wanted[served] = (name, which or DEFAULT_ALIAS)
        return wanted

    def _alias(self, function: str, reference: str) -> Alias:
        """Where the reference leads. Blocks."""
        if reference == LATEST or version_number(reference) is not None:
            number = self._catalog.version(function, reference).number
            return Alias(function, reference, number, None, 0.0, 0.0)
        return self._catalog.alias(function, reference)

    def _read(self, function: str, reference: str) -> tuple[Alias, FunctionManifest]:
        """Blocks."""
        alias = self._alias(function, reference)
        return alias, self._catalog.version(function, f"v{alias.version}").manifest

    def _route(self, alias: Alias) -> Routing:
        """Blocks."""
        with self._loading:
            versions = {}
            for number in alias.versions:
                key = (alias.function, number)
                if key not in self._loaded:
                    self._loaded[key] = self._load(*key)
                versions[number] = self._loaded[key]
            return Routing(alias, versions)

    async def _add(
        self, name: str, function: str, reference: str, *, triggers: bool = True
    ) -> list[NbfaasError]:
        """Serve it; returns what is wrong with its triggers."""
        alias = await asyncio.to_thread(self._alias, function, reference)
        routing = await asyncio.to_thread(self._route, alias)
        served = ServedFunction(name, function, reference, routing)
        await self._engine.add(self._invoke_trigger(served), served)
        self._served[name] = served
        return await self._triggers.follow(served) if triggers else []

    async def _follow(
        self, served: ServedFunction, there: Deployment | None, removed: bool
    ) -> list[Change | NbfaasError]:
        """Swap what it leads to, if that has changed. What was removed leads on to where it did:
        whatever becomes of the catalog, no request fails for it."""
        if removed or served.removed:
            told = [] if removed == served.removed else [Change(served.name, _removed(served))]
            served.removed = removed
            if removed:
                return [*told]
            return [*told, *await self._follow(served, there, removed)]
        before = served.routing
        alias = before.alias
        if there is not None and served.reference == LATEST:
            alias = replace(alias, version=there.latest)
        elif there is not None:
            alias = next((a for a in there.aliases if a.alias == served.reference), alias)
        if _leads(alias) == _leads(before.alias):
            return []
        served.routing = await asyncio.to_thread(self._route, alias)
        if self._invoke_trigger(served).policy != self._engine.triggers[served.trigger].policy:
            await self._engine.add(self._invoke_trigger(served), served)
        problems = await self._triggers.follow(served)
        self._let_go(before)
        return [Change(served.name, f"now {served.routing.alias}"), *problems]

    def _invoke_trigger(self, served: ServedFunction) -> Trigger:
        return invoke_trigger(served, served.routing.first.version().options.retries)

    def _let_go(self, before: Routing) -> None:
        used = self._used()
        for number, version in before.versions.items():
            if (before.alias.function, number) not in used:
                self._supersede(version.version().digest)
                self._loaded.pop((before.alias.function, number), None)

    def _forget_unserved(self) -> None:
        """What was looked up, and not since the last time, is loaded anew when it is asked for
        again: it may be removed, and pulled with other contents. Blocks."""
        with self._loading:
            for key in self._loaded.keys() - self._used() - self._looked_up:
                del self._loaded[key]
            self._looked_up.clear()

    def _used(self) -> set[tuple[str, int]]:
        """The versions that anything is served by."""
        return {
            (each.function, number)
            for each in list(self._served.values())
            for number in each.routing.alias.versions
        }

    def _find(self, name: str) -> ServedFunction | None:
        """By the name it is deployed as, or else by that of the notebook."""
        found = self._served.get(name)
        if found is not None:
            return found
        for each in self._served.values():
            if each.name == each.function and each.routing.first.manifest.function == name:
                return each
        return None


def _removed(served: ServedFunction) -> str:
    """What is told when it is removed, or, if it was, when it is there again."""
    what = f"{served.function}:{served.reference}"
    if served.removed:
        return f"{what} is in the catalog again"
    label = f"v{served.routing.alias.version}"
    return (
        f"{what} was removed from the catalog; {label} goes on until this server ends. To serve "
        f"it afterwards too: nbfaas alias {served.function} "
        f"{DEFAULT_ALIAS if version_number(served.reference) else served.reference} {label}"
    )


def _leads(alias: Alias) -> tuple[int, int | None, float]:
    return alias.version, alias.other, alias.weight
