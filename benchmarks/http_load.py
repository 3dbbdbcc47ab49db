"""HTTP requests as fast as they are answered, from a process of its own, over kept connections.

``measured`` starts the process and returns requests a second, p50 and p99 in ms.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from typing import Any

CONNECTIONS = 64  # each with one request under way
TOKEN = "a-token-for-the-benchmark"
PLACE = b"0123456789"  # where each request has a number of its own, if that is in it

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


async def measured(port: int, text: bytes, seconds: float) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, str(port), str(seconds),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate(text)
    assert process.returncode == 0
    found: dict[str, float] = json.loads(out)
    return found


if __name__ == "__main__":
    text = sys.stdin.buffer.read()
    print(json.dumps(asyncio.run(load(int(sys.argv[1]), text, float(sys.argv[2])))))
