"""Functions of a notebook that works on a server, called there."""

from __future__ import annotations

import os
import pickle
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest
from waiting import until

import nbfaas
from nbfaas import Secret, remote
from nbfaas.errors import (
    FunctionTimeout,
    RemoteError,
    UntrustedResult,
)
from nbfaas.service import get_service

pytestmark = pytest.mark.docker  # function images are read there, also for the process backend


class Broken(Exception):
    def __init__(self, number: int) -> None:
        super().__init__(f"broken at {number}")
        self.number = number


def work(x: int) -> int:
    print("working on", x)
    if x < 0:
        raise ValueError("negative", x)
    return 2 * x


def test_functions_of_the_notebook_run_on_the_server(server, running):
    double = remote(work)
    assert double.remote(4) == 8
    assert double.remote(5) == 10
    with pytest.raises(ValueError, match="negative") as caught:
        double.remote(-1)
    assert caught.value.args == ("negative", -1)
    assert "work" in caught.value.remote_traceback.text
    call = double.spawn(6)
    assert call.result(30) == 12
    assert call.logs == "working on 6\n"
    assert [each.attempt for each in call.attempts] == [1]
    assert nbfaas.FunctionCall.from_id(call.id) is call
    pid = remote(lambda: os.getppid())
    assert pid.remote() == running.process.pid
    (row,) = [each for each in get_service().sandboxes() if each.function == "work"]
    assert row.answered == 4


def test_a_map_streams_and_its_items_fail_by_themselves(server):
    run = remote(work).map([*range(50), -1], return_exceptions=True)
    found = list(run)
    assert found[:50] == list(range(0, 100, 2))
    assert isinstance(found[50], ValueError)
    assert (run.counts.done, run.counts.failed) == (50, 1)
    assert run[3].logs == "working on 3\n"
    again = run.retry_failed()
    assert isinstance(again.results()[50], ValueError)


def test_large_arrays_go_there_once_and_come_back_writable(server):
    total = remote(lambda a, i: a + i)
    array = np.arange(200_000)
    stored = nbfaas.put(array)
    for i, result in enumerate(total.map([stored] * 3, range(3))):
        assert (result == array + i).all()
        result[0] = 7
    sent = _sent(lambda: total.map([stored] * 20, range(20)).results())
    assert sum(map(len, sent)) < 100_000


def _sent(work):
    """The batches that were sent while ``work`` was done."""
    link = get_service()._link
    bodies, post = [], link._http.post

    def noting(path, *, content):
        bodies.append(content)
        return post(path, content=content)

    link._http.post = noting
    try:
        work()
    finally:
        link._http.post = post
    return bodies


def test_what_comes_back_is_trusted_as_little_as_from_a_sandbox_here(server):
    with pytest.raises(UntrustedResult, match="trust="):
        remote(lambda: __import__("fractions").Fraction(1, 2).__class__.__mro__[0]("1/3")
               if False else __import__("subprocess").Popen).remote()  # fmt: skip


def test_the_server_never_opens_what_functions_return(server, tmp_path):
    mark = tmp_path / "opened"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(mark),)

    def trap():
        return Trap()

    with pytest.raises(UntrustedResult):
        remote(trap).remote()
    assert not mark.exists()


def test_an_exception_of_the_notebook_comes_back_as_itself(server):
    def fail():
        raise Broken(3)

    with pytest.raises(Broken) as caught:
        remote(fail).remote()
    assert caught.value.number == 3


def test_retries_and_timeouts_are_those_of_the_function(server, tmp_path):
    tries = tmp_path / "tries"

    def third_time():
        with open(tries, "a") as file:
            file.write("x")
        if tries.stat().st_size < 3:
            raise ValueError("not yet")
        return "done"

    call = remote(retries=nbfaas.Retries(3, initial_delay=0.01))(third_time).spawn()
    assert call.result(30) == "done"
    assert [str(each.state) for each in call.attempts] == ["FAILED", "FAILED", "SUCCEEDED"]
    with pytest.raises(FunctionTimeout, match=r"timeout of 0\.5 s"):
        remote(timeout=0.5)(lambda: time.sleep(60)).remote()


class Worse(Broken):
    pass


def test_what_is_retried_on_may_be_known_to_the_notebook_only(server, tmp_path):
    tries = tmp_path / "tries"

    def second_time():
        with open(tries, "a") as file:
            file.write("x")
        if tries.stat().st_size < 2:
            raise Worse(1)
        return "done"

    retries = nbfaas.Retries(2, initial_delay=0.01, retry_on=(Broken,))
    assert remote(retries=retries)(second_time).remote() == "done"
    tries.unlink()
    namesake = type("Broken", (Exception,), {"__module__": "__main__"})
    retries = nbfaas.Retries(2, initial_delay=0.01, retry_on=(namesake,))
    with pytest.raises(Worse):
        remote(retries=retries)(second_time).remote()
    assert tries.stat().st_size == 1


def test_a_function_that_is_defined_anew_takes_the_old_ones_place(server):
    first = remote(work)
    assert first.remote(1) == 2
    old = first.version()
    dispatcher = get_service().dispatcher
    key, _ = dispatcher._uploads.key_of(old)
    dispatcher.supersede(old.digest)
    until(lambda: not [each for each in get_service().sandboxes() if each.function == "work"])
    # A call that was on its way when the function was defined anew.
    uploads, dispatcher._uploads = dispatcher._uploads, _Fixed(key)
    assert first.remote(2) == 4
    dispatcher._uploads = _Fixed("never-there")
    with pytest.raises(RemoteError, match="never-there"):
        first.remote(3)
    dispatcher._uploads = uploads
    assert first.remote(3) == 6


class _Fixed:
    def __init__(self, key: str) -> None:
        self._key = key

    def key_of(self, function: object) -> tuple[str, bool]:
        return self._key, False


def test_cancelling_kills_what_runs_there(server):
    call = remote(lambda: time.sleep(60)).spawn()
    until(lambda: str(call.status) == "RUNNING")
    assert call.cancel()
    with pytest.raises(CancelledError):
        call.result(10)
    until(lambda: not [each for each in get_service().sandboxes() if each.in_flight])
    run = remote(lambda i: time.sleep(60)).map(range(20))
    until(lambda: run.counts.running)
    run.cancel()
    assert run.wait(20)
    assert run.counts.cancelled == 20


def test_output_comes_while_the_function_runs(server):
    def slowly():
        print("begun", flush=True)
        time.sleep(20)

    call = remote(slowly).spawn()
    until(lambda: call.logs == "begun\n")
    assert not call.done()
    call.cancel()


def test_secrets_of_the_notebook_are_there_and_nowhere_else(server, running):
    secret = Secret.from_dict({"KEY": "pass-1234"})
    same = Secret.from_dict({"KEY": "another-5678"})

    def read(context):
        return context.secrets["KEY"]

    assert remote(secrets=[secret])(read).remote() == "pass-1234"
    assert remote(secrets=[same])(read).remote() == "another-5678"
    journal = (running.data / "journal.db").read_bytes()
    assert b"another-5678" not in journal.replace(pickle.dumps("another-5678")[2:], b"")
