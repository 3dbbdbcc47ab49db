"""What a function in a container can reach: what it was given, and nothing else."""

import os
import secrets
import socket

import docker
import pytest
from waiting import until

from nbfaas import Volume, remote
from nbfaas.errors import VolumeError

pytestmark = [
    pytest.mark.docker,
    pytest.mark.usefixtures("service"),
    pytest.mark.parametrize("service", ["docker"], indirect=True),
]


@pytest.fixture
def named_volume(service):
    name = f"nbfaas-test-{secrets.token_hex(4)}"
    yield name
    service.dispatcher.stop_idle()
    client = docker.from_env()

    def removed():
        try:
            client.api.remove_volume(name)
        except docker.errors.NotFound:
            return True
        except docker.errors.APIError:  # a sandbox that is being removed still uses it
            return False
        return True

    until(removed)
    client.close()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o777)
    for parent in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    (folder / "in.txt").write_text("from the host")
    return folder


def read(path):
    with open(path) as file:
        return file.read()


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


# -- volumes


def test_a_named_volume_keeps_what_functions_put_into_it(service, named_volume):
    put = remote(volumes={"/data": named_volume})(write)
    get = remote(volumes={"/elsewhere": Volume("", named_volume, read_only=True)})(read)
    put.remote("/data/file", "kept")
    service.dispatcher.stop_idle()
    assert get.remote("/elsewhere/file") == "kept"
    with pytest.raises(OSError, match="Read-only"):
        remote(volumes={"/data": f"{named_volume}:ro"})(write).remote("/data/file", "no")


def test_a_folder_of_the_host_can_be_read_and_written(folder):
    volumes = {"/data": str(folder)}
    assert remote(volumes=volumes)(read).remote("/data/in.txt") == "from the host"
    remote(volumes=volumes)(write).remote("/data/out.txt", "from the sandbox")
    assert (folder / "out.txt").read_text() == "from the sandbox"


def test_a_folder_that_is_mounted_read_only_can_not_be_written_to(folder):
    volumes = {"/data": f"{folder}:ro"}
    assert remote(volumes=volumes)(read).remote("/data/in.txt") == "from the host"
    with pytest.raises(OSError, match="Read-only"):
        remote(volumes=volumes)(write).remote("/data/out.txt", "no")
    assert not (folder / "out.txt").exists()


def test_a_folder_that_is_not_there_is_an_error_that_says_how_to_make_it(tmp_path):
    with pytest.raises(VolumeError, match=r"/data.*missing.*mkdir -p"):
        remote(volumes={"/data": str(tmp_path / "missing")})(read).remote("/data/x")


# -- files and rights


def test_nothing_but_tmp_can_be_written_and_nothing_of_the_host_be_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")

    @remote
    def look():
        found = {"uid": os.getuid(), "secret": os.path.exists(secret)}
        for path in ("/file", "/usr/file", "/opt/nbfaas/file", "/run/nbfaas/file"):
            try:
                open(path, "w").close()
                found[path] = "written"
            except OSError as error:
                found[path] = type(error).__name__
        with open("/proc/self/status") as file:
            found["rights"] = [line for line in file if line.startswith(("CapEff", "NoNewPrivs"))]
        return found

    found = look.remote()
    assert found.pop("uid") != 0
    assert found.pop("secret") is False
    assert found.pop("rights") == ["CapEff:\t0000000000000000\n", "NoNewPrivs:\t1\n"]
    assert set(found.values()) <= {"OSError", "PermissionError"}


def test_tmp_has_the_size_that_was_asked_for_and_a_full_one_is_an_error():
    @remote(scratch="10MB", max_containers=1)
    def fill(megabytes):
        with open("/tmp/file", "wb") as file:
            for _ in range(megabytes):
                file.write(bytes(1 << 20))
        os.unlink("/tmp/file")
        size = os.statvfs("/tmp")
        return size.f_blocks * size.f_frsize

    assert fill.remote(5) == 10 << 20
    with pytest.raises(OSError, match="No space left"):
        fill.remote(50)


def test_cpu_and_memory_are_what_was_asked_for():
    @remote(cpu=0.5, memory="100MB")
    def limits():
        found = []
        for path in ("memory/memory.limit_in_bytes", "cpu/cpu.cfs_quota_us", "memory.max"):
            try:
                with open(f"/sys/fs/cgroup/{path}") as file:
                    found.append(file.read().strip())
            except OSError:
                continue
        return found

    assert str(100 << 20) in limits.remote()


def test_a_fork_bomb_is_stopped_by_the_limit_and_the_sandbox_is_of_use_again():
    @remote(max_containers=1, isolation="call", timeout=20)
    def bomb(most):
        children = 0
        try:
            while children < most:
                if os.fork() == 0:
                    import time

                    time.sleep(60)
                    os._exit(0)
                children += 1
        except OSError as error:
            return children, error.errno
        return children, None

    import errno

    children, why = bomb.remote(2000)
    assert why == errno.EAGAIN
    assert 100 < children < 260
    assert bomb.remote(0) == (0, None)


# -- network


def test_without_the_network_there_is_nothing_but_loopback():
    @remote
    def look(port):
        try:
            socket.create_connection(("172.17.0.1", port), timeout=2).close()
        except OSError as error:
            return [name for _, name in socket.if_nameindex()], type(error).__name__
        return "connected"

    assert look.remote(22) == (["lo"], "OSError")


def test_a_function_that_asks_for_the_network_has_one():
    @remote(network=True)
    def look():
        return sorted(name for _, name in socket.if_nameindex())

    assert look.remote() == ["eth0", "lo"]
