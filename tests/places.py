"""Both backends, each with the handles that a test needs to do it harm from outside."""

from __future__ import annotations

import asyncio
import os
import signal
from abc import ABC, abstractmethod
from pathlib import Path

from nbfaas.backends.base import Backend, Sandbox, SandboxSpec
from nbfaas.backends.docker import DockerBackend
from nbfaas.backends.docker_options import OWNER_LABEL
from nbfaas.backends.folders import runtime_root, scratch_root
from nbfaas.backends.owner import Owner
from nbfaas.backends.process import ProcessBackend
from nbfaas.images.builder import Images
from nbfaas.model.function import Resources
from nbfaas.model.image import ImageSpec
from nbfaas.settings import Settings

SPEC = SandboxSpec(ImageSpec(), Resources(memory=256 << 20))


class Place(ABC):
    """A backend, and what only a test would do to its sandboxes."""

    settings: Settings
    backend: Backend

    async def start(self, spec: SandboxSpec = SPEC) -> Sandbox:
        return await self.backend.start(spec)

    @abstractmethod
    def agent_pid(self, sandbox: Sandbox) -> int:
        """The agent's pid on this machine."""

    @abstractmethod
    def left(self, owner: Owner) -> list[str]:
        """What is there of the owner's: sandboxes and folders."""

    async def until_nothing_is_left(self, owner: Owner, seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while await asyncio.to_thread(self.left, owner):
                await asyncio.sleep(0.05)

    def stop_agent(self, sandbox: Sandbox) -> None:
        os.kill(self.agent_pid(sandbox), signal.SIGSTOP)

    def kill_agent(self, sandbox: Sandbox) -> None:
        os.kill(self.agent_pid(sandbox), signal.SIGKILL)


class ProcessPlace(Place):
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.backend = ProcessBackend(settings)

    def agent_pid(self, sandbox: Sandbox) -> int:
        return int(sandbox.id.removeprefix("process-"))

    def left(self, owner: Owner) -> list[str]:
        homes = os.fsencode(f"NBFAAS_SANDBOX={scratch_root() / owner.folder}/")
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if homes in path.read_bytes():
                    found.append(str(path))
            except OSError:
                continue
        return found + folders_of(owner)


class DockerPlace(Place):
    def __init__(self, settings: Settings) -> None:
        import docker

        self.settings = settings
        self.backend = DockerBackend(settings, lambda client: Images(client, settings))
        self.client = docker.from_env()

    def agent_pid(self, sandbox: Sandbox) -> int:
        init = self.client.api.inspect_container(sandbox.id)["State"]["Pid"]
        return int(Path(f"/proc/{init}/task/{init}/children").read_text().split()[0])

    def left(self, owner: Owner) -> list[str]:
        label = f"{OWNER_LABEL}={owner}"
        containers = self.client.api.containers(all=True, filters={"label": label})
        return [each["Id"] for each in containers] + folders_of(owner)


def folders_of(owner: Owner) -> list[str]:
    roots = {runtime_root(), scratch_root()}
    return [str(path) for root in roots for path in (root / owner.folder).glob("*")]
