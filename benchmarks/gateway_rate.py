"""Requests a second of the gateway, beside a bare starlette route on the same server settings.

    python benchmarks/gateway_rate.py [seconds]

The servers run in this process, one loop for all; the load comes from another process: 16
connections that are kept, each with one request under way. The engine behind the gateway answers
at once, so this is what HTTP, the checks and the conversion to events cost. Prints requests a
second (best of some rounds), p50 and p99 in ms, and the ratio to the bare route.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

CONNECTIONS = 16
ROUNDS = 3
TOKEN = "a-token-for-the-benchmark"
PLACE = b"0123456789"  # where each request has a number of its own, if that is in it


# -- the load, in a process of its own


_numbers = itertools.count()


class Connection(asyncio.Protocol):
    def __init__(self, text: bytes, until: float, ended: asyncio.Future[None]) -> None:
        self.text = text
        self.until = until
        self.ended = ended
        self.seconds: list[float] = []
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.ask()

    def ask(self) -> None:
        self.asked = time.perf_counter()
        number = b"%010d" % next(_numbers)
        self.transport.write(self.text.replace(PLACE, number))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) < length:
            return
        assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")), head
        self.buffer = body[length:]
        now = time.perf_counter()
        self.seconds.append(now - self.asked)
        if now < self.until:
            self.ask()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(None)


async def load(port: int, text: bytes, seconds: float) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    until = began + seconds
    made = []
    for _ in range(CONNECTIONS):
        ended = loop.create_future()
        connection = Connection(text, until, ended)
        await loop.create_connection(lambda found=connection: found, "127.0.0.1", port)
        made.append(connection)
    await asyncio.gather(*(connection.ended for connection in made))
    took = time.perf_counter() - began
    times = sorted(one for connection in made for one in connection.seconds)
    return {
        "rate": len(times) / took,
        "p50": 1e3 * times[len(times) // 2],
        "p99": 1e3 * times[len(times) * 99 // 100],
    }


def request(line: str, headers: dict[str, str], body: bytes) -> bytes:
    every = {
        "Host": "127.0.0.1",
        "Authorization": f"Bearer {TOKEN}",
        "Content-Length": str(len(body)),
        **headers,
    }
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in every.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


# -- the servers


@dataclass(frozen=True)
class Receipt:
    event: Any
    triggers: tuple[str, ...] = ("on_order",)
    duplicate: bool = False


class InstantEngine:
    async def accept(self, event: Any) -> Receipt:
        return Receipt(event)

    async def call(self, trigger: str, event: Any, deadline: float) -> Any:
        from nbfaas.gateway import CallResult

        return CallResult({"total": event.data["body"]["total"]}, "1-1")

    async def enqueue(self, trigger: str, event: Any) -> str:
        return str(event.id)

    async def invocation(self, invocation_id: str) -> None:
        return None

    def not_ready(self) -> None:
        return None

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        return b"", "text/plain"


async def bare_server() -> tuple[int, asyncio.Server]:
    """uvicorn's own protocol, with starlette's own routing, request and response."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.server import ServerState

    async def orders(request: Request) -> JSONResponse:
        return JSONResponse({"total": (await request.json())["total"]})

    app = Starlette(routes=[Route("/orders", orders, methods=["POST"])])
    config = Config(
        app, http="httptools", ws="none", lifespan="off", log_config=None, proxy_headers=False
    )
    config.load()
    loop = asyncio.get_running_loop()
    state = ServerState()
    server = await loop.create_server(
        lambda: HttpToolsProtocol(config, state, {}, loop), "127.0.0.1", 0
    )
    return int(server.sockets[0].getsockname()[1]), server


async def measured(port: int, text: bytes, seconds: float) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--load", str(port), str(seconds),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate(text)
    assert process.returncode == 0
    found: dict[str, float] = json.loads(out)
    return found


async def main(seconds: float) -> None:
    from nbfaas.gateway import Gateway
    from nbfaas.triggers.http_source import HttpSource

    order = b'{"total": 120, "lines": [{"sku": "a-1", "count": 2}, {"sku": "b-7", "count": 1}]}'
    binary = {
        "ce-specversion": "1.0",
        "ce-id": PLACE.decode(),
        "ce-source": "/shop",
        "ce-type": "order.created",
        "Content-Type": "application/json",
    }
    event = {
        "specversion": "1.0", "id": "1234", "source": "/shop", "type": "order.created",
        "time": "2026-11-23T14:03:00Z", "datacontenttype": "application/json",
        "data": json.loads(order),
    }  # fmt: skip
    structured = {"Content-Type": "application/cloudevents+json"}
    as_json = {"Content-Type": "application/json"}

    gateway = Gateway(InstantEngine(), token=TOKEN)
    sources = [HttpSource("POST", "/orders"), HttpSource("POST", "/late", respond="async")]
    running = []
    for source in sources:
        source.bind(gateway.routes, source.path)
        running.append(asyncio.create_task(source.run(None)))  # type: ignore[arg-type]
    port = int((await gateway.start()).rpartition(":")[2])
    bare_port, bare = await bare_server()
    cases = {
        "bare starlette route": (bare_port, request("POST /orders", as_json, order)),
        "POST /events, binary": (port, request("POST /events", binary, order)),
        "POST /events, structured": (
            port, request("POST /events", structured, json.dumps(event).encode())
        ),
        "route, respond='sync'": (port, request("POST /orders", as_json, order)),
        "route, respond='async'": (port, request("POST /late", as_json, order)),
    }  # fmt: skip
    best: dict[str, dict[str, float]] = {}
    for _ in range(ROUNDS):
        for name, (at, text) in cases.items():
            found = await measured(at, text, seconds)
            if name not in best or found["rate"] > best[name]["rate"]:
                best[name] = found
    base = best["bare starlette route"]["rate"]
    print(f"{'':26}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}")
    for name, found in best.items():
        print(
            f"{name:26}{found['rate']:>12,.0f}{found['p50']:>9.2f}{found['p99']:>9.2f}"
            f"{found['rate'] / base:>8.2f}"
        )
    for one in running:
        one.cancel()
    await gateway.close()
    bare.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        text = sys.stdin.buffer.read()
        print(json.dumps(asyncio.run(load(int(sys.argv[2]), text, float(sys.argv[3])))))
    else:
        asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0))
