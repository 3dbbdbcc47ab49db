"""A repeated request is the same call, also after a restart; another's with the same key is not."""

from __future__ import annotations

import httpx
import pytest
from function_images import PREFIX
from waiting import until

from nbfaas import on, remote
from nbfaas.remote.trigger_specs import recording_only

pytestmark = pytest.mark.docker  # function images are read there, also for the process backend
NAME = f"{PREFIX}keys"
TOKENS = {"OPS": "token-of-the-operators", "SHOP": "token-of-the-web-shop"}
TABLES = 'token_env = ["OPS"]\n[[tokens]]\nrole = "invoke"\nenv = "SHOP"\n'


def test_a_route_repeats_nothing_for_one_sender_and_keeps_senders_apart(data, serve, tmp_path):
    made = tmp_path / "made"

    def note(event, path=str(made)):
        with open(path, "a") as file:
            file.write(f"{event.id}\n")
        return event.id

    function = remote(memory="128MB", cpu=0.5)(note)
    with recording_only():
        function = on.http("POST", "/orders", name="orders", respond="async")(function)
        function = on.http("POST", "/open", name="open", respond="async", auth=False)(function)
        function.deploy(NAME, alias="prod")

    def ask(running, who: str | None, path: str) -> httpx.Response:
        # The event has the headers of its request, so the port must not be in one of them.
        headers = {"Host": "localhost", "Idempotency-Key": "order-7"}
        if who is not None:
            headers["Authorization"] = f"Bearer {TOKENS[who]}"
        return httpx.post(running.url + path, json={"of": who}, headers=headers, timeout=60)

    asked = [("OPS", "/orders"), ("SHOP", "/orders"), ("SHOP", "/open"), (None, "/open")]
    running = serve(TABLES, env=TOKENS)
    first = [ask(running, *each) for each in asked]
    assert [each.status_code for each in first] == [202] * 4, running.told
    assert [each.json()["id"] for each in first] == [
        "OPS@order-7", "SHOP@order-7", "SHOP@order-7", "*@order-7",
    ]  # fmt: skip
    until(lambda: made.exists() and len(made.read_text().splitlines()) == 4, 30)
    assert running.stop() == 0

    running = serve(TABLES, env=TOKENS)
    again = [ask(running, *each) for each in asked]
    assert [each.json() for each in again] == [each.json() for each in first]
    authorized = {"Authorization": f"Bearer {TOKENS['SHOP']}"}
    for answer, status in zip(again, (403, 200, 200, 403), strict=True):
        url = running.url + answer.headers["location"]
        assert httpx.get(url, headers=authorized).status_code == status
    assert httpx.post(
        running.url + "/orders", json={"of": "another"},
        headers={**authorized, "Host": "localhost", "Idempotency-Key": "order-7"},
    ).status_code == 409  # fmt: skip
    assert sorted(made.read_text().split()) == sorted(each.json()["id"] for each in first)
