"""What a sandbox's container is created with, as the Docker Engine's API wants it. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from nbfaas.backends.base import SandboxSpec
from nbfaas.backends.endpoint import SOCKET_NAME
from nbfaas.backends.owner import Owner
from nbfaas.model.function import Resources, Volume

SOCKET_FOLDER = "/run/nbfaas"
AGENT = "/opt/nbfaas/nbfaas_agent.py"
OWNER_LABEL = "nbfaas.owner"
ROLE_LABEL = "nbfaas.role"
IMAGE_LABEL = "nbfaas.image"
SANDBOX_ROLE = "sandbox"
VOLUME_ROLE = "volume"
BUILD_ROLE = "build"
NETWORK_ROLE = "network"

_MB = 1024 * 1024
# Of the CFS bandwidth limit, in µs: the kernel's default and its maximum.
_PERIOD, _LONGEST_PERIOD = 100_000, 1_000_000
# What an agent takes of a core until it has run its first call (measured: 45 to 75 ms). With less
# in a period, a sandbox of cpu=0.125 would spend most of its start waiting for the next ones.
_START = 80_000
_SHARED_MEMORY = 64 * _MB
_OPEN_FILES = 1024


def limits(resources: Resources) -> dict[str, Any]:
    """The limits that can also be changed while a container runs. There is no swap beyond
    ``memory``. (A quota rather than NanoCpus: that refuses more cores than the machine has.) The
    period is so long that its quota lets an agent start, if that is possible."""
    period = min(_LONGEST_PERIOD, max(_PERIOD, round(_START / resources.cpu)))
    return {
        "Memory": resources.memory,
        "MemorySwap": resources.memory,
        "CpuPeriod": period,
        "CpuQuota": max(1000, round(resources.cpu * period)),
        "PidsLimit": resources.pids,
    }


def sandbox_config(
    spec: SandboxSpec,
    *,
    image: str,
    interpreter: str,
    name: str,
    owner: Owner,
    user: tuple[int, int],
    socket_folder: str,
    nonce: str,
    image_volumes: Sequence[str] = (),
) -> dict[str, Any]:
    """The container of one sandbox. ``socket_folder`` is on the host, ``interpreter`` in the image.
    It has no network: see ``DockerEngine.launch``. ``image_volumes`` are paths at which the image
    itself wants volumes: they get what /tmp has, since volumes are on the disk and have no limit.

    Else /tmp is the only place that can be written to, and files there may be executed, since some
    packages compile there; it counts towards the memory limit.
    """
    environment = {
        "HOME": "/tmp",  # noqa: S108 - the container's
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict(spec.image.env),
        "NBFAAS_SOCKET": f"{SOCKET_FOLDER}/{SOCKET_NAME}",
        "NBFAAS_NONCE": nonce,
    }
    tmp = f"rw,exec,nosuid,nodev,mode=1777,size={spec.resources.scratch}"
    mounted = {posixpath.normpath(volume.target) for volume in spec.volumes}
    wanted = {posixpath.normpath(f"/{path.lstrip('/')}") for path in image_volumes}
    uid, gid = user
    config = _confined(image, [interpreter, AGENT], owner, spec.resources)
    config.update(
        Hostname=name,
        User=f"{uid}:{gid}",
        WorkingDir="/tmp",  # noqa: S108
        Env=[f"{key}={value}" for key, value in environment.items()],
    )
    config["HostConfig"].update(
        NetworkMode="none",
        Tmpfs=dict.fromkeys(["/tmp", *sorted(wanted - mounted)], tmp),  # noqa: S108
        # Removed by the daemon when the agent exits: so even a killed kernel leaves nothing.
        AutoRemove=True,
        Mounts=[
            _bind(socket_folder, SOCKET_FOLDER, read_only=True),
            *(_mount(volume) for volume in spec.volumes),
        ],
    )
    return config


def volume_config(image: str, interpreter: str, volume: str, owner: Owner) -> dict[str, Any]:
    """The container that makes a new volume, which belongs to root, writable for every user."""
    code = "import os; os.chmod('/volume', 0o777)"
    config = _confined(image, [interpreter, "-c", code], owner, Resources())
    config["User"] = "0:0"
    config["HostConfig"].update(
        NetworkMode="none", Mounts=[_mount(Volume(target="/volume", source=volume))]
    )
    return config


def _confined(image: str, command: list[str], owner: Owner, resources: Resources) -> dict[str, Any]:
    return {
        "Image": image,
        "Entrypoint": command,
        "Cmd": [],
        "Healthcheck": {"Test": ["NONE"]},
        "Labels": {OWNER_LABEL: str(owner), ROLE_LABEL: SANDBOX_ROLE, IMAGE_LABEL: image},
        "HostConfig": {
            **limits(resources),
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "ReadonlyRootfs": True,
            "OomKillDisable": False,
            "Init": True,
            "IpcMode": "private",
            "ShmSize": _SHARED_MEMORY,
            "Ulimits": [
                {"Name": "nofile", "Soft": _OPEN_FILES, "Hard": _OPEN_FILES},
                {"Name": "core", "Soft": 0, "Hard": 0},
            ],
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
        },
    }


def _mount(volume: Volume) -> dict[str, Any]:
    if volume.is_host_folder:
        return _bind(volume.source, volume.target, read_only=volume.read_only)
    return {
        "Type": "volume",
        "Source": volume.source,
        "Target": volume.target,
        "ReadOnly": volume.read_only,
        # Without this an empty volume would take over owner and mode of the image's folder.
        "VolumeOptions": {"NoCopy": True},
    }


def _bind(source: str, target: str, *, read_only: bool) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": source,
        "Target": target,
        "ReadOnly": read_only,
        "BindOptions": {"Propagation": "rprivate"},
    }
