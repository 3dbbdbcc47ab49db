"""Speaking to a sandbox frame by frame, as the dispatcher does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from nbfaas.agent import codec, wire
from nbfaas.agent.wire import Codec, Frame, Kind
from nbfaas.backends.base import Sandbox

SECONDS = 30


class Failed(Exception):
    """The function raised; ``said`` is the FAILURE's JSON."""

    def __init__(self, said: dict[str, Any]) -> None:
        super().__init__(str(said))
        self.said = said


class Talk:
    """Takes over a sandbox's connection; loads handlers from source text and calls them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.connection = sandbox.connection
        self.log = b""
        self._frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._calls = 0
        self.connection.on_frame = self._frames.put_nowait
        self.connection.on_lost = self._lost.set_result
        limits = {"log_limit": 1 << 20, "result_limit": 1 << 30}
        self.connection.send(wire.encode(Kind.WELCOME, 0, Codec.JSON, json.dumps(limits).encode()))

    async def load(self, source: str | bytes, **control: object) -> None:
        """Load a handler's source, or, with ``entry="function"``, a function's payload."""
        said = {
            "function": "handler",
            "version": "1",
            "entry": "handler",
            "isolation": "reuse",
            "env": {},
            "requires": [],
            "filename": "<cell>",
            **control,
        }
        self._calls += 1
        head = json.dumps(said).encode()
        payload = source if isinstance(source, bytes) else source.encode()
        self.connection.send(wire.encode(Kind.LOAD, self._calls, 0, head, [payload]))
        frame = await self._answer(self._calls)
        if frame.kind != Kind.LOADED:
            raise Failed(json.loads(frame.control[wire.STATS.size :]))

    def send(self, event: object = None) -> int:
        self._calls += 1
        args = codec.dump(((event,), {}))
        self.connection.send(wire.encode(Kind.INVOKE, self._calls, Codec.PICKLE, b"{}", args))
        return self._calls

    async def call(self, event: object = None) -> Any:
        return await self._value(self.send(event))

    async def _value(self, call: int) -> Any:
        frame = await self._answer(call)
        if frame.kind == Kind.FAILURE:
            raise Failed(json.loads(frame.control[wire.STATS.size :]))
        assert frame.kind == Kind.RESULT
        return codec.load(frame.parts)

    async def deliver(self, event: bytes, **control: object) -> Any:
        """Call it with an event, which is JSON."""
        self._calls += 1
        head = json.dumps(control).encode()
        self.connection.send(wire.encode(Kind.INVOKE, self._calls, Codec.JSON, head, [event]))
        return await self._value(self._calls)

    async def run(self, body: str, event: object = None) -> Any:
        """Load a handler of this body, and call it."""
        lines = ["def handler(event, context):", *(f"    {line}" for line in body.splitlines())]
        await self.load("\n".join(lines))
        return await self.call(event)

    async def heard(self, text: bytes) -> None:
        """Wait until this has been written by an invocation that is still running."""
        async with asyncio.timeout(SECONDS):
            while text not in self.log:
                self._note(await self._frames.get())

    async def lost(self) -> Exception | None:
        """Wait for the end of the connection; return the error, if there was one."""
        return await asyncio.wait_for(asyncio.shield(self._lost), SECONDS)

    async def _answer(self, call: int) -> Frame:
        async with asyncio.timeout(SECONDS):
            while True:
                frame = await self._frames.get()
                if frame.call == call and frame.kind != Kind.LOG:
                    return frame
                self._note(frame)

    def _note(self, frame: Frame) -> None:
        assert frame.kind == Kind.LOG, frame
        self.log += bytes(frame.parts[0])
