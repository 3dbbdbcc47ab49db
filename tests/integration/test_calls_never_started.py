"""What was sent to a sandbox that is gone before it starts it costs no attempt."""

from __future__ import annotations

import os
import signal

import docker

from nbfaas import remote
from nbfaas.model.invocation import InvocationState


@remote(cpu=0.2, max_containers=1)
def sandbox_and(value):
    return value


def kill(sandbox: str) -> None:
    if sandbox.startswith("process-"):
        os.kill(int(sandbox.removeprefix("process-")), signal.SIGKILL)
        return
    client = docker.from_env()
    try:
        client.api.kill(sandbox)
    finally:
        client.close()


def test_a_call_to_an_idle_sandbox_that_was_just_killed_runs_in_another(service):
    for value in range(5):
        assert sandbox_and.remote(value) == value
        (row,) = [row for row in service.sandboxes() if row.function == "sandbox_and"]
        kill(row.id)
        call = sandbox_and.spawn(value)  # the host may not have noticed yet
        assert call.result(timeout=30) == value
        assert call.status is InvocationState.SUCCEEDED
        assert [stats.attempt for stats in call.attempts] == [1]
