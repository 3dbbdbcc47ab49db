"""Triggers of a notebook that works on a server: how long they are there, and whose they are."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from connected import shown, small
from function_images import PREFIX
from serving import ROOT
from waiting import until

import nbfaas
from nbfaas import Event, events, on
from nbfaas.errors import (
    BadTrigger,
    NbfaasError,
    ServerError,
)
from nbfaas.errors.simulator import UnknownFunction
from nbfaas.remote.trigger_specs import recording_only

pytestmark = pytest.mark.docker  # the fixtures remove images that are deployed
OTHER = """
import sys
import nbfaas
from nbfaas import on, remote
with nbfaas.connect(sys.argv[1], token=sys.argv[2]):
    exec(sys.argv[3])
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_notebook(running):
    """Connects another process, which runs the code and stays until the test is over."""
    with contextlib.ExitStack() as stack:

        def connect(code: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", OTHER, running.url, running.token, code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            stack.enter_context(process)
            stack.callback(process.stdin.close)
            assert process.stdout.readline() == "ready\n"
            return process

        yield connect


def test_triggers_end_with_the_session_and_what_waits_is_delivered_in_the_next(running):
    def define():
        @on.event("later", name="later")
        @small
        def later(event):
            return event.id

        return later

    with nbfaas.connect(running.url, token=running.token):
        define()
        nbfaas.triggers["later"].pause()
        nbfaas.emit("later", id="kept")
    with nbfaas.connect(running.url, token=running.token):
        until(lambda: "later" not in nbfaas.triggers)
        assert "missing" in shown("triggers")
        assert nbfaas.emit("later").triggers == ()
        define()
        until(lambda: not nbfaas.triggers["later"].waiting, 30)
        assert nbfaas.triggers.drain(60)
        store = nbfaas.service.get_service().events.store
        (kept,) = store.events(["kept"])
        assert kept.deliveries[0].state == "done"


def test_a_trigger_that_is_made_while_its_session_ends_goes_with_it(running):
    def racing(event):
        return 1

    with recording_only():
        function = on.event("x", name="racing")(small(racing))

    def make(service):
        with contextlib.suppress(NbfaasError, concurrent.futures.CancelledError):
            service.run(service.events.add(function.triggers[0], function))

    for pause in range(8):
        with nbfaas.connect(running.url, token=running.token) as server:
            making = threading.Thread(target=make, args=(nbfaas.service.get_service(),))
            making.start()
            time.sleep(0.004 * pause)
            server.close()
            making.join()
    with nbfaas.connect(running.url, token=running.token):
        until(lambda: "racing" not in nbfaas.triggers, 10)


def test_two_notebooks_may_have_functions_of_one_name_but_not_triggers(running, other_notebook):
    other_notebook(
        "@on.event('x', name='of-other')\n@remote(cpu=0.5, memory='128MB')\n"
        "def seen(event):\n    return 'other'\n",
    )
    with nbfaas.connect(running.url, token=running.token):

        def seen(event):
            return "this"

        with pytest.raises(BadTrigger, match="another notebook's"):
            on.event("x", name="of-other")(small(seen))
        on.event("x", name="of-this")(small(seen))
        found = events.send(Event("x")).wait(60)
        assert {each.trigger: each.attempts[0].result for each in found} == {
            "of-other": "other",
            "of-this": "this",
        }
        with pytest.raises(BadTrigger, match="another notebook's"):
            nbfaas.triggers["of-other"].remove()


def test_a_trigger_of_a_notebook_that_is_gone_gives_way(running, other_notebook):
    gone = other_notebook(
        "@on.event('x', name='once')\n@remote(cpu=0.5, memory='128MB')\n"
        "def seen(event):\n    return 'gone'\n"
    )
    gone.kill()
    with nbfaas.connect(running.url, token=running.token):

        def seen(event):
            return "here"

        def taken_over():
            with contextlib.suppress(BadTrigger):
                return on.event("x", name="once")(small(seen))

        until(taken_over, 20)  # as soon as its stream has broken; its session has 30 s
        (delivery,) = events.send(Event("x")).wait(60)
        assert delivery.attempts[0].result == "here"


def test_a_deployed_function_gets_triggers_for_as_long_as_the_session_is_there(data, serve):
    def deployed(x: int = 1):
        return x * 2

    with recording_only():
        on.event("its-own")(small(deployed)).deploy(f"{PREFIX}ev", alias="prod")
    running = serve()
    with nbfaas.connect(running.url, token=running.token) as server:
        assert [each.name for each in nbfaas.triggers if each.kind == "event"] == ["deployed-event"]
        on.event("also", name="in-session")(server.function(f"{PREFIX}ev"))
        form = nbfaas.simulate(server.function(f"{PREFIX}ev")).form
        assert form["schema"]["properties"]["x"]["type"] == "integer"
        for name in (f"{PREFIX}ev", f"{PREFIX}ev:v1"):  # %faas simulate NAME
            named = nbfaas.simulate(name)
            assert named.form["schema"] == form["schema"]
        with pytest.raises(UnknownFunction, match=f"did you mean '{PREFIX}ev'"):
            nbfaas.simulate(f"{PREFIX}eve")
        for kind in ("also", "its-own"):
            (delivery,) = events.send(Event(kind, {"x": 4})).wait(60)
            assert delivery.attempts[0].result == 8
        with pytest.raises(BadTrigger, match="pause it instead"):
            nbfaas.triggers["deployed-event"].remove()
        with pytest.raises(BadTrigger, match="choose another"):
            on.event("also", name="deployed-event")(server.function(f"{PREFIX}ev"))
        with pytest.raises(BadTrigger, match="deploy it with this trigger"):
            on.file("/srv/inbox/*.csv")(server.function(f"{PREFIX}ev"))
    with nbfaas.connect(running.url, token=running.token):
        until(lambda: "in-session" not in nbfaas.triggers)
        assert "deployed-event" in nbfaas.triggers


def test_a_deployed_function_gets_the_trigger_of_a_notebook_once_that_is_gone(data, serve):
    def both(x: int = 1):
        return x

    running = serve()
    with nbfaas.connect(running.url, token=running.token):
        on.event("both", name=f"{PREFIX}both")(function := small(both))
        function.deploy(f"{PREFIX}both", alias="prod")
        until(lambda: "has this name" in running.told, 20)
        assert "a trigger of a connected notebook has this name. It will be made" in running.told
    with nbfaas.connect(running.url, token=running.token):
        until(lambda: f"{PREFIX}both" in nbfaas.triggers, 20)
        assert nbfaas.triggers[f"{PREFIX}both"].target == f"{PREFIX}both"
        on.event("both", name="own")(small(both))
        with pytest.raises(BadTrigger, match=rf"'{PREFIX}both' has this name .*; choose another"):
            on.event("both", name=f"{PREFIX}both")(small(both))


def test_a_server_that_closes_ends_the_triggers_of_sessions_cleanly(running, capsys):
    with nbfaas.connect(running.url, token=running.token):

        @on.event("x")
        @small
        def seen(event):
            return 1

        nbfaas.emit("x")
        assert running.stop() == 0
        with pytest.raises(ServerError):
            nbfaas.emit("x")
        assert "Traceback" not in running.told


def test_an_emit_that_a_killed_server_does_not_answer_says_what_to_do(server, running):
    nbfaas.emit("x")
    running.signal(signal.SIGKILL)
    running.process.wait(30)
    with pytest.raises(ServerError) as found:  # what is told changes once the session is given up
        nbfaas.emit("x")
    told = "\n".join([str(found.value), *getattr(found.value, "__notes__", ())])
    assert "with the same id" in told or "connection to the server" in told
    until(lambda: server.is_over, 30)
    with pytest.raises(ServerError, match="connection to the server"):
        nbfaas.emit("x")
