"""Connections to a server that break, and ends that go away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
from cutting import Way
from serving import ROOT
from waiting import until

import nbfaas
from nbfaas import remote
from nbfaas.errors import (
    ServerGone,
)
from nbfaas.service import get_service

pytestmark = pytest.mark.docker  # function images are read there, also for the process backend


def work(x: int) -> int:
    print("working on", x)
    if x < 0:
        raise ValueError("negative", x)
    return 2 * x


def test_a_connection_that_breaks_loses_and_doubles_nothing(running, way, tmp_path):
    made = tmp_path / "made"

    def note(i):
        time.sleep(0.005)
        with open(made, "a") as file:
            file.write(f"{i}\n")
        return i

    with nbfaas.connect(way.url, token=running.token):
        run = remote(note).map(range(400))
        for result in run:
            if result % 60 == 20:
                way.cut()
        assert run.results() == list(range(400))
    assert way.cuts >= 6
    assert sorted(map(int, made.read_text().split())) == list(range(400))


def test_a_session_without_its_notebook_ends_though_a_child_of_it_lives_on(serve):
    running = serve("session_expiry = 3\n")
    code = (
        "import os, sys, time, nbfaas\n"
        "nbfaas.connect(sys.argv[1], token=sys.argv[2])\n"
        "call = nbfaas.remote(lambda: __import__('time').sleep(600)).spawn()\n"
        "while call.status != 'RUNNING': time.sleep(0.05)\n"
        "child = os.fork()\n"
        "if child: print(child, flush=True)\n"
        "time.sleep(600)\n"
    )
    notebook = subprocess.Popen(
        [sys.executable, "-c", code, running.url, running.token],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    child = None
    try:
        child = int(notebook.stdout.readline())
        with nbfaas.connect(running.url, token=running.token):
            assert [each.in_flight for each in get_service().sandboxes()] == [1]
            notebook.kill()
            until(lambda: not get_service().sandboxes(), 20)
        assert "nothing was heard of its notebook for" in running.told
    finally:
        if child is not None:
            os.kill(child, signal.SIGKILL)
        notebook.kill()
        notebook.wait()
        notebook.stdout.close()


def test_a_notebook_that_was_gone_too_long_is_told_so(serve, request):
    running = serve("session_expiry = 1\n")
    way = Way(urlsplit(running.url).port)
    request.addfinalizer(way.close)
    with nbfaas.connect(way.url, token=running.token):
        call = remote(lambda: time.sleep(60)).spawn()
        until(lambda: str(call.status) == "RUNNING")
        way.refuses = True
        way.cut()
        until(lambda: "nothing was heard" in running.told, 30)
        way.refuses = False
        with pytest.raises(ServerGone, match="nothing was heard of its notebook for"):
            call.result(30)
        with pytest.raises(ServerGone):
            remote(work).remote(1)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_server_that_goes_is_named(running, how):
    with nbfaas.connect(running.url, token=running.token) as server:
        run = remote(lambda i: time.sleep(60)).map(range(3), return_exceptions=True)
        until(lambda: run.counts.running)
        if how == "SIGTERM":
            assert running.stop() == 0
        else:
            running.process.kill()
            running.process.wait()
        for error in run.results():
            assert isinstance(error, ServerGone)
            assert running.url in str(error)
            if how == "SIGTERM":
                assert "the server is closing" in str(error)
        assert server.is_over
        with pytest.raises(ServerGone):
            remote(work).spawn(1)
