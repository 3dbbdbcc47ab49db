"""Large arguments and results, what is sent ahead, and what sandboxes import in advance."""

from __future__ import annotations

import time

import numpy as np
import pytest

import nbfaas
from nbfaas import remote
from nbfaas.agent.buffers import SMALLEST, SealedBuffer
from nbfaas.errors import OptionError, SandboxLost

SMALL = {"cpu": 0.2, "image": "scientific", "memory": "256MB"}
ARRAY = np.arange(SMALLEST, dtype="int64")  # 8 times as many bytes


@remote(**SMALL)
def total(array):
    return int(array.sum()), array.flags.writeable


@remote(**SMALL)
def ramp(length):
    return np.arange(length, dtype="float32")


def test_large_arrays_arrive_equal_and_read_only_small_ones_writable(service):
    assert total.remote(ARRAY) == (int(ARRAY.sum()), False)
    assert total.remote(ARRAY[:10].copy()) == (45, True)


def test_writing_to_a_large_argument_says_why_it_fails_and_what_to_do(service):
    @remote(**SMALL)
    def grow(array):
        array += 1

    with pytest.raises(ValueError, match="read-only") as caught:
        grow.remote(ARRAY)
    assert "a.copy()" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match="read-only") as caught:
        remote(**SMALL)(_raise_read_only).remote(1)
    assert not hasattr(caught.value, "__notes__"), "no large argument, no such note"


def _raise_read_only(_):
    raise ValueError("the catalogue is read-only")


def test_a_large_result_comes_back_equal(service):
    assert np.array_equal(ramp.remote(SMALLEST), np.arange(SMALLEST, dtype="float32"))


def test_a_call_gets_the_array_as_it_was_when_the_call_was_made(service):
    array = ARRAY.copy()
    calls = [total.spawn(array) for _ in range(4)]
    array[:] = 0
    assert [call.result()[0] for call in calls] == [int(ARRAY.sum())] * 4


def test_an_array_that_is_an_argument_of_many_items_is_copied_once(service):
    before = SealedBuffer.alive
    run = total.starmap([(ARRAY,)] * 50)
    shared = {id(item.parts[1]) for item in run._invocations}
    assert len(shared) == 1
    assert SealedBuffer.alive <= before + 1 + 20  # and one page of claims for each sandbox
    assert run.results() == [(int(ARRAY.sum()), False)] * 50


def test_what_was_put_is_shared_by_calls_and_given_back_at_the_end(service):
    stored = nbfaas.put({"array": ARRAY, "name": "x"})
    assert "2 MB shared" in repr(stored)

    @remote(**SMALL)
    def use(data, factor):
        return data["name"], factor * int(data["array"].sum())

    calls = [use.spawn(stored, factor) for factor in (1, 2)]
    assert [call.result() for call in calls] == [("x", f * int(ARRAY.sum())) for f in (1, 2)]
    assert {id(call._invocation.parts[1]) for call in calls} == {id(stored._parts[1])}
    alive = SealedBuffer.alive
    del stored, calls
    assert SealedBuffer.alive < alive


def test_a_memory_file_that_is_not_sealed_loses_the_sandbox_not_the_host(service):
    from nbfaas.agent.wire import Kind

    kind = int(Kind.RESULT)

    @remote(**SMALL, max_containers=1)
    def forge():
        import array
        import os
        import socket
        import stat
        import struct

        fd = os.memfd_create("evil")
        os.ftruncate(fd, 300_000)
        table = struct.pack("<Q", 300_000 | 1 << 63)
        head = struct.pack("<BBBBIQQ", 1, kind, 1, 1, 40, 2, len(table)) + bytes(40) + table
        for number in range(3, 64):
            try:
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    sock = socket.socket(fileno=number)
                    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
                    sock.sendmsg([head], rights)
                    sock.detach()
            except OSError:
                continue

    with pytest.raises(SandboxLost, match="seals"):
        forge.remote()


def test_items_sent_ahead_do_not_wait_behind_a_slow_one(service):
    @remote(cpu=0.2, max_containers=2)
    def nap(seconds):
        time.sleep(seconds)
        return seconds

    list(nap.map([0.05] * 2))  # two sandboxes
    list(nap.map([0] * 400))  # so short that many are sent ahead
    start = time.monotonic()
    run = nap.map([3.0] + [0.0005] * 200)
    others = [run[i] for i in range(1, 201)]
    for call in others:
        call.result(timeout=10)
    assert time.monotonic() - start < 2.5, "somebody waited for the slow one"
    assert run[0].running()
    assert {call.stats.attempt for call in others} == {1}
    run.cancel()


def test_a_chunksize_is_kept_to_and_checked(service):
    @remote(cpu=0.2, max_containers=1)
    def double(x):
        return 2 * x

    assert double.map(range(40), chunksize=7).results() == [2 * x for x in range(40)]
    with pytest.raises(OptionError, match="chunksize=0"):
        double.map([1], chunksize=0)


@pytest.mark.docker
@pytest.mark.parametrize("service", ["docker"], indirect=True)
def test_a_prewarmed_sandbox_has_imported_what_its_runtime_says(service):
    @remote(image="scientific")
    def imported():
        import sys

        return {"numpy", "pandas"} <= set(sys.modules)

    service.prewarm(imported.options.image)
    deadline = time.monotonic() + 60
    while not any(row.image == "scientific" for row in service.sandboxes()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(3)  # nothing tells from outside that it has finished importing
    assert imported.remote()


def test_where_no_descriptors_can_be_passed_everything_goes_through_the_socket(
    service, monkeypatch
):
    from nbfaas.backends.connection import SocketConnection

    monkeypatch.setattr(SocketConnection, "passes_descriptors", False)

    @remote(**SMALL, max_containers=2)
    def grown(array):
        return array + 1, array.flags.writeable

    for result, writeable in grown.map([ARRAY] * 6):
        assert np.array_equal(result, ARRAY + 1)
        assert writeable
    assert not any(slot.looks_ahead for slot in service.dispatcher.fleet.slots())
