"""A notebook that works on a server: its functions and those of the server, on the server."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from urllib.parse import urlsplit

import numpy as np
import pytest
from cutting import Way
from function_images import PREFIX
from serving import ROOT
from waiting import until

import nbfaas
from nbfaas import Secret, remote
from nbfaas.errors import (
    FunctionTimeout,
    OptionError,
    PayloadTooLarge,
    RemoteError,
    ResultTooLarge,
    ServerGone,
    ServerRefused,
    ServerUnreachable,
    UntrustedResult,
)
from nbfaas.notebook.commands import run_command
from nbfaas.remote.function import HandlerFunction
from nbfaas.service import get_service, local_service, set_notify
from nbfaas.settings import config

pytestmark = pytest.mark.docker  # function images are read there, also for the process backend
NAME = f"{PREFIX}connected"


@pytest.fixture
def running(serve):
    return serve()


@pytest.fixture
def server(running):
    with nbfaas.connect(running.url, token=running.token) as server:
        yield server


@pytest.fixture
def way(running):
    way = Way(urlsplit(running.url).port)
    yield way
    way.close()


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


# -- trouble


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
