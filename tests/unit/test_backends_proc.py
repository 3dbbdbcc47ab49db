"""What is read from /proc and exit codes: owners, OOM counters, deaths."""

import dataclasses
import os
import signal
import subprocess

import pytest

from nbfaas.backends.base import DeathKind
from nbfaas.backends.cgroup import OomCounter, counter_path, parse_counter
from nbfaas.backends.death import by_container_exit_code, by_exit_code, by_signal
from nbfaas.backends.folders import owner_folder, runtime_root
from nbfaas.backends.owner import Owner, process_start, process_state
from nbfaas.errors import BackendUnavailable


def test_an_owner_is_read_back_from_its_label_and_its_folder():
    owner = Owner.current()
    assert Owner.parse(str(owner)) == owner
    assert owner.is_alive()
    folder = Owner.parse(owner.folder)
    assert folder is not None
    assert folder.is_alive()


@pytest.mark.parametrize("text", ["", "a/b/c/d", "boot/1/2", "1/2/3/4/5", "lost+found"])
def test_what_is_no_owner_is_none(text):
    assert Owner.parse(text) is None


def test_a_pid_that_came_back_is_another_owner():
    owner = Owner.current()
    assert not dataclasses.replace(owner, start=owner.start + 1).is_alive()
    assert not dataclasses.replace(owner, boot="another").is_alive()


def test_an_owner_that_can_t_be_seen_from_here_counts_as_alive():
    assert dataclasses.replace(Owner.current(), pid=1 << 30, namespace=1).is_alive()


def test_a_zombie_is_no_owner():
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert process_state(process.pid) == "Z"
    assert process_start(process.pid) is None
    process.wait()
    assert process_state(process.pid) is None


def test_a_socket_s_path_fits_however_long_the_runtime_folder_is(monkeypatch, tmp_path):
    deep = tmp_path / ("x" * 60)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    path = runtime_root() / Owner.current().folder / "0123456789ab" / "agent.sock"
    assert len(bytes(path)) <= 107


def test_a_folder_that_others_may_use_is_not_used(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    root.chmod(0o777)
    with pytest.raises(BackendUnavailable, match="only you can use"):
        owner_folder(root, Owner.current())


V1 = "5:cpu:/docker/abc\n4:memory:/docker/abc\n0::/"
V1_MOUNTS = (
    "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "31 23 0:27 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory\n"
)
V2 = "0::/system.slice/docker-abc.scope"
V2_MOUNTS = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"


def test_the_oom_counter_is_found_in_both_cgroup_versions():
    assert counter_path(V1, V1_MOUNTS) == "/sys/fs/cgroup/memory/docker/abc/memory.oom_control"
    assert (
        counter_path(V2, V2_MOUNTS) == "/sys/fs/cgroup/system.slice/docker-abc.scope/memory.events"
    )
    assert counter_path(V2, "") is None


def test_the_oom_counter_is_read_in_both_cgroup_versions():
    assert parse_counter(b"oom_kill_disable 0\nunder_oom 0\noom_kill 3\n") == 3
    assert parse_counter(b"low 0\nhigh 0\nmax 9\noom 2\noom_kill 1\noom_group_kill 0\n") == 1
    assert parse_counter(b"") == 0


def test_a_counter_that_can_t_be_seen_counts_nothing():
    counter = OomCounter(0)
    assert counter.read() == 0
    counter.close()


@pytest.mark.parametrize(
    ("code", "oom", "killed", "kind"),
    [
        (137, True, False, DeathKind.OOM),
        (137, False, False, DeathKind.KILLED),
        (137, True, True, DeathKind.KILLED),
        (139, False, False, DeathKind.SIGNALLED),
        (134, True, False, DeathKind.SIGNALLED),
        (143, False, True, DeathKind.KILLED),
        (1, True, False, DeathKind.EXITED),
        (0, False, False, DeathKind.EXITED),
        (255, False, False, DeathKind.EXITED),
    ],
)
def test_a_container_s_exit_code_alone_does_not_tell_an_oom(code, oom, killed, kind):
    assert by_container_exit_code(code, oom=oom, killed=killed).kind is kind


def test_deaths_name_signal_and_exit_code():
    assert by_signal(signal.SIGSEGV, oom=False).signal_name == "SIGSEGV"
    assert by_signal(signal.SIGRTMIN + 1, oom=False).signal_name
    assert by_exit_code(7).exit_code == 7
