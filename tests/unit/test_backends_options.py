"""The pure parts of the docker backend: what a container is created with, and as which user."""

import json

import pytest

from nbfaas.backends.base import SandboxSpec
from nbfaas.backends.docker_options import limits, sandbox_config
from nbfaas.backends.docker_volumes import NOBODY, Folder, choose_user, look_at
from nbfaas.backends.owner import Owner
from nbfaas.errors import VolumeError
from nbfaas.model.function import Resources, Volume
from nbfaas.model.image import ImageSpec

OWNER = Owner("0b5a", 7, 99, 4)


def config(spec: SandboxSpec, *image_volumes: str) -> dict:
    return sandbox_config(
        spec,
        image="img:1",
        interpreter="/usr/bin/python3",
        name="nbfaas-abc",
        owner=OWNER,
        user=NOBODY,
        socket_folder="/run/user/1/x",
        nonce="00ff",
        image_volumes=image_volumes,
    )


def test_a_container_has_no_network_of_itself():
    for network in (False, True):
        made = config(SandboxSpec(ImageSpec(), Resources(), network=network))
        assert made["HostConfig"]["NetworkMode"] == "none"


def test_an_image_s_environment_can_t_replace_the_socket_or_nonce():
    image = ImageSpec(env=(("NBFAAS_NONCE", "mine"), ("HOME", "/data")))
    environment = config(SandboxSpec(image, Resources()))["Env"]
    assert "NBFAAS_NONCE=00ff" in environment
    assert "HOME=/data" in environment
    assert len([e for e in environment if e.startswith("NBFAAS_NONCE")]) == 1


def test_volumes_are_mounted_as_asked_and_the_socket_read_only():
    volumes = (Volume("/data", "name", read_only=True), Volume("/src", "/home/me"))
    mounts = config(SandboxSpec(ImageSpec(), Resources(), volumes))["HostConfig"]["Mounts"]
    assert [(m["Type"], m["Source"], m["Target"], m["ReadOnly"]) for m in mounts] == [
        ("bind", "/run/user/1/x", "/run/nbfaas", True),
        ("volume", "name", "/data", True),
        ("bind", "/home/me", "/src", False),
    ]


def test_where_an_image_wants_volumes_it_gets_memory_within_the_limits():
    spec = SandboxSpec(ImageSpec(), Resources(), (Volume("/mine", "name"),))
    host = config(spec, "/cache/", "mine", "/tmp")["HostConfig"]
    assert host["Tmpfs"].keys() == {"/tmp", "/cache"}
    assert host["Tmpfs"]["/cache"] == host["Tmpfs"]["/tmp"]


def test_the_configuration_is_what_json_can_say():
    assert json.loads(json.dumps(config(SandboxSpec(ImageSpec(), Resources()))))


def test_memory_leaves_no_swap_and_the_least_cpu_is_what_the_kernel_takes():
    assert limits(Resources(cpu=0.001, memory=64 << 20)) == {
        "Memory": 64 << 20,
        "MemorySwap": 64 << 20,
        "CpuPeriod": 1_000_000,
        "CpuQuota": 1000,
        "PidsLimit": 256,
    }


@pytest.mark.parametrize(
    ("cpu", "period", "quota"),
    [
        (0.05, 1_000_000, 50_000),
        (0.125, 640_000, 80_000),
        (0.5, 160_000, 80_000),
        (1.0, 100_000, 100_000),
        (2.5, 100_000, 250_000),
    ],
)
def test_a_small_share_of_a_core_comes_in_pieces_in_which_an_agent_can_start(cpu, period, quota):
    told = limits(Resources(cpu=cpu))
    assert (told["CpuPeriod"], told["CpuQuota"]) == (period, quota)


def folder(uid: int, mode: int, *, read_only: bool = False) -> Folder:
    return Folder(Volume("/data", "/srv", read_only), uid, uid, mode)


@pytest.mark.parametrize(
    ("host", "folders", "user"),
    [
        ((0, 0), [], NOBODY),
        ((1000, 1000), [], (1000, 1000)),
        ((0, 0), [folder(1234, 0o755)], (1234, 1234)),
        ((0, 0), [folder(0, 0o777)], NOBODY),
        ((0, 0), [folder(0, 0o755, read_only=True)], NOBODY),
        ((0, 0), [folder(1234, 0o700, read_only=True)], (1234, 1234)),
        ((0, 0), [folder(1234, 0o755), folder(0, 0o755, read_only=True)], (1234, 1234)),
        ((0, 0), [folder(5, 0o777), folder(6, 0o755)], (6, 6)),
        ((1000, 1000), [folder(1000, 0o700)], (1000, 1000)),
        ((1000, 1000), [folder(0, 0o755, read_only=True)], (1000, 1000)),
    ],
)
def test_the_user_is_never_root_and_may_use_every_folder(host, folders, user):
    assert choose_user(host, folders) == user


@pytest.mark.parametrize(
    ("host", "folders", "fix"),
    [
        ((0, 0), [folder(0, 0o755)], "chown -R 65534:65534 /srv"),
        ((0, 0), [folder(0, 0o700, read_only=True)], "chmod -R o\\+rX /srv"),
        ((0, 0), [folder(5, 0o700), folder(6, 0o700)], "chown"),
        ((1000, 1000), [folder(0, 0o755)], "chown -R 1000:1000 /srv"),
    ],
)
def test_where_no_user_may_the_command_that_helps_is_named(host, folders, fix):
    with pytest.raises(VolumeError, match=fix):
        choose_user(host, folders)


@pytest.mark.parametrize(
    "volume",
    [
        Volume("/data", "/no/such"),
        Volume("/data", __file__),
        Volume("/data", "../data"),
        Volume("/data", "a b"),
        Volume("data", "name"),
        Volume("/", "name"),
        Volume("/tmp/../proc/1", "name"),
        Volume("/run/nbfaas", "name"),
        Volume("/opt/nbfaas/", "name"),
    ],
)
def test_a_volume_that_makes_no_sense_is_refused(volume):
    with pytest.raises(VolumeError):
        look_at([volume])
