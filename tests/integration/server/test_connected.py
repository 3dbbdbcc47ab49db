"""A notebook that works on a server: what is the server's, what is shown of it, what it takes."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest
from function_images import PREFIX
from waiting import until

import nbfaas
from nbfaas import remote
from nbfaas.errors import (
    OptionError,
    PayloadTooLarge,
    ResultTooLarge,
    ServerGone,
    ServerRefused,
    ServerUnreachable,
)
from nbfaas.notebook.commands import run_command
from nbfaas.remote.function import HandlerFunction
from nbfaas.service import get_service, local_service, set_notify
from nbfaas.settings import config

pytestmark = pytest.mark.docker  # function images are read there, also for the process backend
NAME = f"{PREFIX}connected"


def work(x: int) -> int:
    print("working on", x)
    if x < 0:
        raise ValueError("negative", x)
    return 2 * x


def test_handlers_state_and_events_are_the_servers(server, running):
    source = "def handler(event, context):\n    return [event, context.state.incr('calls')]\n"
    handler = HandlerFunction(source, "/tmp/ipykernel_1/2.py", remote(work).options, "counter")
    assert handler.remote("a") == ["a", 1]
    assert handler.remote("b") == ["b", 2]
    state = nbfaas.State("counter")
    assert state.get("calls") == 2
    state.set("more", {"x": [1]})
    assert state.keys() == ["calls", "more"]
    with pytest.raises(nbfaas.errors.StateRefused):
        state.incr("more")
    assert (running.data / "state.db").exists()
    sent = nbfaas.events.invoke(handler, nbfaas.Event("order.created", {"x": 1}))
    assert sent.result(30)[1] == 3
    with nbfaas.connect(running.url, token=running.token):
        assert nbfaas.State("counter").get("calls") == 3


def test_deployed_functions_run_with_the_servers_routing(running, catalog):
    remote(memory="128MB", cpu=0.5)(work).deploy(NAME, alias="prod")
    other = remote(memory="128MB", cpu=0.5)(lambda x: f"other {x}")
    other.deploy(NAME, alias="dev")
    with nbfaas.connect(running.url, token=running.token) as server:
        until(lambda: NAME in server.functions)
        function = server.function(NAME)
        assert repr(function).startswith(f"<ServerFunction {NAME}(x) now v1 ")
        assert function.remote(4) == 8
        assert [*function.map(range(5))] == [0, 2, 4, 6, 8]
        with pytest.raises(ValueError, match="negative"):
            function.remote(-1)
        run = function.map([1, -1], return_exceptions=True)
        assert isinstance(run.results()[1], ValueError)
        assert isinstance(run.retry_failed().results()[1], ValueError)
        assert run[0].rerun().result(30) == 2
        assert server.function(f"{NAME}:dev").remote(1) == "other 1"
        assert nbfaas.deployed(NAME, "v2").remote(1) == "other 1"
        with pytest.raises(ServerRefused, match="no function is served as 'nope'"):
            server.function("nope")
        with pytest.raises(OptionError, match="only trust= is yours"):
            function.with_options(memory="1GB")
        catalog.set_alias(NAME, "prod", "v1", "v2", 0.5)
        until(lambda: {str(each)[:5] for each in function.map([4] * 40)} == {"8", "other"})
        catalog.set_alias(NAME, "prod", "v2")
        until(lambda: function.remote(4) == "other 4")
        assert NAME in str(run_command("functions", ""))
        assert "v2" in str(run_command("versions", NAME))


def test_commands_show_the_server(server):
    double = remote(work)
    double.remote(3)
    assert "work" in str(run_command("status", ""))
    assert "process at http://127.0.0.1" in str(run_command("ps", ""))
    assert "working on 3" in str(run_command("logs", "work"))
    assert "work" in str(run_command("metrics", ""))
    assert "round trip" in str(run_command("doctor", ""))
    assert "1 idle sandbox is removed" in str(run_command("stop", "work"))
    with pytest.raises(nbfaas.errors.NotOnServer, match="%faas disconnect"):
        run_command("stop", "--all")


def test_after_close_functions_run_here_again(running, service):
    with nbfaas.connect(running.url, token=running.token) as server:
        assert get_service().server == server.url
        call = remote(lambda: time.sleep(60)).spawn()
    assert get_service() is local_service()
    with pytest.raises(ServerGone, match="it was closed"):
        call.result(10)
    assert "Connected to" in str(run_command("connect", running.url))
    assert get_service().server == running.url
    assert "Connected already" in str(run_command("connect", running.url + "/"))
    nbfaas.connect(running.url, token=running.token)
    assert "works there again; %faas disconnect once more" in str(run_command("disconnect", ""))
    assert get_service().server == running.url
    assert "run here again" in str(run_command("disconnect", ""))
    assert remote(work).remote(1) == 2


def test_what_an_image_is_built_for_is_said_in_the_notebook(data, serve, client, tmp_path):
    source = tmp_path / "only_there.py"
    source.write_text(f"VALUE = {time.time_ns()}\n")
    running = serve(backend="docker")
    told: list[str] = []
    set_notify(told.append)
    config.show_progress = True
    image = nbfaas.Image.python().add_local_python_source(str(source))
    built = None
    try:
        with nbfaas.connect(running.url, token=running.token):

            def read():
                import only_there

                return only_there.VALUE

            options = {"image": image, "memory": "128MB", "cpu": 0.5}
            assert remote(**options)(read).remote() == int(source.read_text().split()[2])
            until(lambda: any("adding local Python sources" in line for line in told))
            (row,) = [each for each in get_service().sandboxes() if each.function == "read"]
            built = client.containers.get(row.id).image.id
        assert all(line.startswith("on the server: ") for line in told)
    finally:
        set_notify(None)
        running.kill()
        if built is not None:
            client.api.remove_image(built, force=True)


def test_only_an_admins_token_connects(serve):
    token = '[[tokens]]\nrole = "invoke"\nenv = "CALLS"\nname = "shop"\n'
    running = serve(token, env={"CALLS": "shop-token-0123456789"})
    with pytest.raises(ServerRefused, match="needs a token with the role admin") as caught:
        nbfaas.connect(running.url, token="shop-token-0123456789")
    assert "admin's token" in caught.value.__notes__[0]
    with pytest.raises(ServerRefused, match="not the gateway's token"):
        nbfaas.connect(running.url, token="wrong")
    with pytest.raises(ServerUnreachable):
        nbfaas.connect("http://127.0.0.1:9", token="wrong")


def test_what_is_too_large_for_the_server_is_said_here(serve):
    running = serve("session_limit = 1_048_576\n")
    with nbfaas.connect(running.url, token=running.token):
        double = remote(lambda data: len(data))
        assert double.remote(bytes(1000)) == 1000
        with pytest.raises(PayloadTooLarge) as caught:
            double.remote(bytes(2_000_000))
        assert "session_limit" in caught.value.__notes__[0]
        assert [*double.map([bytes(200_000)] * 20)] == [200_000] * 20
        with pytest.raises(ResultTooLarge) as caught:
            remote(lambda: bytes(2_000_000)).remote()
        assert "session_limit" in caught.value.__notes__[0]
        whole = bytes(800_000)
        with pytest.raises(PayloadTooLarge, match="function"):
            remote(lambda: len(whole)).remote()
        assert double.remote(b"12") == 2


@pytest.mark.parametrize("how", ["Content-Length: 4294967295", "Transfer-Encoding: chunked"])
def test_what_a_notebook_announces_is_bounded_before_it_comes(serve, how):
    running = serve("session_limit = 1_048_576\n")
    with nbfaas.connect(running.url, token=running.token) as server:
        address = urlsplit(running.url)
        with socket.create_connection((address.hostname, address.port), 60) as sent:
            sent.sendall(
                f"POST /sessions/{server._service.session}/commands?number=7 HTTP/1.1\r\n"
                f"Host: 127.0.0.1\r\nAuthorization: Bearer {running.token}\r\n"
                f"{how}\r\n\r\n".encode()
            )
            if how.endswith("chunked"):
                sent.sendall(b"ffffffff\r\n" + bytes(1_048_577))
            answer = sent.recv(4096).decode()
        assert answer.startswith("HTTP/1.1 413 ")
        assert not server.is_over
        assert remote(work).remote(1) == 2
