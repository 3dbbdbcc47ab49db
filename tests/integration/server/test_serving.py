"""What a server answers: calls, triggers, webhooks, administration."""

from __future__ import annotations

import json
import signal
import time

import docker
import pytest
from function_images import PREFIX
from openapi_spec_validator import OpenAPIV31SpecValidator
from waiting import until

from nbfaas import on, remote
from nbfaas.remote.trigger_specs import recording_only
from nbfaas.server.webhooks import secret_keys, sign

pytestmark = pytest.mark.docker  # function images are read there, also for the process backend
NAME = f"{PREFIX}serve"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def double(x: int = 1, note: str = ""):
    """Twice as much."""
    if x < 0:
        raise ValueError("negative")
    print("doubling", x)
    return {"y": 2 * x, "note": note}


def appending(path: str, size: str = "128MB"):
    """A function that notes each of its events in a file."""

    def note(event):
        with open(path, "a") as file:
            file.write(f"{event.type} {event.id} {event.subject}\n")

    return remote(memory=size, cpu=0.5)(note)


def lines(path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_a_function_answers_at_once_or_later(data, serve):
    remote(memory="128MB", cpu=0.5)(double).deploy(NAME, alias="prod")
    running = serve()
    with running.client() as client:
        reply = client.post(f"/functions/{NAME}", json={"x": 21, "note": "é"})
        assert (reply.status_code, reply.json()) == (200, {"y": 42, "note": "é"})
        assert reply.headers["nbfaas-function-version"] == "v1"
        failed = client.post(f"/functions/{NAME}", json={"x": -1})
        assert (failed.status_code, failed.json()["error"]) == (500, "ValueError")
        assert client.post(f"/functions/{NAME}", data={"x": 1}).status_code == 415
        assert client.post(f"/functions/{NAME}", content=b"{", headers={
            "content-type": "application/json"}).status_code == 400  # fmt: skip
        unknown = client.post(f"/functions/{NAME}x", json={})
        assert unknown.status_code == 404
        assert f"did you mean {NAME!r}" in unknown.json()["detail"]
        for asked in (
            client.post(f"/functions/{NAME}?async=1", json={"x": 4}),
            client.post(f"/functions/{NAME}", json={"x": 4}, headers={"Prefer": "respond-async"}),
        ):
            assert asked.status_code == 202
            status = asked.headers["location"]
            until(lambda status=status: client.get(status).json()["state"] == "done")
            assert client.get(status).json()["result"] == {"y": 8, "note": ""}
        once = {"Idempotency-Key": "order-7"}
        url = f"/functions/{NAME}?async=1"
        first, again = (client.post(url, json={"x": 1}, headers=once).json() for _ in range(2))
        assert first["id"] == again["id"] == f"{NAME}.order-7"
        assert client.post(url, json={"x": 2}, headers=once).status_code == 409
        document = client.get("/openapi.json").json()
        OpenAPIV31SpecValidator(document).validate()
        body = document["paths"][f"/functions/{NAME}"]["post"]["requestBody"]["content"]
        assert body["application/json"]["schema"]["properties"] == {
            "x": {"type": "integer", "default": 1},
            "note": {"type": "string", "default": ""},
        }
        assert document["paths"][f"/functions/{NAME}"]["post"]["description"] == "Twice as much."
        (listed,) = client.get("/functions").json()["functions"]
        assert (listed["name"], listed["parameters"]) == (NAME, ["x", "note"])
        assert NAME in client.get("/metrics").text
        client.headers.pop("Authorization")
        for path in (f"/functions/{NAME}", "/openapi.json", "/admin/ps", "/invocations/x"):
            assert client.get(path).status_code == 401
    assert running.stop() == 0
    assert running.told.rstrip().endswith("closed")


def test_triggers_and_destinations_work_without_the_notebook(data, serve, tmp_path):
    notes, other = tmp_path / "notes", tmp_path / "other"
    with recording_only():
        then = appending(str(other))
        then.deploy(f"{NAME}-then", alias="prod")
        function = on.schedule("* * * * *", name="never-soon")(appending(str(notes)))
        function = on.file(str(tmp_path / "inbox" / "*.csv"), stable=0.1)(function)
        function = on.every(0.5, name="ticking")(function)
        function = on.event("order.created", on_success="order.noted")(function)
        function.deploy(NAME, alias="prod")
    running = serve()
    (tmp_path / "inbox" / "a.csv").write_text("1")
    sent = running.cli("events", "send", "order.created", "--data", '{"n": 1}')
    assert sent.returncode == 0, sent.stderr
    for word in ("nbfaas.schedule", "nbfaas.file", "order.created"):
        until(lambda word=word: any(word in line for line in lines(notes)), 30)
    shown = running.cli("triggers")
    for name in ("never-soon", "ticking", f"on {NAME}".split()[1]):
        assert name in shown.stdout
    assert running.stop() == 0


def test_a_webhook_is_taken_once_if_it_is_signed(data, serve, tmp_path):
    notes = tmp_path / "notes"
    appending(str(notes)).deploy(NAME, alias="prod")
    hook = f'[[webhooks]]\npath = "/hooks/pay"\nfunction = "{NAME}"\nsecret_env = "PAY"\n'
    running = serve(hook, env={"PAY": SECRET})
    body = json.dumps({"paid": 7}).encode()
    at = int(time.time())
    headers = {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": sign(secret_keys(SECRET)[0], "msg_1", at, body),
    }
    with running.client() as client:
        client.headers.pop("Authorization")
        replies = [client.post("/hooks/pay", content=body, headers=headers) for _ in range(3)]
        assert [reply.status_code for reply in replies] == [202] * 3
        assert [reply.json()["duplicate"] for reply in replies] == [False, True, True]
        assert client.post("/hooks/pay", content=body + b" ", headers=headers).status_code == 401
        assert client.get("/hooks/pay").status_code == 405
    until(lambda: lines(notes) == ["nbfaas.webhook msg_1 /hooks/pay"])


def test_the_command_line_asks_a_running_server(data, serve):
    remote(memory="128MB", cpu=0.5)(double).deploy(NAME, alias="prod")
    running = serve()
    called = running.cli("invoke", NAME, "--data", '{"x": 5}')
    assert json.loads(called.stdout) == {"y": 10, "note": ""}
    assert "doubling 5" in running.cli("logs", NAME).stdout
    assert NAME in running.cli("ps").stdout
    kept = running.cli("invoke", NAME, "--data", '{"x": -1}', "--async")
    assert kept.returncode == 0
    until(lambda: "negative" in running.cli("dlq").stdout)
    assert running.cli("dlq", "purge", "--all").stdout == "1 dead letter forgotten\n"
    failed = running.cli("invoke", NAME, "--data", '{"x": -1}')
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == "Error: ValueError: negative (HTTP 500)\n"
    assert "is no JSON" in running.cli("invoke", NAME, "--data", "{").stderr
    assert running.cli("triggers", "pause", f"invoke:{NAME}").returncode == 0
    assert "paused" in running.cli("triggers").stdout
    assert "no trigger is called" in running.cli("triggers", "resume", "nope").stderr
    refused = running.cli("ps", "--token", "wrong")
    assert "this is not the gateway's token" in refused.stderr
    gone = running.cli("ps", "--server", "http://127.0.0.1:1")
    assert gone.stderr.startswith("Error: no server answers at http://127.0.0.1:1")


def test_what_is_wrong_at_the_start_is_told_with_exit_code_1(data, serve):
    remote(memory="128MB")(double).deploy(NAME, alias="prod")
    running = serve()
    port = running.url.rpartition(":")[2]
    second = running.cli("serve", "--config", str(running.file), "--port", port)
    assert second.returncode == 1
    assert "is held by" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_second_signal_ends_at_once(data, serve, tmp_path):
    def slow():
        import time

        time.sleep(60)

    remote(memory="128MB", cpu=0.5)(slow).deploy(NAME, alias="prod")
    running = serve()
    with running.client() as client:
        client.post(f"/functions/{NAME}?async=1", json={})
        until(lambda: "BUSY" in client.get("/admin/ps").text)
    running.signal()
    until(lambda: "SIGTERM: closing" in running.told)
    began = time.monotonic()
    running.signal()
    assert running.process is not None
    assert running.process.wait(20) == 128 + signal.SIGTERM
    assert time.monotonic() - began < 5


def test_on_docker_nothing_is_left_behind(data, serve, client: docker.DockerClient):
    deployed = remote(memory="128MB", cpu=0.5)(double).deploy(NAME, alias="prod")
    running = serve(backend="docker")
    with running.client() as http:
        assert http.post(f"/functions/{NAME}", json={"x": 3}).json()["y"] == 6
    using = {"ancestor": deployed.digest}
    assert client.containers.list(all=True, filters=using)
    assert running.stop() == 0
    until(lambda: not client.containers.list(all=True, filters=using))


def test_only_what_the_configuration_names_is_served(data, serve):
    function = remote(memory="128MB", cpu=0.5)(double)
    function.deploy(NAME, alias="dev")
    function.deploy(f"{NAME}-other", alias="prod")
    running = serve(f'functions = ["{NAME}:dev", "{NAME}:v1"]\n')
    with running.client() as client:
        assert client.post(f"/functions/{NAME}", json={"x": 1}).json()["y"] == 2
        assert client.post(f"/functions/{NAME}:v1", json={"x": 1}).json()["y"] == 2
        assert client.post(f"/functions/{NAME}-other", json={"x": 1}).status_code == 404
        assert client.post(f"/functions/{NAME}-other:prod", json={"x": 1}).status_code == 404
    running.stop()
    for more, problem in (
        ('functions = ["nope"]\n', "functions: 'nope' can't be served; no function is deployed"),
        (
            '[[webhooks]]\npath = "/h"\nfunction = "nope"\nsecret_env = "PAY"\n',
            "webhooks[0].function: no function is served as 'nope'",
        ),
    ):
        text = f'port = 0\nbackend = "process"\ndata_dir = "{data}"\n{more}'
        running.file.write_text(text)
        wrong = running.cli("serve", "--config", str(running.file), env={"PAY": SECRET})
        assert wrong.returncode == 1
        assert problem in wrong.stderr
        assert "Traceback" not in wrong.stderr


def test_a_queue_whose_password_is_missing_is_told_and_all_else_is_served(data, serve):
    with recording_only():
        function = remote(memory="128MB", cpu=0.5)(double)
        on.queue("redis://shop:pass@127.0.0.1:1/0", stream="orders", name="orders")(function)
        function.deploy(NAME, alias="prod")
    running = serve()
    assert "queue_env: the trigger 'orders'" in running.told
    assert "put orders = 'VARIABLE' here" in running.told
    with running.client() as client:
        assert client.post(f"/functions/{NAME}", json={"x": 1}).json()["y"] == 2
        assert "orders" not in client.get("/admin/triggers").text
    running.stop()
    again = serve('[queue_env]\norders = "ORDERS"\n', env={"ORDERS": "redis://a:b@127.0.0.1:1/0"})
    with again.client() as client:
        until(lambda: "failing" in client.get("/admin/triggers").text)
    assert "a:b" not in again.told
