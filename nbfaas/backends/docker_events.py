"""What the Docker Engine tells of this owner's containers, as it happens."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from nbfaas.backends.docker_options import OWNER_LABEL
from nbfaas.backends.owner import Owner

_RECONNECT_SECONDS = 0.5


class Fate:
    """What has happened to one container so far. Belongs to the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.died: asyncio.Future[None] = loop.create_future()
        self.exit_code = 0
        self.oom = False
        self.killed = False
        self.paused = False

    def __repr__(self) -> str:
        marks = [name for name in ("oom", "killed", "paused") if getattr(self, name)]
        state = f"died with {self.exit_code}" if self.died.done() else "alive"
        return f"<Fate {' '.join([state, *marks])}>"

    def take(self, action: str, attributes: dict[str, str]) -> None:
        if action == "die" and not self.died.done():
            self.exit_code = int(attributes.get("exitCode", "0"))
            self.died.set_result(None)
        elif action == "oom":
            self.oom = True
        elif action == "kill":
            self.killed = True
        elif action in ("pause", "unpause"):
            self.paused = action == "pause"


class EventStream:
    """Follows the daemon's events in a daemon thread, and reconnects when the stream breaks."""

    def __init__(self, api: Any, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self._api = api
        self._filters = {"type": "container", "label": f"{OWNER_LABEL}={owner}"}
        self._loop = loop
        self._fates: dict[str, Fate] = {}
        self._closing = threading.Event()
        self._stream: Any = None
        self._thread = threading.Thread(target=self._run, name="nbfaas-docker-events", daemon=True)

    def __repr__(self) -> str:
        return f"<EventStream of {len(self._fates)} containers>"

    def open(self) -> None:
        """Connect and start following; blocking."""
        self._connect(int(time.time()))
        self._thread.start()

    def close(self) -> None:
        """End the thread; blocking."""
        self._closing.set()
        if self._stream is not None:
            self._stream.close()
        if self._thread.ident is not None:
            self._thread.join(5)

    def follow(self, name: str) -> Fate:
        """Start to note what happens to the container of this name."""
        return self._fates.setdefault(name, Fate(self._loop))

    def forget(self, name: str) -> None:
        self._fates.pop(name, None)

    def _connect(self, since: int) -> None:
        self._stream = self._api.events(since=since, filters=self._filters, decode=True)

    def _run(self) -> None:
        seen = int(time.time())
        while not (self._closing.is_set() or self._loop.is_closed()):
            try:
                for event in self._stream:
                    seen = int(event.get("time", seen))
                    self._loop.call_soon_threadsafe(self._take, event)
            except Exception:  # noqa: BLE001, S110 - whatever broke the stream, a new one is tried
                pass
            while not self._closing.wait(_RECONNECT_SECONDS):
                try:
                    self._connect(seen)
                    break
                except Exception:  # noqa: BLE001, S112 - the daemon may be down for a while
                    continue
        self._stream.close()

    def _take(self, event: dict[str, Any]) -> None:
        attributes = event.get("Actor", {}).get("Attributes", {})
        fate = self._fates.get(attributes.get("name", ""))
        if fate is not None:
            fate.take(event.get("Action", ""), attributes)
