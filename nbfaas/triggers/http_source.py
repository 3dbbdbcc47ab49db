"""``on.http``: an HTTP endpoint as a source. The route is the gateway's; this declares it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, get_args

from nbfaas.errors.delivery import BadTrigger
from nbfaas.triggers.source import Intake, Source

Respond = Literal["sync", "async"]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CONVERTORS = ("str", "int", "float", "uuid", "path")
# The gateway's own, and a server's.
RESERVED = frozenset(
    {
        "admin", "events", "functions", "healthz", "invocations", "metrics", "openapi.json",
        "readyz", "sessions",
    }
)  # fmt: skip
MAX_DEADLINE = 900.0

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([A-Za-z_]+))?\}")
_LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]*")


@dataclass(frozen=True, slots=True, eq=False)
class HttpRoute:
    """Which requests lead to which trigger. ``deadline`` in seconds, for ``respond="sync"``;
    ``auth``: only with the gateway's token."""

    method: str
    path: str
    trigger: str
    respond: Respond = "sync"
    deadline: float = 30.0
    auth: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class RouteRegistrar(Protocol):
    """Where routes are kept; thread-safe. ``nbfaas.gateway.RouteTable`` is one."""

    def add(self, route: HttpRoute) -> None:
        """Reserve a route; requests are told that it is paused until it is opened. It takes the
        place of the one that its trigger had. Raises ``BadTrigger`` if it is another's."""
        ...

    # What follows has no effect once another route of the same trigger has taken its place.

    def remove(self, route: HttpRoute) -> None: ...

    def open(self, route: HttpRoute) -> None: ...

    def shut(self, route: HttpRoute) -> None: ...


class HttpSource(Source):
    """Each request of ``method`` at ``path`` is an event.

    ``path`` is a template: ``/orders/{id}``, ``/orders/{id:int}``, ``/files/{rest:path}`` (also
    ``float`` and ``uuid``). With ``respond="sync"`` the response is the function's result, within
    ``deadline`` seconds; with ``"async"`` it is 202 and an id, once the event is durable.
    ``auth=False`` lets anyone in who reaches the port.

    The events come in through the gateway, and so not through ``run``: a registry calls ``bind``
    when the trigger is made, which reserves the route, and ``release`` when it is removed.
    """

    kind: ClassVar[str] = "http"

    def __init__(
        self,
        method: str,
        path: str,
        *,
        respond: Respond = "sync",
        deadline: float = 30.0,
        auth: bool = True,
    ) -> None:
        self.method = _method(method)
        self.path = _path(path)
        if respond not in get_args(Respond):
            raise BadTrigger("http", "respond", respond, "it is 'sync' or 'async'")
        self.respond = respond
        number = isinstance(deadline, int | float) and not isinstance(deadline, bool)
        if not number or not 0 < deadline <= MAX_DEADLINE:
            wanted = f"it is in seconds, more than 0 and at most {MAX_DEADLINE:g}"
            raise BadTrigger("http", "deadline", deadline, wanted)
        self.deadline = float(deadline)
        if not isinstance(auth, bool):
            raise BadTrigger("http", "auth", auth, "it is True or False")
        self.auth = auth
        self._bound: tuple[RouteRegistrar, HttpRoute] | None = None

    def describe(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the path's parameters."""
        return tuple(name for name, _ in _PARAMETER.findall(self.path))

    def bind(self, routes: RouteRegistrar, trigger: str) -> None:
        """Reserve the route for ``trigger``. Raises ``BadTrigger`` if it is another trigger's."""
        route = HttpRoute(self.method, self.path, trigger, self.respond, self.deadline, self.auth)
        routes.add(route)
        self._bound = routes, route

    def release(self) -> None:
        """Give the route up. Idempotent."""
        if self._bound is not None:
            routes, route = self._bound
            self._bound = None
            routes.remove(route)

    async def run(self, intake: Intake) -> None:
        """Keep the route open until cancelled. Requests that it let in go on."""
        if self._bound is None:
            raise RuntimeError(f"{self!r} has to be bound to a trigger before it can run")
        routes, route = self._bound
        routes.open(route)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            routes.shut(route)


def _method(method: object) -> str:
    if isinstance(method, str) and method.upper() in METHODS:
        return method.upper()
    raise BadTrigger("http", "method", method, f"it is one of {', '.join(METHODS)}")


def _path(path: object) -> str:
    def wrong(wanted: str) -> BadTrigger:
        return BadTrigger("http", "path", path, wanted)

    if not isinstance(path, str) or not path.startswith("/"):
        raise wrong("it begins with a slash, as in '/orders/{id}'")
    segments = path[1:].split("/")
    if segments[0] in RESERVED:
        raise wrong(f"/{segments[0]} is the gateway's own; choose another first part")
    names: list[str] = []
    kinds: list[str] = []
    for segment in segments:
        found = _PARAMETER.findall(segment)
        # One for each segment: several in one could be split in many ways, which takes long.
        if len(found) > 1:
            raise wrong(f"{segment!r} has several parameters; put a slash between them")
        if not _LITERAL.fullmatch(_PARAMETER.sub("", segment)):
            raise wrong(
                f"{segment!r} is no literal and no parameter; a parameter is {{name}} or "
                "{name:int}, other characters than letters, digits and -._~!$&'()*+,;=:@ don't go"
            )
        for name, kind in found:
            if kind and kind not in CONVERTORS:
                raise wrong(f"{kind!r} is no type of parameter: {', '.join(CONVERTORS)}")
            if name in names:
                raise wrong(f"the parameter {name!r} is there twice")
            names.append(name)
            kinds.append(kind)
    if kinds.count("path") > 1:
        raise wrong("a parameter of type path takes slashes too, so there can be only one")
    return path
