"""The process backend: sandboxes that are processes of this machine, **not isolated** from it.

For machines without Docker, and for tests. A sandbox is a child process in a session and a home
folder of its own, run by this very interpreter. What differs from containers:

- files, network and other processes of the machine can be reached; ``network=False``, ``cpu``,
  ``pids`` and ``scratch`` are not enforced;
- ``memory`` is checked ten times a second, for each process, so it can be exceeded for a moment;
- images mean nothing: packages are those of this interpreter (environment variables and local
  sources are honoured); volumes are refused, except folders mounted at their own path, which are
  there anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbfaas.agent
from nbfaas.agent.wire import WireError
from nbfaas.backends import death, process_bootstrap
from nbfaas.backends.base import Backend, Death, Sandbox, SandboxSpec
from nbfaas.backends.endpoint import BODY_MARGIN, Endpoint, Greeting
from nbfaas.backends.folders import (
    owner_folder,
    remove_if_empty,
    runtime_root,
    scratch_root,
    sweep_folders,
)
from nbfaas.backends.owner import Owner, process_state
from nbfaas.backends.process_tree import (
    HOME_VARIABLE,
    kill_orphans,
    kill_sandbox,
    largest_memory,
)
from nbfaas.errors import SandboxStartFailed, VolumeError
from nbfaas.model.function import Resources
from nbfaas.model.image import ImageSpec
from nbfaas.settings import Settings

_WATCH_SECONDS = 0.1
_LOG_BYTES = 64 * 1024
_IMPORT_FOLDER = str(Path(nbfaas.agent.__file__).parents[2])


class ProcessBackend(Backend):
    """Starts agents as child processes."""

    name = "process"
    isolates = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._owner = Owner.current()
        self._sandboxes: set[ProcessSandbox] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<ProcessBackend {len(self._sandboxes)} sandboxes, not isolated>"

    async def open(self) -> None:
        await self.sweep()

    async def prepare(self, image: ImageSpec) -> None:
        """Nothing to do: functions run in this interpreter."""

    async def start(self, spec: SandboxSpec) -> Sandbox:
        elsewhere = [volume for volume in spec.volumes if volume.source != volume.target]
        if elsewhere:
            raise VolumeError(
                elsewhere[0].target,
                "the process backend has no volumes",
                "Use the docker backend (nbfaas.config.backend = 'docker'), or use the folder "
                "itself by its own path.",
            )
        child = _Child(self._owner, spec, self._settings)
        try:
            greeting = await child.endpoint.greeting(child.ended, self._settings.start_timeout)
            if greeting is None:
                raise SandboxStartFailed(str(spec.image), child.why_it_did_not_call(), child.log())
        except WireError as error:
            await asyncio.shield(child.destroy())
            raise SandboxStartFailed(str(spec.image), str(error)) from error
        except BaseException:
            await asyncio.shield(child.destroy())
            raise
        sandbox = ProcessSandbox(spec, child, greeting, self._sandboxes.discard)
        self._sandboxes.add(sandbox)
        if self._timer is None:
            self._watch()
        return sandbox

    async def sweep(self) -> int:
        def blocking() -> int:
            killed = kill_orphans(scratch_root())
            sweep_folders()
            return killed

        return await asyncio.to_thread(blocking)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for root in (runtime_root(), scratch_root()):
            remove_if_empty(root / self._owner.folder)

    def _watch(self) -> None:
        """One timer for all sandboxes; it ends with the last one."""
        self._timer = None
        for sandbox in self._sandboxes:
            sandbox.check_memory()
        if self._sandboxes:
            self._timer = asyncio.get_running_loop().call_later(_WATCH_SECONDS, self._watch)


class ProcessSandbox(Sandbox):
    """An agent in a child process."""

    def __init__(
        self,
        spec: SandboxSpec,
        child: _Child,
        greeting: Greeting,
        forget: Callable[[ProcessSandbox], None],
    ) -> None:
        self.id = f"process-{child.pid}"
        self.spec = spec
        self.connection = greeting.connection
        self.hello = greeting.hello
        self._child = child
        self._forget = forget
        self._memory = spec.resources.memory
        self._oom = False
        self._destruction: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<ProcessSandbox {self.id} {self._child!r} {self.connection!r}>"

    async def resize(self, resources: Resources) -> None:
        """Only ``memory`` has an effect."""
        if resources.scratch != self.spec.resources.scratch:
            raise ValueError("the scratch size of a sandbox can't be changed")
        self._memory = resources.memory

    async def probe(self) -> Death | None:
        if self._child.ended.done():
            return self._how_it_ended()
        return death.frozen_by_state(process_state(self._child.pid))

    async def autopsy(self) -> Death:
        await asyncio.wait({self._child.ended}, timeout=1.5)
        if self._child.ended.done():
            return self._how_it_ended()
        return death.frozen_by_state(process_state(self._child.pid)) or death.STILL_RUNNING

    async def destroy(self) -> None:
        if self._destruction is None:
            self._forget(self)
            self.connection.close()
            self._destruction = asyncio.create_task(self._child.destroy())
        await asyncio.shield(self._destruction)

    def check_memory(self) -> None:
        """Kill the sandbox if one of its processes is above the memory limit."""
        if not self._oom and largest_memory(self._child.pid) > self._memory:
            self._oom = True
            self._child.kill()

    def _how_it_ended(self) -> Death:
        status = self._child.status()
        if status < 0:
            return death.by_signal(-status, oom=self._oom)
        return death.by_exit_code(status)


class _Child:
    """The child process with its socket, its home folder and what it writes before HELLO."""

    def __init__(self, owner: Owner, spec: SandboxSpec, settings: Settings) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = settings.start_timeout
        homes = owner_folder(scratch_root(), owner)
        self.endpoint = Endpoint(
            owner_folder(runtime_root(), owner),
            uid=os.getuid(),
            max_body=settings.result_limit + BODY_MARGIN,
        )
        self._home = Path(tempfile.mkdtemp(prefix="home-", dir=homes))
        self._output, write_end = os.pipe()
        os.set_blocking(self._output, False)
        command = [sys.executable, "-P", process_bootstrap.__file__, str(os.getpid())]
        try:
            self._process = subprocess.Popen(
                [*command, _IMPORT_FOLDER],
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                cwd=self._home,
                env=self._environment(spec.image),
                start_new_session=True,
            )
        except OSError as error:
            self.endpoint.close()
            os.close(self._output)
            shutil.rmtree(self._home, ignore_errors=True)
            raise SandboxStartFailed(str(spec.image), f"{sys.executable}: {error}") from error
        finally:
            os.close(write_end)
        self.pid = self._process.pid
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._has_ended)

    def __repr__(self) -> str:
        return f"<process {self.pid} {process_state(self.pid) or 'gone'}>"

    def status(self) -> int:
        """How it ended: an exit code, or a signal's number, negative. Only once it has ended."""
        # It is not reaped before ``destroy``: until then its pid can't become another's.
        info = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        assert info is not None
        return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status

    def why_it_did_not_call(self) -> str:
        if self.ended.done():
            status = self.status()
            how = f"by signal {-status}" if status < 0 else f"with exit code {status}"
            return f"its process ended {how} before it was ready"
        return f"its process was not ready within {self._timeout:g} s"

    def log(self) -> str:
        """What it has written to stdout and stderr."""
        try:
            return os.read(self._output, _LOG_BYTES).decode(errors="replace")
        except BlockingIOError:
            return ""

    def kill(self) -> None:
        """Kill the session; what has left the session is killed by ``destroy``."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    async def destroy(self) -> None:
        """Kill it and its descendants, and remove its folders."""
        self.endpoint.close()
        self.kill()
        await self.ended
        os.close(self._output)
        await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        kill_sandbox(self.pid, self._home)
        self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def _has_ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self.ended.set_result(None)

    def _environment(self, image: ImageSpec) -> dict[str, str]:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            "HOME": str(self._home),
            "TMPDIR": str(self._home),
            "PYTHONDONTWRITEBYTECODE": "1",
            **dict(image.env),
            HOME_VARIABLE: str(self._home),
            "NBFAAS_SOCKET": str(self.endpoint.path),
            "NBFAAS_NONCE": self.endpoint.nonce,
        }
        if image.python_sources:
            folders = dict.fromkeys(os.path.dirname(path) for path in image.python_sources)
            environment["PYTHONPATH"] = os.pathsep.join(folders)
        return environment
