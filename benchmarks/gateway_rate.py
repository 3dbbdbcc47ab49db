"""Requests a second of the gateway, beside a bare starlette route on the same server settings.

    python benchmarks/gateway_rate.py [seconds]

The servers run in this process, one loop for all; the load comes from another process: 64
connections that are kept, each with one request under way. The engine behind the gateway answers
at once, so this is what HTTP, the checks and the conversion to events cost. Prints requests a
second (best of some rounds), p50 and p99 in ms, and the ratio to the bare route.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bare_route import bare_server
from benchmarks.http_load import PLACE, TOKEN, measured, request

ROUNDS = 3


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
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0))
