"""The routes that triggers have, and which of them a request takes."""

from __future__ import annotations

import math
import re
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbfaas.errors.delivery import RouteTaken
from nbfaas.triggers.http_source import HttpRoute

_NAME = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*(:[A-Za-z_]+)?\}")


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """``parameters``: of the path, as JSON values. Not ``active``: the trigger is paused."""

    route: HttpRoute
    parameters: Mapping[str, Any]
    active: bool


@dataclass(frozen=True, slots=True)
class MethodNotAllowed:
    """The path exists, with other methods."""

    allowed: tuple[str, ...]


class _Template:
    """A path's template, compiled, with the route of each method."""

    def __init__(self, path: str) -> None:
        from starlette.routing import compile_path

        self.pattern, _, self.convertors = compile_path(path)

    def parameters(self, path: str) -> dict[str, Any] | None:
        # ``fullmatch``, since ``$`` would let a line break at the end pass.
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = {}
        for name, text in found.groupdict().items():
            try:
                value = self.convertors[name].convert(text)
            except ValueError:  # more digits than int() takes
                return None
            if isinstance(value, uuid.UUID):
                value = str(value)
            elif isinstance(value, float) and not math.isfinite(value):
                return None
            values[name] = value
        return values


@dataclass(frozen=True, slots=True)
class _Routes:
    """The table at one time; never changed, so that it is read without a lock."""

    literal: Mapping[str, Mapping[str, HttpRoute]]
    templates: tuple[tuple[_Template, Mapping[str, HttpRoute]], ...]  # in the order they are tried


class RouteTable:
    """Routes by method and path. Literal parts go before parameters, and typed parameters before
    others; what comes first in the path decides. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_trigger: dict[str, HttpRoute] = {}
        self._compiled: dict[str, _Template] = {}
        self._active: set[HttpRoute] = set()
        self._routes = _Routes({}, ())

    def __repr__(self) -> str:
        return f"<RouteTable {len(self._by_trigger)} routes>"

    def __len__(self) -> int:
        return len(self._by_trigger)

    def __iter__(self) -> Iterator[HttpRoute]:
        return iter(tuple(self._by_trigger.values()))

    def add(self, route: HttpRoute) -> None:
        """Reserve a route, shut as yet; it takes the place of the one that its trigger had.

        Raises ``RouteTaken``, naming the trigger that has the method and path already.
        """
        with self._lock:
            shape = _shape(route.path)
            for other in self._by_trigger.values():
                same = other.method == route.method and _shape(other.path) == shape
                if same and other.trigger != route.trigger:
                    raise RouteTaken(str(other), route.path, other.trigger)
            earlier = self._by_trigger.get(route.trigger)
            if earlier is not None:
                self._active.discard(earlier)
            self._by_trigger[route.trigger] = route
            self._rebuild()

    def remove(self, route: HttpRoute) -> None:
        """Give it up."""
        with self._lock:
            if self._by_trigger.get(route.trigger) is route:
                del self._by_trigger[route.trigger]
                self._active.discard(route)
                self._rebuild()

    def open(self, route: HttpRoute) -> None:
        """Let requests in."""
        with self._lock:
            if self._by_trigger.get(route.trigger) is route:
                self._active.add(route)

    def shut(self, route: HttpRoute) -> None:
        """Tell requests from now on that the trigger is paused."""
        with self._lock:
            self._active.discard(route)

    def match(self, method: str, path: str) -> RouteMatch | MethodNotAllowed | None:
        """The route of a request; ``path`` is decoded. HEAD takes GET's, if it has none."""
        routes = self._routes
        allowed: set[str] = set()
        methods = routes.literal.get(path)
        if methods is not None:
            if (route := _of(methods, method)) is not None:
                return RouteMatch(route, {}, route in self._active)
            allowed.update(methods)
        for template, methods in routes.templates:
            values = template.parameters(path)
            if values is None:
                continue
            if (route := _of(methods, method)) is not None:
                return RouteMatch(route, values, route in self._active)
            allowed.update(methods)
        if not allowed:
            return None
        if "GET" in allowed:
            allowed.add("HEAD")
        return MethodNotAllowed(tuple(sorted(allowed)))

    def _rebuild(self) -> None:
        by_path: dict[str, dict[str, HttpRoute]] = {}
        for route in self._by_trigger.values():
            by_path.setdefault(route.path, {})[route.method] = route
        self._compiled = {
            path: self._compiled.get(path) or _Template(path) for path in by_path if "{" in path
        }
        ordered = sorted(self._compiled, key=_precedence)
        self._routes = _Routes(
            {path: methods for path, methods in by_path.items() if "{" not in path},
            tuple((self._compiled[path], by_path[path]) for path in ordered),
        )


def _of(methods: Mapping[str, HttpRoute], method: str) -> HttpRoute | None:
    route = methods.get(method)
    if route is None and method == "HEAD":
        return methods.get("GET")
    return route


def _shape(path: str) -> str:
    """The template without the names, which don't change what it matches."""
    return _NAME.sub(lambda found: f"{{{found[1] or ':str'}}}", path)


def _precedence(path: str) -> tuple[tuple[int, int, str], ...]:
    return tuple(_segment_rank(segment) for segment in path.split("/"))


def _segment_rank(segment: str) -> tuple[int, int, str]:
    """Literal, then typed, then any; among them, those with more literal text first."""
    found = _NAME.search(segment)
    if found is None:
        return (0, 0, segment)
    kind = found[1] or ":str"
    rank = {":str": 2, ":path": 3}.get(kind, 1)
    return (rank, -len(_NAME.sub("", segment)), segment)
