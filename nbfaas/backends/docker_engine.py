"""The Docker Engine as the backend needs it: blocking calls, made from threads of its own."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbfaas.backends.docker_network import (
    ensure_network,
    is_missing_network,
    remove_unused_networks,
)
from nbfaas.backends.docker_options import (
    OWNER_LABEL,
    ROLE_LABEL,
    VOLUME_ROLE,
    volume_config,
)
from nbfaas.backends.owner import Owner
from nbfaas.errors import BackendUnavailable

if TYPE_CHECKING:
    import docker

_PING_SECONDS = 3
_CALL_SECONDS = 60
_REMOVE_SECONDS = 15
_LOG_BYTES = 64 * 1024
_LOCAL = "unix://"
_JOIN = "Join its group and log in again: sudo usermod -aG docker $USER"
_INSTALL = "Install Docker Engine, or run without isolation: nbfaas.config.backend = 'process'."


@dataclass(frozen=True, slots=True)
class Launched:
    """A container that was started. ``output``: what it writes, from its start on."""

    id: str
    output: Any


class DockerEngine:
    """A connection to a daemon on this machine. Methods block; any thread may call them."""

    def __init__(self, client: docker.DockerClient, info: dict[str, Any]) -> None:
        self.client = client
        self.api = client.api
        options = info.get("SecurityOptions") or []
        # Where the daemon maps users, a container's user has another number here.
        self.maps_users = any(o in ("name=userns", "name=rootless") for o in options)

    def __repr__(self) -> str:
        return f"<DockerEngine API {self.api.api_version}>"

    @classmethod
    def connect(cls) -> DockerEngine:
        """Connect within about three seconds. Raises ``BackendUnavailable``."""
        import docker

        host = _host()
        client = None
        try:
            _knock(host)
            client = docker.DockerClient(base_url=host, version="auto", timeout=_PING_SECONDS)
            info = client.info()
            if "Docker Desktop" in info.get("OperatingSystem", ""):
                raise _elsewhere("Docker Desktop runs containers in a machine of its own")
        except Exception as error:  # the SDK lets several libraries' errors through
            if client is not None:
                client.close()
            raise unavailable(error) from error
        client.api.timeout = _CALL_SECONDS
        return cls(client, info)

    def close(self) -> None:
        self.client.close()

    def launch(self, name: str, config: dict[str, Any], *, network: bool = False) -> Launched:
        """Create and start a container, in the sandboxes' ``network`` if it is to have one. When
        this raises, a container may be there."""
        if not network:
            return self._launch(name, config)
        host = config["HostConfig"]
        host["NetworkMode"] = ensure_network(self.api)
        try:
            return self._launch(name, config)
        except Exception as error:
            if not is_missing_network(error):
                raise
        # Another process has found it unused at that very moment.
        self.remove(name)
        host["NetworkMode"] = ensure_network(self.api)
        return self._launch(name, config)

    def _launch(self, name: str, config: dict[str, Any]) -> Launched:
        container = self.api.create_container_from_config(config, name)["Id"]
        output = self.api.attach_socket(container, {"stdout": 1, "stderr": 1, "stream": 1})
        try:
            self.api.start(container)
        except BaseException:
            close_output(output)
            raise
        return Launched(container, output)

    def update(self, container: str, limits: dict[str, Any]) -> None:
        # The SDK's own update_container knows no pids limit.
        url = self.api._url("/containers/{0}/update", container)
        self.api._result(self.api._post_json(url, data=limits), True)

    def state(self, container: str) -> dict[str, Any] | None:
        """The State of its inspection; None if there is no such container."""
        import docker.errors

        try:
            state: dict[str, Any] = self.api.inspect_container(container)["State"]
        except docker.errors.NotFound:
            return None
        return state

    def remove(self, name: str) -> bool:
        """Kill and remove a container; return whether it is known to be gone. Never raises."""
        import docker.errors

        deadline = time.monotonic() + _REMOVE_SECONDS
        while time.monotonic() < deadline:
            try:
                self.api.remove_container(name, v=True, force=True)
                return True
            except docker.errors.NotFound:
                return True
            except Exception:  # noqa: BLE001 - being removed already (409), or the daemon restarts
                time.sleep(0.02)
        return False

    def remove_unused_networks(self) -> None:
        """Those of sandboxes that nothing is connected to."""
        remove_unused_networks(self.api)

    def owned(self) -> list[tuple[str, str]]:
        """Id and owner label of every container on this machine that was made for a sandbox, or
        while an image was built, in whatever state."""
        found = self.api.containers(all=True, filters={"label": OWNER_LABEL})
        return [(each["Id"], each["Labels"].get(OWNER_LABEL, "")) for each in found]

    def ensure_volume(self, name: str, image: str, interpreter: str, owner: Owner) -> None:
        """Create the named volume, writable for every user, unless there is one."""
        import docker.errors

        try:
            self.api.inspect_volume(name)
            return
        except docker.errors.NotFound:
            self.api.create_volume(name, labels={ROLE_LABEL: VOLUME_ROLE})
        container = None
        try:
            config = volume_config(image, interpreter, name, owner)
            container = self.api.create_container_from_config(config)["Id"]
            self.api.start(container)
            status = self.api.wait(container)["StatusCode"]
            if status:
                raise docker.errors.APIError(f"making volume {name} writable ended with {status}")
        except BaseException:
            if container is not None:
                self.remove(container)
            self.api.remove_volume(name)
            raise
        self.remove(container)


def close_output(output: Any) -> None:
    """Close what ``attach_socket`` returned, through the response that holds it, if one does."""
    getattr(output, "_response", output).close()


def read_output(output: Any, seconds: float) -> str:
    """What the container has written; waits for its end for some seconds, if it is ending."""
    sock = socket.socket(fileno=os.dup(output.fileno()))
    received = bytearray()
    deadline = time.monotonic() + seconds
    with sock, contextlib.suppress(OSError):  # a timeout is one, too
        while len(received) < _LOG_BYTES:
            sock.settimeout(max(0.01, deadline - time.monotonic()))
            data = sock.recv(_LOG_BYTES)
            if not data:
                break
            received += data
    return b"".join(_chunks(bytes(received))).decode(errors="replace")


def _host() -> str:
    """Where the daemon listens: DOCKER_HOST, or what Docker's current context says."""
    host = os.environ.get("DOCKER_HOST", "")
    if not host:
        from docker.context import ContextAPI

        context = ContextAPI.get_current_context()
        host = str(context.Host if context is not None else "")
    host = host.replace("http+unix://", _LOCAL)
    if not host.startswith(_LOCAL):
        raise _elsewhere(f"Docker is set to the daemon at {host or 'an unknown place'}")
    return host


