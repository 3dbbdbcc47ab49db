"""Two functions whose short ids are the same, as somebody could make them, share no sandbox."""

from __future__ import annotations

import dataclasses
import os
import time

import pytest

from nbfaas import remote

pytestmark = pytest.mark.parametrize("service", ["process"], indirect=True)


def test_a_function_never_runs_in_a_sandbox_of_another_one_with_the_same_short_id(service):
    mine = remote(lambda: ("mine", os.getpid()))
    theirs = remote(lambda: ("theirs", os.getpid()))
    theirs._version = dataclasses.replace(theirs.version(), version=mine.version().version)
    assert theirs.version().version == mine.version().version
    for _ in range(3):  # through the loop, and sent by the caller itself
        name, sandbox = mine.remote()
        assert name == "mine"
        name, other = theirs.remote()
        assert name == "theirs"
        assert sandbox != other


def test_its_idle_sandboxes_do_not_go_with_those_of_another_one(service):
    mine, theirs = remote(lambda: os.getpid()), remote(lambda: -os.getpid())
    theirs._version = dataclasses.replace(theirs.version(), version=mine.version().version)
    sandbox, other = mine.remote(), theirs.remote()
    theirs.retire()
    deadline = time.monotonic() + 20
    while len([each for each in service.sandboxes() if each.function == theirs.name]) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert mine.remote() == sandbox
    assert theirs.remote() != other
