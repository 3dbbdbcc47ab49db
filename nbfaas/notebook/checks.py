"""The checks of ``%faas doctor``, each of one thing."""

from __future__ import annotations

import operator
import os
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

from nbfaas.agent.units import format_bytes, format_seconds
from nbfaas.backends.base import SandboxSpec
from nbfaas.model.function import FunctionOptions, FunctionVersion, Resources
from nbfaas.model.image import DEFAULT_RUNTIME, ImageSpec
from nbfaas.notebook.up_to_date import ready_service
from nbfaas.remote.function import RemoteFunction
from nbfaas.service import get_service, local_service
from nbfaas.settings import config

_LEAST_DISK = 2 * 1024**3
_LEAST_IPYKERNEL = (6, 29)
_ROUND_TRIPS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found, in one line, and what to do about it."""

    ok: bool
    detail: str
    fix: str = ""


def python() -> Finding:
    text = f"{platform.python_implementation()} {platform.python_version()}, {sys.executable}"
    return Finding(sys.implementation.name == "cpython", text, "use CPython 3.11 or later")


def kernel() -> Finding:
    try:
        found = version("ipykernel")
    except PackageNotFoundError:
        return Finding(True, "not installed (this is a terminal)")
    ok = tuple(int(part) for part in found.split(".")[:2]) >= _LEAST_IPYKERNEL
    return Finding(
        ok, f"ipykernel {found}, IPython {version('ipython')}", "pip install -U ipykernel"
    )


def docker() -> Finding:
    if config.backend == "process":
        return Finding(True, "not asked for: nbfaas.config.backend is 'process', without isolation")
    from nbfaas.backends.docker_facts import engine_facts

    facts = engine_facts()
    return Finding(
        True,
        f"Docker Engine {facts.version} at {facts.address}, storage {facts.storage}, "
        f"cgroup v{facts.cgroup_version}, {facts.cpus} cores, {format_bytes(facts.memory)}",
    )


def images() -> Finding:
    if config.backend == "process":
        return Finding(True, "not needed by the process backend")
    from nbfaas.backends.docker_facts import has_image
    from nbfaas.images.connect import connected

    with connected(config) as there:
        built = [image for image in there.list() if image.runtime == DEFAULT_RUNTIME]
    if current := [image.reference for image in built if image.current]:
        return Finding(True, f"runtime {DEFAULT_RUNTIME!r} is built: {current[0]}")
    base = config.base_image or f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"
    how = "is there" if has_image(base) else "is not there; this interpreter may be used"
    return Finding(
        True, f"runtime {DEFAULT_RUNTIME!r} will be built at first use; base {base} {how}"
    )


def backend() -> Finding:
    found = ready_service().backend
    if found.isolates:
        return Finding(True, f"{found.name}: functions are isolated")
    wanted = config.backend == "process"
    text = f"{found.name}: functions are NOT isolated from your files, network and processes"
    return Finding(wanted, text, "start Docker, then %faas stop --all")


def sandbox() -> Finding:
    service = local_service()
    backend = service.backend
    spec = SandboxSpec(ImageSpec(), Resources(memory=128 * 1024**2))

    async def start_one() -> float:
        await backend.prepare(spec.image)
        started = time.perf_counter()
        made = await backend.start(spec)
        took = time.perf_counter() - started
        await made.destroy()
        return took

    took = service.run(start_one())
    return Finding(took < config.start_timeout, f"started in {format_seconds(took)}, and removed")


class _Probe(RemoteFunction[[int], int]):
    """A function whose invocations are in no list, journal or metric."""

    def version(self) -> FunctionVersion:
        return replace(super().version(), recorded=False)


def round_trip() -> Finding:
    service = ready_service()
    function = _Probe(operator.pos, FunctionOptions(), "doctor")
    try:
        first = _seconds(function)
        rest = statistics.median(_seconds(function) for _ in range(_ROUND_TRIPS))
    finally:
        service.dispatcher.stop_idle("doctor")
    text = f"first call {format_seconds(first)}, then {format_seconds(rest)} (median)"
    return Finding(rest < 0.1, text, "is the machine overloaded?")


def _seconds(function: RemoteFunction[[int], int]) -> float:
    started = time.perf_counter()
    function.remote(1)
    return time.perf_counter() - started


def journal() -> Finding:
    found = ready_service().journal
    if found is None or not found.flush():
        why = found.notice if found is not None else "it could not be opened"
        fix = "set NBFAAS_DATA_DIR to a folder that can be written, and restart the kernel"
        return Finding(False, f"{config.data_dir}: {why}", fix)
    counts = found.counts()
    return Finding(True, f"{found.path}, {counts.total} invocations")


def disk() -> Finding:
    folder = config.data_dir
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    free = shutil.disk_usage(folder).free
    fix = (
        f"free some; %faas images lists what nbfaas has made, {format_bytes(_LEAST_DISK)} are good"
    )
    return Finding(free >= _LEAST_DISK, f"{format_bytes(free)} free at {folder}", fix)


def server() -> Finding:
    service = get_service()
    started = time.perf_counter()
    sandboxes = len(service.sandboxes())
    took = format_seconds(time.perf_counter() - started)
    backend = service.backend
    isolated = "" if backend.isolates else ", which does NOT isolate functions"
    return Finding(True, f"{backend.name}{isolated}: {sandboxes} sandboxes, answered in {took}")


ON_SERVER: dict[str, Callable[[], Finding]] = {
    "Python": python,
    "kernel": kernel,
    "server": server,
    "round trip": round_trip,
    "journal": journal,
}

ALL: dict[str, Callable[[], Finding]] = {
    "Python": python,
    "kernel": kernel,
    "Docker": docker,
    "images": images,
    "backend": backend,
    "sandbox": sandbox,
    "round trip": round_trip,
    "journal": journal,
    "disk space": disk,
}
