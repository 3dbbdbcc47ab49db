"""The docker backend: sandboxes that are hardened containers of a Docker Engine on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from nbfaas.agent.wire import WireError
from nbfaas.backends.base import Backend, Sandbox, SandboxSpec
from nbfaas.backends.docker_engine import (
    DockerEngine,
    Launched,
    close_output,
    read_output,
    unavailable,
)
from nbfaas.backends.docker_events import EventStream
from nbfaas.backends.docker_options import sandbox_config
from nbfaas.backends.docker_sandbox import DockerSandbox
from nbfaas.backends.docker_volumes import choose_user, look_at
from nbfaas.backends.endpoint import BODY_MARGIN, Endpoint, Greeting
from nbfaas.backends.folders import owner_folder, remove_if_empty, runtime_root, sweep_folders
from nbfaas.backends.host_threads import HostThreads
from nbfaas.backends.owner import Owner
from nbfaas.errors import NbfaasError, SandboxStartFailed
from nbfaas.model.image import ImageSpec
from nbfaas.settings import Settings

if TYPE_CHECKING:
    from nbfaas.images.built import BuiltImage

T = TypeVar("T")
# A start is some 200 ms of the daemon's work and waiting. (Measured: 16 at once start 1.6 times as
# many in a second as 4 at once, on two cores; more are not faster.)
_CALLS_AT_ONCE = 16
_BUILDS_AT_ONCE = 2


class ImageSource(Protocol):
    """``nbfaas.images.Images``, as far as it is needed here."""

    def ensure(self, spec: ImageSpec) -> BuiltImage: ...


class DockerBackend(Backend):
    """Starts agents in containers.

    ``make_images`` is given the SDK's client and returns the source of images.
    """

    name = "docker"
    isolates = True

    def __init__(self, settings: Settings, make_images: Callable[[Any], ImageSource]) -> None:
        self._settings = settings
        self._make_images = make_images
        self._owner = Owner.current()
        self._engine: DockerEngine | None = None
        self._calls = HostThreads(_CALLS_AT_ONCE, "nbfaas-docker")
        self._builds = HostThreads(_BUILDS_AT_ONCE, "nbfaas-images")
        self._ensuring: dict[ImageSpec, asyncio.Future[BuiltImage]] = {}
        self._volume_lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<DockerBackend {self._engine or 'closed'}>"

    async def open(self) -> None:
        self._engine = await self.call(DockerEngine.connect)
        self._images = await self.call(self._make_images, self._engine.client)
        loop = asyncio.get_running_loop()
        self.events = EventStream(self._engine.api, self._owner, loop)
        await self.call(self.events.open)
        await self.sweep()

    @property
    def engine(self) -> DockerEngine:
        assert self._engine is not None, "open() comes first"
        return self._engine

    async def prepare(self, image: ImageSpec) -> None:
        await self._ensure(image)

    async def start(self, spec: SandboxSpec) -> Sandbox:
        built = await self._ensure(spec.image)
        folders = look_at(spec.volumes)
        user = choose_user((os.getuid(), os.getgid()), folders)
        await self._ensure_volumes(spec, built)
        endpoint = Endpoint(
            owner_folder(runtime_root(), self._owner),
            uid=None if self.engine.maps_users else user[0],
            max_body=self._settings.result_limit + BODY_MARGIN,
        )
        name = f"nbfaas-{endpoint.token}"
        config = sandbox_config(
            spec,
            image=built.reference,
            interpreter=built.interpreter,
            name=name,
            owner=self._owner,
            user=user,
            socket_folder=str(endpoint.folder),
            nonce=endpoint.nonce,
            image_volumes=built.volumes,
        )
        try:
            launched, greeting = await self._launch(name, config, endpoint, built, spec.network)
        except BaseException:
            await asyncio.shield(self.discard(name, endpoint))
            raise
        return DockerSandbox(self, spec, launched, name, endpoint, greeting)

    async def sweep(self) -> int:
        def blocking() -> int:
            removed = 0
            for container, label in self.engine.owned():
                owner = Owner.parse(label)
                if owner is not None and not owner.is_alive():
                    removed += self.engine.remove(container)
            self.engine.remove_unused_networks()
            sweep_folders()
            return removed

        return await self.call(blocking)

    async def close(self) -> None:
        if self._engine is not None:
            await self.call(self.events.close)
            await self.call(self.engine.remove_unused_networks)
            await self.call(self._engine.close)
            self._engine = None
        self._calls.shutdown(wait=True)
        self._builds.shutdown(wait=False, cancel_futures=True)
        remove_if_empty(runtime_root() / self._owner.folder)

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a blocking call of the daemon in a thread. When cancelled, the call is waited for
        all the same, so that afterwards it is known what is there."""
        future = asyncio.get_running_loop().run_in_executor(self._calls, function, *args)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            while not future.done():
                try:
                    await asyncio.wait({future})
                except asyncio.CancelledError:
                    continue
            future.cancelled() or future.exception()  # not to be reported as forgotten
            raise

    async def discard(self, name: str, endpoint: Endpoint) -> None:
        """Remove every trace of a sandbox."""
        await self.call(self.engine.remove, name)
        endpoint.close()
        self.events.forget(name)

    async def _launch(
        self,
        name: str,
        config: dict[str, Any],
        endpoint: Endpoint,
        built: BuiltImage,
        network: bool,
    ) -> tuple[Launched, Greeting]:
        fate = self.events.follow(name)
        launched: list[Launched] = []
        seconds = self._settings.start_timeout
        try:
            await self.call(
                lambda: launched.append(self.engine.launch(name, config, network=network))
            )
            greeting = await endpoint.greeting(fate.died, seconds)
            if greeting is not None:
                return launched[0], greeting
            reason = f"its agent did not call in within {seconds:g} s"
            if fate.died.done():
                reason = f"its container ended with exit code {fate.exit_code} before it was ready"
            log = await self.call(read_output, launched[0].output, 1.0 if fate.died.done() else 0.1)
            raise SandboxStartFailed(built.runtime, reason, log)
        except NbfaasError:
            raise
        except WireError as error:
            raise SandboxStartFailed(built.runtime, str(error)) from error
        except Exception as error:
            raise _start_failed(built, error) from error
        finally:
            for each in launched:
                close_output(each.output)

    async def _ensure(self, image: ImageSpec) -> BuiltImage:
        """The image; one thread looks for it, and builds it, for all who wait at the moment. (No
        longer: local sources that it holds may change.)"""
        pending = self._ensuring.get(image)
        if pending is None:
            pending = asyncio.get_running_loop().run_in_executor(
                self._builds, self._images.ensure, image
            )
            self._ensuring[image] = pending
            pending.add_done_callback(lambda done: self._ensured(image, done))
        return await asyncio.shield(pending)

    def _ensured(self, image: ImageSpec, done: asyncio.Future[BuiltImage]) -> None:
        del self._ensuring[image]
        done.cancelled() or done.exception()  # all who waited may have been cancelled

    async def _ensure_volumes(self, spec: SandboxSpec, built: BuiltImage) -> None:
        for volume in spec.volumes:
            if not volume.is_host_folder:
                async with self._volume_lock:
                    await self.call(
                        self.engine.ensure_volume,
                        volume.source,
                        built.reference,
                        built.interpreter,
                        self._owner,
                    )


def _start_failed(built: BuiltImage, error: Exception) -> NbfaasError:
    """What the SDK raised, as an error of ours."""
    import docker.errors

    if isinstance(error, docker.errors.APIError):
        return SandboxStartFailed(built.runtime, f"Docker says: {error.explanation or error}")
    if isinstance(error, OSError):  # requests' errors are OSErrors
        return unavailable(error)
    return SandboxStartFailed(built.runtime, repr(error))
