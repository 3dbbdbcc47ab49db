"""A container's confinement: as Docker was told, and as a function inside finds it."""

import asyncio
from dataclasses import replace

import pytest
from places import SPEC
from talk import Failed, Talk

from nbfaas.backends.base import SandboxSpec
from nbfaas.backends.docker_options import OWNER_LABEL, ROLE_LABEL
from nbfaas.backends.owner import Owner
from nbfaas.images.builder import Images
from nbfaas.model.function import Resources
from nbfaas.model.image import ImageSpec

pytestmark = pytest.mark.docker

MB = 1 << 20
PROBE = """
import os, resource

def status():
    with open("/proc/self/status") as file:
        return dict(line.strip().split(":\\t", 1) for line in file if ":\\t" in line)

def tried(function, *args):
    try:
        return function(*args)
    except OSError as error:
        return error.strerror

def limit():
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        if os.path.exists(path):
            return int(open(path).read())

def handler(event, context):
    tmp, shm = os.statvfs("/tmp"), os.statvfs("/dev/shm")
    return {
        "status": status(),
        "ids": (os.getuid(), os.getgid(), os.getgroups()),
        "root": tried(open, "/mine", "w"),
        "etc": tried(open, "/etc/passwd", "a"),
        "agent": tried(open, "/opt/nbfaas/nbfaas_agent.py", "a"),
        "read_only": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
        "tmp": tmp.f_blocks * tmp.f_frsize,
        "tmp_flags": (bool(tmp.f_flag & os.ST_NOSUID), bool(tmp.f_flag & os.ST_NODEV)),
        "tmp_noexec": bool(tmp.f_flag & os.ST_NOEXEC),
        "shm": shm.f_blocks * shm.f_frsize,
        "interfaces": sorted(os.listdir("/sys/class/net")),
        "memory": limit(),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "run": os.listdir("/run/nbfaas"),
        "run_write": tried(open, "/run/nbfaas/agent.sock", "w"),
        "run_remount": tried(os.rename, "/run/nbfaas", "/run/other"),
        "docker": [p for p in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(p)],
        "init": open("/proc/1/cmdline").read(),
        "setuid": tried(os.setuid, 0),
        "chroot": tried(os.chroot, "/tmp"),
        "mknod": tried(os.mknod, "/tmp/null", 0o20666, os.makedev(1, 3)),
        "processes": sum(name.isdigit() for name in os.listdir("/proc")),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
    }
"""


@pytest.fixture
async def sandbox(place):
    sandbox = await place.start()
    yield sandbox
    await sandbox.destroy()


async def inspected(place, sandbox):
    return await asyncio.to_thread(place.client.api.inspect_container, sandbox.id)


@pytest.fixture
async def image_with_a_volume(place):
    """The id of a function's image, as somebody may have pushed it, that wants a volume."""
    built = await asyncio.to_thread(Images(place.client, place.settings).ensure, SPEC.image)

    def commit() -> str:
        container = place.client.containers.create(built.image_id, "none")
        try:
            return container.commit(changes="VOLUME /kept").id
        finally:
            container.remove()

    image = await asyncio.to_thread(commit)
    yield image
    await asyncio.to_thread(place.client.images.remove, image, force=True)


async def test_a_volume_that_the_image_wants_is_in_memory(place, image_with_a_volume):
    sandbox = await place.start(replace(SPEC, image=ImageSpec("function", image_with_a_volume)))
    try:
        found = await inspected(place, sandbox)
        assert [each["Destination"] for each in found["Mounts"]] == ["/run/nbfaas"]
        assert found["HostConfig"]["Tmpfs"].keys() == {"/tmp", "/kept"}
    finally:
        await sandbox.destroy()


async def test_docker_was_told_every_restriction(place, sandbox):
    found = await inspected(place, sandbox)
    host, config = found["HostConfig"], found["Config"]
    assert host["NetworkMode"] == "none"
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Privileged"] is False
    assert host["ReadonlyRootfs"] is True
    assert host["Tmpfs"].keys() == {"/tmp"}
    assert "size=268435456" in host["Tmpfs"]["/tmp"]
    assert host["Memory"] == host["MemorySwap"] == 256 * MB
    assert (host["CpuPeriod"], host["CpuQuota"]) == (100_000, 100_000)
    assert host["PidsLimit"] == 256
    assert not host["OomKillDisable"]
    assert host["Init"] is True
    assert host["AutoRemove"] is True
    assert host["IpcMode"] == "private"
    assert host["PidMode"] == host["UTSMode"] == host["UsernsMode"] == ""
    assert host["ShmSize"] == 64 * MB
    assert {u["Name"]: (u["Soft"], u["Hard"]) for u in host["Ulimits"]} == {
        "nofile": (1024, 1024),
        "core": (0, 0),
    }
    assert host["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "1m", "max-file": "1"},
    }
    assert not host["Binds"]
    assert not host["Devices"]
    mounts = [(m["Type"], m["Destination"], m["RW"]) for m in found["Mounts"]]
    assert mounts == [("bind", "/run/nbfaas", False)]
    assert config["User"] not in ("", "0", "root", "0:0")
    assert config["WorkingDir"] == "/tmp"
    assert config["Labels"][ROLE_LABEL] == "sandbox"
    assert Owner.parse(config["Labels"][OWNER_LABEL]) == Owner.current()
    assert config["Labels"]["nbfaas.image"] == config["Image"]
    assert found["Name"] == f"/{sandbox.name}"
    assert config["Hostname"] == sandbox.name
    assert sandbox.name.startswith("nbfaas-")


