"""Where no Docker answers, and how a notebook ends: nothing hangs, and nothing is left."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from waiting import until

import nbfaas
from nbfaas import remote
from nbfaas.backends.docker_options import OWNER_LABEL
from nbfaas.backends.folders import runtime_root, scratch_root
from nbfaas.errors import CancelledError
from nbfaas.service import close_service, get_service, set_notify
from nbfaas.settings import config


@pytest.fixture
def script(tmp_path):
    """Starts a program of the user's with the settings given."""
    running = []

    def start(text, **settings):
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(text))
        variables = {f"NBFAAS_{name.upper()}": value for name, value in settings.items()}
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(nbfaas.__file__).parents[1]),
            "NBFAAS_DATA_DIR": str(tmp_path / "data"),
            **variables,
        }
        if "docker_host" in settings:
            environment["DOCKER_HOST"] = settings["docker_host"]
            del environment["NBFAAS_DOCKER_HOST"]
        command = [sys.executable, "-W", "error", str(path)]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def ends(process, seconds=60):
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


CALL = """
    from nbfaas import remote

    @remote
    def double(n):
        print("doubling", n)
        return 2 * n

    print(double.remote(21))
"""


@pytest.fixture(params=["no socket", "nobody behind it"])
def dead(request, tmp_path):
    path = tmp_path / "docker.sock"
    if request.param == "nobody behind it":
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))
    return f"unix://{path}"


def test_without_a_daemon_the_docker_backend_says_what_to_do(script, dead):
    code, out, err = ends(script(CALL, backend="docker", docker_host=dead))
    last = err.strip().splitlines()[-1]
    assert (code, out) == (1, "")
    assert last.startswith("nbfaas.errors.BackendUnavailable: the docker backend is not available")
    assert "nbfaas.config.backend = 'process'" in last or "start docker" in last


def test_without_a_daemon_functions_run_in_processes_and_the_user_is_told(script, dead):
    code, out, err = ends(script(CALL, backend="auto", docker_host=dead))
    assert (code, out) == (0, "doubling 21\n42\n")
    assert "NOT isolated" in err
    assert "because the docker backend is not available" in err


def test_a_setting_that_makes_no_sense_is_told_before_anything_starts(script):
    code, _, err = ends(script(CALL, backend="podman"))
    assert code == 1
    assert "ConfigurationError: NBFAAS_BACKEND='podman' is not valid" in err


# -- the end


BUSY = """
    import os, sys, time
    from nbfaas import remote
    from nbfaas.backends.owner import Owner

    @remote(cpu=0.5)
    def sleep(seconds):
        time.sleep(seconds)

    sleep.remote(0)
    calls = [sleep.spawn(600) for _ in range(6)]
    while not calls[0].running():
        time.sleep(0.01)
    print(Owner.current(), Owner.current().folder, flush=True)
"""

BACKENDS = [pytest.param("docker", marks=pytest.mark.docker), "process"]


def left_of(owner, folder):
    import docker

    found = [str(root / folder) for root in (runtime_root(), scratch_root())]
    found = [path for path in found if os.path.exists(path)]
    try:
        client = docker.from_env()
    except docker.errors.DockerException:
        return found
    label = f"{OWNER_LABEL}={owner}"
    found += [each["Id"] for each in client.api.containers(all=True, filters={"label": label})]
    client.close()
    return found


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("end", ["", "sys.exit(3)", "raise RuntimeError('bug')"])
def test_a_program_that_ends_with_calls_at_work_leaves_nothing(script, backend, end):
    began = time.monotonic()
    code, out, _ = ends(script(BUSY + "    " + end, backend=backend))
    assert time.monotonic() - began < 30
    assert code == {"": 0, "sys.exit(3)": 3}.get(end, 1)
    assert left_of(*out.split()) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_interrupt_cancels_the_call_that_is_waited_for(script, backend):
    process = script(
        """
        import time
        from nbfaas import remote

        @remote(max_containers=1)
        def sleep(seconds):
            print("sleeping", seconds)
            time.sleep(seconds)

        sleep.remote(0)
        try:
            sleep.remote(600)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        sleep.remote(1)
        """,
        backend=backend,
    )
    for line in process.stdout:
        if line == "sleeping 600\n":
            break
    process.send_signal(signal.SIGINT)
    code, out, err = ends(process)
    assert (code, out) == (0, "interrupted\nsleeping 1\n"), err


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_a_killed_program_left_is_removed(script, backend, monkeypatch, tmp_path):
    process = script(BUSY + "    time.sleep(600)", backend=backend)
    owner = process.stdout.readline().split()
    assert left_of(*owner)
    process.kill()
    process.wait()
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "another"))
    monkeypatch.setattr(config, "backend", backend)
    set_notify(lambda message: None)
    close_service()
    get_service().dispatcher  # opening it sweeps
    try:
        until(lambda: not left_of(*owner))
    finally:
        close_service()
        set_notify(None)


def test_a_closed_service_has_cancelled_its_calls_and_the_next_call_starts_another(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(config, "backend", "process")
    monkeypatch.setattr(config, "data_dir", str(tmp_path))
    set_notify(lambda message: None)
    close_service()

    @remote(max_containers=1)
    def sleep(seconds):
        time.sleep(seconds)
        return seconds

    running, queued = sleep.spawn(600), sleep.spawn(0)
    run = sleep.map([0, 600], return_exceptions=True)
    until(running.running)
    first = get_service()
    close_service()
    for call in (running, queued):
        with pytest.raises(CancelledError):
            call.result(1)
    assert run.wait(1)
    assert {type(value) for value in run} == {CancelledError}
    assert repr(first) == f"<Service {first.session} closed>"
    assert sleep.remote(0) == 0
    close_service()
    set_notify(None)