def _knock(host: str) -> None:
    # The SDK wraps what goes wrong here in several layers, and forgets a socket.
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(_PING_SECONDS)
        sock.connect(host.removeprefix(_LOCAL))


def unavailable(error: Exception) -> BackendUnavailable:
    """Why the daemon does not answer, from what the SDK raised, and what to do about it."""
    if isinstance(error, BackendUnavailable):
        return error
    numbers = {e.errno for e in _causes(error) if isinstance(e, OSError)}
    host = os.environ.get("DOCKER_HOST")
    if errno.EACCES in numbers:
        reason, fix = "you may not use the Docker socket", _JOIN
    elif errno.ENOENT in numbers:
        reason, fix = "there is no Docker socket", _INSTALL
    elif errno.ECONNREFUSED in numbers:
        reason, fix = "the Docker daemon is not running", "Start it: sudo systemctl start docker"
    elif any("timed out" in str(e) for e in _causes(error)):
        reason = f"the Docker daemon did not answer within {_PING_SECONDS} s"
        fix = "Look at it: sudo systemctl status docker"
    else:
        reason, fix = str(error), _INSTALL
    if host:
        reason += f" (DOCKER_HOST is {host!r})"
        fix = f"Correct or unset DOCKER_HOST. {fix}"
    return BackendUnavailable("docker", reason, fix)


def _elsewhere(how: str) -> BackendUnavailable:
    return BackendUnavailable(
        "docker",
        f"{how}, but sandboxes call back through a Unix socket, which does not reach another "
        "machine",
        "Unset DOCKER_HOST and use a Docker Engine on this machine, or run without isolation: "
        "nbfaas.config.backend = 'process'.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all it wraps: urllib3 and requests put causes among their arguments."""
    todo, seen = [error], set[int]()
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        todo += [each for each in inner if isinstance(each, BaseException)]


def _chunks(stream: bytes) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(stream):
        (size,) = struct.unpack_from(">L", stream, at + 4)
        yield stream[at + 8 : at + 8 + size]
        at += 8 + size