async def test_a_function_finds_itself_confined(sandbox):
    talk = Talk(sandbox)
    await talk.load(PROBE)
    found = await talk.call()
    status = found["status"]
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[capabilities], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    uid, gid, groups = found["ids"]
    assert uid != 0
    assert gid != 0
    assert 0 not in groups
    assert found["read_only"]
    refused = ("Read-only file system", "Permission denied")
    assert {found["root"], found["etc"], found["agent"]} <= set(refused)
    assert found["tmp"] == 256 * MB
    assert found["tmp_flags"] == (True, True)
    assert found["tmp_noexec"] is False
    assert found["shm"] == 64 * MB
    assert found["interfaces"] == ["lo"]
    assert found["memory"] == 256 * MB
    assert list(found["files"]) == [1024, 1024]
    assert list(found["core"]) == [0, 0]
    assert found["run"] == []
    assert found["run_write"] in refused
    assert isinstance(found["run_remount"], str)
    assert found["docker"] == []
    assert "init" in found["init"]
    for forbidden in ("setuid", "chroot", "mknod"):
        assert found[forbidden] == "Operation not permitted"
    assert found["processes"] == 2
    assert found["folder"] == found["environment"]["HOME"] == "/tmp"
    assert not [name for name in found["environment"] if name.startswith("NBFAAS_")]


async def test_more_processes_than_allowed_can_t_be_started(place):
    spec = SandboxSpec(SPEC.image, Resources(memory=256 * MB, pids=20))
    sandbox = await place.start(spec)
    fork = (
        "import os, signal, time\n"
        "children = []\n"
        "try:\n"
        "    for _ in range(100):\n"
        "        child = os.fork()\n"
        "        if not child:\n"
        "            time.sleep(60)\n"
        "            os._exit(0)\n"
        "        children.append(child)\n"
        "except OSError:\n"
        "    pass\n"
        "for child in children:\n"
        "    os.kill(child, signal.SIGKILL)\n"
        "    os.waitpid(child, 0)\n"
        "return len(children)"
    )
    assert 5 < await Talk(sandbox).run(fork) < 20
    await sandbox.destroy()


async def test_tmp_takes_no_more_than_its_size(place):
    spec = SandboxSpec(SPEC.image, Resources(memory=256 * MB, scratch=8 * MB))
    sandbox = await place.start(spec)
    with pytest.raises(Failed, match="No space left"):
        await Talk(sandbox).run("open('/tmp/x', 'wb').write(bytes(16 << 20))")
    await sandbox.destroy()


async def test_no_address_can_be_reached_without_network(sandbox):
    connect = "import socket\nsocket.create_connection(('172.17.0.1', 80), 2)"
    with pytest.raises(Failed, match="Network is unreachable"):
        await Talk(sandbox).run(connect)


async def test_no_more_cpu_is_used_than_declared(place):
    sandbox = await place.start(SandboxSpec(SPEC.image, Resources(cpu=0.25, memory=256 * MB)))
    spin = (
        "import time\n"
        "cpu, end = time.process_time(), time.monotonic() + 1.5\n"
        "while time.monotonic() < end: pass\n"
        "return (time.process_time() - cpu) / 1.5"
    )
    assert await Talk(sandbox).run(spin) < 0.5
    await sandbox.destroy()


async def test_a_resize_changes_the_container_s_limits(place, sandbox):
    await sandbox.resize(Resources(cpu=4.0, memory=3 * 1024 * MB, pids=77))
    host = (await inspected(place, sandbox))["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 3 * 1024 * MB
    assert host["CpuQuota"] == 400_000
    assert host["PidsLimit"] == 77
    await sandbox.resize(Resources(memory=64 * MB))
    assert (await inspected(place, sandbox))["HostConfig"]["Memory"] == 64 * MB
