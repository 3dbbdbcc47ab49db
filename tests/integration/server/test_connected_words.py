"""What a notebook is told of where its functions run, and of what has to stay in it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from function_images import PREFIX
from waiting import until

import nbfaas
from nbfaas import remote
from nbfaas.errors import NotPicklable
from nbfaas.notebook.cell_run import explained
from nbfaas.notebook.notices import Notices
from nbfaas.packager.arguments import dump_arguments
from nbfaas.service import close_service, local_service, set_moved, set_notify
from nbfaas.service.current import Here
from nbfaas.settings import config

pytestmark = pytest.mark.docker  # function images are read there, also for the process backend
NAME = f"{PREFIX}words"


def double(x: int) -> int:
    return 2 * x


class Shown:
    """A notebook's shell, as far as notices use it, and what its present cell shows."""

    def __init__(self) -> None:
        self.kernel = self
        self.display_pub = SimpleNamespace(publish=self._publish)
        self.outputs: dict[str, str] = {}

    def _publish(self, data, *, transient, update) -> None:
        assert update == (transient["display_id"] in self.outputs)
        self.outputs[transient["display_id"]] = data["text/plain"]


@pytest.fixture
def told(monkeypatch, tmp_path):
    """What is said to a notebook whose own functions run in processes."""
    close_service()
    monkeypatch.setattr(config, "backend", "process")
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "notebook"))
    told: list[str] = []
    set_notify(told.append)
    yield told
    set_notify(None)
    close_service()


def test_what_is_said_of_functions_here_waits_until_they_run_here(serve, told):
    running = serve()
    with nbfaas.connect(running.url, token=running.token):
        assert local_service().backend.name == "process"  # it has opened meanwhile
        assert not [line for line in told if "Functions run" in line]
    until(lambda: told, 10)
    with nbfaas.connect(running.url, token=running.token):
        pass
    (line,) = [line for line in told if "Functions run" in line]
    assert "in processes of this machine, NOT isolated" in line


def test_a_cell_that_connects_says_where_functions_run_now(serve):
    running = serve()
    shell = Shown()
    notices = Notices(shell)
    set_moved(notices.refresh)
    try:
        notices.post(Here("Functions run in Docker containers on this machine."))
        notices.post("Something else.")  # both as the next cell begins
        notices.begin_cell()
        here = "nbfaas: Functions run in Docker containers on this machine.\n"
        assert list(shell.outputs.values()) == [f"{here}nbfaas: Something else."]
        with nbfaas.connect(running.url, token=running.token):
            (shown,) = shell.outputs.values()
            there = f"nbfaas: Functions run on the server {running.url}.\n"
            assert shown == f"{there}nbfaas: Something else."
        assert list(shell.outputs.values()) == [f"{here}nbfaas: Something else."]
        notices.end_cell()
        with nbfaas.connect(running.url, token=running.token):  # by a cell that was told nothing
            assert list(shell.outputs.values()) == [f"{here}nbfaas: Something else."]
    finally:
        set_moved(None)


def test_a_function_that_uses_the_connection_is_told_what_to_do_instead(data, serve):
    remote(memory="128MB", cpu=0.5)(double).deploy(NAME, alias="prod")
    running = serve()
    with nbfaas.connect(running.url, token=running.token) as server:
        served = server.function(NAME)

        @remote
        def by_connection(x):
            return server.function(NAME).remote(x)

        @remote
        def by_function(x):
            return served.remote(x)

        @remote
        def given(x):
            return x

        for calls, culprit in (
            (lambda: by_connection.remote(1), "by_connection → closure variable 'server'"),
            (lambda: by_function.remote(1), "by_function → closure variable 'served'"),
            (lambda: given.remote([server]), r"argument 0\[0\]"),
            (lambda: _variable(server), "the variable 'server', which the cell reads"),
        ):
            with pytest.raises(NotPicklable, match=culprit) as found:
                calls()
            assert "is the notebook's own, and functions have none. Call functions of" in str(
                found.value
            )
            assert "pass on what they return as an argument" in str(found.value)
            assert f"network=True, POST {running.url}/functions/NAME" in str(found.value)
            assert "Create it inside the function" not in str(found.value)
        assert given.remote(served.remote(4)) == 8


def _variable(server: object) -> None:
    names = {"server": server}
    with explained(names):
        dump_arguments((names,), {}, "the variables of the cell")
