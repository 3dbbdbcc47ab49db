"""``nbfaas.connect``: the functions of a server, called from Python over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from nbfaas.agent.event import Event
from nbfaas.client.asking import ServerClient
from nbfaas.errors import NotDone, OptionError, RemoteError
from nbfaas.errors.serve import ServerRefused

_AT_ONCE = 8  # requests of a map
_LOOK_EVERY = 0.05  # seconds, at first
_LONGEST = 1.0


class HttpCall:
    """A call that the server keeps until it is made. Results are JSON."""

    def __init__(self, client: ServerClient, function: str, call_id: str) -> None:
        self._client = client
        self.function = function
        self.id = call_id

    @property
    def status(self) -> str:
        """waiting, leased (an attempt is under way), done, or dead."""
        return str(self._look()["state"])

    def result(self, timeout: float | None = None) -> Any:
        """Wait for it, ``timeout`` seconds at most. Raises ``NotDone``; ``RemoteError`` if it was
        given up; ``ServerRefused`` if the result was not kept."""
        end = None if timeout is None else time.monotonic() + timeout
        pause = _LOOK_EVERY
        while True:
            found = self._look()
            if found["state"] == "done":
                if "result" not in found:
                    raise ServerRefused(200, str(found.get("result_note", "it is not kept")))
                return found["result"]
            if found["state"] == "dead":
                name, _, message = str(found["error"]).partition(": ")
                raise RemoteError(name, message)
            if end is not None and time.monotonic() + pause > end:
                raise NotDone(self.id, self.function, str(found["state"]), timeout or 0.0)
            time.sleep(pause)
            pause = min(_LONGEST, 1.5 * pause)

    def _look(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._client.get(f"/invocations/{quote(self.id, safe='')}")
        return found

    def __repr__(self) -> str:
        return f"<HttpCall {self.id} of {self.function}>"


class HttpFunction:
    """A function of a server. Arguments and results are JSON."""

    def __init__(self, client: ServerClient, name: str) -> None:
        self._client = client
        self.name = name
        found = client.get(f"/functions/{quote(name, safe=':')}")
        self._parameters: Sequence[str] | None = found["parameters"]
        self._version: str = found["version"]

    def remote(self, *args: Any, **kwargs: Any) -> Any:
        """Call it, and wait. Raises ``RemoteError`` for what it raised itself."""
        try:
            return self._client.call(self.name, self._body(args, kwargs))
        except ServerRefused as refused:
            if refused.status == 500 and refused.error is not None:
                raise RemoteError(refused.error, refused.detail) from None
            raise

    def spawn(self, *args: Any, **kwargs: Any) -> HttpCall:
        """Have it called, durably; return at once."""
        call_id = self._client.start(self.name, self._body(args, kwargs))
        return HttpCall(self._client, self.name, call_id)

    def map(self, inputs: Iterable[Any]) -> Iterator[Any]:
        """The results of calls with one item each, in the order of ``inputs``."""
        with ThreadPoolExecutor(_AT_ONCE, "nbfaas-http") as threads:
            yield from threads.map(self.remote, inputs)

    def _body(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """What makes the server call it so: see ``nbfaas.agent.binding``."""
        names = self._parameters
        if names is None or "data" in names or not names:
            # It gets the data as a whole.
            if len(args) == 1 and not kwargs:
                return args[0]
            if not args:
                return kwargs.get("data") if list(kwargs) == ["data"] else dict(kwargs)
            raise OptionError("arguments", args, f"{self.name!r} takes one, or names")
        if len(args) > len(names):
            wanted = f"{self.name!r} takes {', '.join(names)}"
            raise OptionError("arguments", args, wanted)
        given = dict(zip(names, args, strict=False))
        if twice := given.keys() & kwargs.keys():
            raise OptionError("arguments", sorted(twice), "they are given twice")
        return {**given, **kwargs}

    def __repr__(self) -> str:
        shown = "event" if self._parameters is None else ", ".join(self._parameters)
        return f"<HttpFunction {self.name}({shown}) {self._version} at {self._client.url}>"


class Connection:
    """A server. Close it, or use it in a ``with`` block."""

    def __init__(self, client: ServerClient) -> None:
        self._client = client

    def function(self, name: str) -> HttpFunction:
        """``thumb``, ``thumb:dev`` or ``thumb:v2``. Raises ``ServerRefused``."""
        return HttpFunction(self._client, name)

    @property
    def functions(self) -> list[str]:
        """The names of what is served."""
        return [str(each["name"]) for each in self._client.get("/functions")["functions"]]

    def emit(self, type: str | Event, data: Any = None, **attributes: Any) -> list[str]:  # noqa: A002
        """Put an event on the server's bus; the names of the triggers it leads to. ``attributes``
        are those of ``Event``."""
        event = type if isinstance(type, Event) else Event(type, data, **attributes)
        kind = {"content-type": "application/cloudevents+json"}
        found = self._client.post("/events", event.to_dict(), kind)
        return [str(each) for each in found["matched"]]

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Connection to {self._client.url}>"


def connect(url: str | None = None, token: str | None = None) -> Connection:
    """The functions of a running ``nbfaas serve``: ``connect(url, token=…).function("thumb")`` has
    ``remote``, ``spawn`` and ``map``. Without arguments: NBFAAS_SERVER and NBFAAS_TOKEN, or the
    server of this machine. Raises ``ServerUnreachable``, ``ServerRefused``."""
    client = ServerClient(url, token)
    try:
        client.get("/functions")
    except BaseException:
        client.close()
        raise
    return Connection(client)
