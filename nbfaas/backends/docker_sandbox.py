"""A sandbox that is a container."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbfaas.backends import death
from nbfaas.backends.base import Death, DeathKind, Sandbox, SandboxSpec
from nbfaas.backends.cgroup import OomCounter
from nbfaas.backends.docker_engine import Launched
from nbfaas.backends.docker_options import limits
from nbfaas.backends.endpoint import Endpoint, Greeting
from nbfaas.backends.owner import process_state
from nbfaas.errors import BackendError
from nbfaas.model.function import Resources

if TYPE_CHECKING:
    from nbfaas.backends.docker import DockerBackend

_LOOK_SECONDS = 1.5
_GONE = Death(DeathKind.UNKNOWN, "its container is gone")


class DockerSandbox(Sandbox):
    """An agent in a container. ``id`` is the container's, as short as `docker ps` shows it."""

    def __init__(
        self,
        backend: DockerBackend,
        spec: SandboxSpec,
        launched: Launched,
        name: str,
        endpoint: Endpoint,
        greeting: Greeting,
    ) -> None:
        self.id = launched.id[:12]
        self.spec = spec
        self.connection = greeting.connection
        self.hello = greeting.hello
        self.name = name
        self._backend = backend
        self._endpoint = endpoint
        self._host_pid = greeting.host_pid
        self._fate = backend.events.follow(name)
        self._ooms = OomCounter(greeting.host_pid)
        self._destruction: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<DockerSandbox {self.id} {self._fate!r} {self._ooms!r} {self.connection!r}>"

    async def resize(self, resources: Resources) -> None:
        """Change cpu, memory and pids. The size of /tmp is fixed when a container is created."""
        if resources.scratch != self.spec.resources.scratch:
            raise ValueError("the scratch size of a sandbox can't be changed")
        try:
            await self._backend.call(self._backend.engine.update, self.id, limits(resources))
        except Exception as error:
            raise BackendError(f"the limits of sandbox {self.id} can't be set: {error}") from error

    async def probe(self) -> Death | None:
        if self._fate.died.done():
            return self._how_it_ended()
        if self._fate.paused:
            return death.PAUSED
        if frozen := death.frozen_by_state(process_state(self._host_pid)):
            return frozen
        look = asyncio.ensure_future(self._backend.call(self._backend.engine.state, self.name))
        try:
            state = await asyncio.wait_for(asyncio.shield(look), _LOOK_SECONDS)
        except Exception:  # noqa: BLE001 - a daemon that does not answer says nothing of the sandbox
            look.add_done_callback(lambda done: done.cancelled() or done.exception())
            return None
        if state is None:
            return _GONE
        if state["Paused"]:
            return death.PAUSED
        return None if state["Running"] else _GONE

    async def autopsy(self) -> Death:
        # First of all: the counter goes when the container is removed, some 20 ms from now.
        self._ooms.read()
        await asyncio.wait({self._fate.died}, timeout=_LOOK_SECONDS)
        if self._fate.died.done():
            return self._how_it_ended()
        if self._fate.paused:
            return death.PAUSED
        return death.frozen_by_state(process_state(self._host_pid)) or death.STILL_RUNNING

    async def destroy(self) -> None:
        if self._destruction is None:
            self.connection.close()
            self._ooms.close()
            self._destruction = asyncio.create_task(
                self._backend.discard(self.name, self._endpoint)
            )
        await asyncio.shield(self._destruction)

    def _how_it_ended(self) -> Death:
        fate = self._fate
        oom = fate.oom or self._ooms.read() > 0
        return death.by_container_exit_code(fate.exit_code, oom=oom, killed=fate.killed)
