"""What is left of a connection to a server, once it is closed."""

from __future__ import annotations

import pytest
from function_images import PREFIX
from waiting import until

import nbfaas
from nbfaas import remote
from nbfaas.agent.state import StateUnavailable
from nbfaas.errors import NotConnected, ServerGone, ServerRefused
from nbfaas.notebook.commands import run_command

pytestmark = pytest.mark.docker  # function images are read there, also for the process backend
NAME = f"{PREFIX}left"


def double(x: int) -> int:
    return 2 * x


@pytest.fixture
def running(data, serve):
    remote(memory="128MB")(double).deploy(NAME, alias="prod")
    return serve()


def test_what_is_asked_of_a_closed_connection_is_told(running):
    with nbfaas.connect(running.url, token=running.token) as server:
        function = server.function(NAME)
        state = nbfaas.State(NAME)
        trigger = nbfaas.triggers[f"invoke:{NAME}"]
    assert repr(server) == f"<Connection to {running.url}, over: it was closed>"
    for asks in (
        lambda: server.function(NAME),
        lambda: server.functions,
        lambda: function.with_options(trust=["decimal"]),
        server.__enter__,
        trigger.pause,
    ):
        with pytest.raises(ServerGone, match=r"is over: it was closed\. .*makes another\."):
            asks()
    with pytest.raises(StateUnavailable, match="it was closed"):
        state.get("n")
    assert "it was closed" in repr(state)


def test_a_server_s_function_is_called_there_or_not_at_all(running, serve, tmp_path, service):
    with nbfaas.connect(running.url, token=running.token) as server:
        function = server.function(NAME)
        assert function.remote(4) == 8
    for calls in (function.remote, function.spawn, lambda x: list(function.map([x]))):
        with pytest.raises(NotConnected, match=f"{running.url}, and this .* functions here"):
            calls(4)
    other = serve(data=tmp_path / "other")
    with (
        nbfaas.connect(other.url, token=other.token),
        pytest.raises(NotConnected, match=f"runs functions on {other.url}"),
    ):
        function.remote(4)
    with nbfaas.connect(running.url, token=running.token):
        assert function.remote(4) == 8


def test_a_token_that_was_found_is_named_when_it_is_refused(running, monkeypatch):
    monkeypatch.delenv("NBFAAS_TOKEN", raising=False)
    found = running.data / "serve.token"
    found.write_text("the-token-of-another-server\n")
    with pytest.raises(ServerRefused, match=rf"what was sent is that of {found}\)\. .*token=…"):
        nbfaas.connect(running.url)
    with pytest.raises(ServerRefused) as refused:
        nbfaas.connect(running.url, "given-by-hand-and-wrong")
    assert "what was sent" not in str(refused.value)


def test_commands_about_a_server_that_is_gone_say_how_to_go_on(running):
    with nbfaas.connect(running.url, token=running.token) as server:
        running.kill()
        until(lambda: server.is_over, 60)
        for command in ("status", "ps", "functions", "triggers"):
            with pytest.raises(ServerGone, match="after %faas disconnect functions run here again"):
                run_command(command, "")
        assert repr(server).startswith(f"<Connection to {running.url}, over: ")
