"""The stock: sandboxes that were started before anybody asked for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nbfaas.agent import wire
from nbfaas.backends.base import Backend, Sandbox, SandboxSpec
from nbfaas.errors import NbfaasError
from nbfaas.model.function import Resources
from nbfaas.model.image import ImageSpec


class Stock:
    """Prewarmed sandboxes, ``size`` for each image in use, with the default resources.

    A sandbox leaves the stock for good when it is taken: it is given a function and never returns.
    ``dispose`` is called with those that have waited too long.
    """

    def __init__(
        self,
        backend: Backend,
        size: Callable[[], int],
        dispose: Callable[[Sandbox], None],
        changed: Callable[[Sandbox, str], None],
    ) -> None:
        self._backend = backend
        self._size = size
        self._dispose = dispose
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._ready: dict[ImageSpec, list[Sandbox]] = {}
        self._starting: dict[ImageSpec, list[asyncio.Task[Sandbox]]] = {}
        self._used_at: dict[ImageSpec, float] = {}

    def __repr__(self) -> str:
        ready = sum(map(len, self._ready.values()))
        starting = sum(map(len, self._starting.values()))
        return f"<Stock {ready} ready, {starting} starting>"

    @staticmethod
    def holds(spec: SandboxSpec) -> bool:
        """Whether such a sandbox can come from the stock: mounts, network and the size of /tmp are
        fixed at start."""
        fixed = spec.volumes or spec.network or spec.resources.scratch != Resources().scratch
        return not fixed

    def sandboxes(self) -> list[Sandbox]:
        return [sandbox for ready in self._ready.values() for sandbox in ready]

    def take(self, image: ImageSpec) -> Sandbox | None:
        """A ready sandbox, the one that has waited longest; None if there is none."""
        self._used_at[image] = self._loop.time()
        ready = self._ready.get(image)
        return ready.pop(0) if ready else None

    def take_starting(self, image: ImageSpec) -> asyncio.Task[Sandbox] | None:
        """One that is being started: sooner there than another start would be."""
        starting = self._starting.get(image)
        return starting.pop(0) if starting else None

    def refill(self, image: ImageSpec) -> None:
        """Start what is missing, in the background."""
        self._used_at.setdefault(image, self._loop.time())
        ready = self._ready.setdefault(image, [])
        starting = self._starting.setdefault(image, [])
        for _ in range(self._size() - len(ready) - len(starting)):
            spec = SandboxSpec(image, Resources())
            task = self._loop.create_task(self._backend.start(spec), name="nbfaas-prewarm")
            starting.append(task)
            task.add_done_callback(lambda task: self._started(image, task))

    def forget(self, image: ImageSpec) -> None:
        """Nothing can be started from the image: no more attempts until somebody asks for it."""
        if not self._ready.get(image):
            self._used_at.pop(image, None)

    def images(self) -> list[ImageSpec]:
        return list(self._used_at)

    def expire(self, now: float, keep_alive: float) -> None:
        """Let go of the sandboxes of images that nobody has used for ``keep_alive`` seconds."""
        for image, used_at in list(self._used_at.items()):
            if now - used_at >= keep_alive:
                del self._used_at[image]
                for sandbox in self._ready.pop(image, []):
                    self._dispose(sandbox)

    async def close(self) -> None:
        """Dispose of everything, also of what is still being started."""
        starting = [task for tasks in self._starting.values() for task in tasks]
        self._starting.clear()
        for task in starting:
            task.cancel()
        for outcome in await asyncio.gather(*starting, return_exceptions=True):
            if isinstance(outcome, Sandbox):
                self._dispose(outcome)
        for sandbox in self.sandboxes():
            self._dispose(sandbox)
        self._ready.clear()

    def _started(self, image: ImageSpec, task: asyncio.Task[Sandbox]) -> None:
        starting = self._starting.get(image, [])
        if task not in starting:
            return  # somebody took it while it started, or the stock was closed
        starting.remove(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            # Nobody waits for this one; whoever asks next gets the error from a start of its own.
            self.forget(image)
            if not isinstance(error, NbfaasError):
                self._loop.call_exception_handler(
                    {"message": "prewarming a sandbox failed", "exception": error}
                )
            return
        self._keep(image, task.result())

    def _keep(self, image: ImageSpec, sandbox: Sandbox) -> None:
        self._used_at.setdefault(image, self._loop.time())
        ready = self._ready.setdefault(image, [])

        def lost(_: Exception | None) -> None:
            if sandbox in ready:
                ready.remove(sandbox)
                self._changed(sandbox, "lost while it waited")
                self._dispose(sandbox)

        sandbox.connection.on_lost = lost
        sandbox.connection.on_frame = lambda frame: lost(wire.WireError("spoke unasked"))
        ready.append(sandbox)
        self._changed(sandbox, "")
