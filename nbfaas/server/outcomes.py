"""``GET /invocations/ID``: what became of a call, with its result."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbfaas.server.calling import as_json

if TYPE_CHECKING:
    from nbfaas.gateway.engine_port import EnginePort


class Outcomes:
    def __init__(self, port: EnginePort) -> None:
        self._port = port

    def __repr__(self) -> str:
        return f"<Outcomes through {self._port!r}>"

    async def of(self, invocation_id: str) -> Mapping[str, Any] | None:
        """As JSON; None if there is none with this id. ``state`` of a call that was kept is
        waiting, leased (an attempt is under way), done or dead; with done there is ``result``, or
        ``result_note``, with dead ``error``."""
        found = await self._port.invocation(invocation_id)
        if found is None or len(found.get("deliveries", ())) != 1:
            return found
        (delivery,) = found["deliveries"]
        last = delivery["attempts"][-1] if delivery["attempts"] else {}
        told: dict[str, Any] = {**found, "state": delivery["state"]}
        if delivery["state"] == "dead":
            told["error"] = last.get("error") or delivery["reason"]
        elif delivery["state"] == "done" and last.get("invocation"):
            told |= await asyncio.to_thread(_result, last["invocation"])
        return told


def _result(invocation_id: str) -> dict[str, Any]:
    from nbfaas.remote.call import FunctionCall

    try:
        call = FunctionCall.from_id(invocation_id)
        value = call.result(timeout=0)
        if isinstance(value, bytes):
            return {"result_note": f"it is {len(value)} bytes, and no JSON"}
        return {"result": json.loads(as_json(value, call.function))}
    except Exception as error:  # noqa: BLE001 - whatever keeps it from being read
        return {"result_note": str(error)}
