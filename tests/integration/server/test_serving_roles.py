"""What each role of a token may do with a server."""

from __future__ import annotations

import itertools

import httpx
import pytest
from function_images import PREFIX
from waiting import until

from nbfaas import on, remote
from nbfaas.remote.trigger_specs import recording_only

pytestmark = pytest.mark.docker
NAME = f"{PREFIX}roles"
TOKENS = {
    "ADMIN": "token-of-the-administrator",
    "SHOP": "token-of-the-web-shop",
    "CLERK": "token-of-the-other-clerk",
    "EYES": "token-of-the-monitoring",
}
TABLES = 'token_env = ["ADMIN"]\n' + "".join(
    f'[[tokens]]\nrole = "{role}"\nenv = "{name}"\n'
    for name, role in (("SHOP", "invoke"), ("CLERK", "invoke"), ("EYES", "read"))
)


def same(x: int = 0):
    return x


def test_a_role_is_let_in_where_it_belongs_and_told_which_one_is_needed(data, serve):
    with recording_only():
        on.http("GET", "/roles/{x:int}")(remote(memory="128MB", cpu=0.5)(same)).deploy(
            NAME, alias="prod"
        )
    running = serve(TABLES, env=TOKENS)

    def ask(who: str, method: str, path: str, **given) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKENS[who]}", **given.pop("headers", {})}
        return httpx.request(method, running.url + path, headers=headers, timeout=60, **given)

    event = {"specversion": "1.0", "type": "a.b", "source": "test", "id": "1"}
    as_event = {"content-type": "application/cloudevents+json"}
    for role, method, path, given in (
        ("invoke", "POST", f"/functions/{NAME}", {"json": {"x": 3}}),
        ("invoke", "GET", "/roles/3", {}),
        ("invoke", "POST", "/events", {"json": event, "headers": as_event}),
        ("read", "GET", "/metrics", {}),
        ("read", "GET", "/admin/ps", {}),
        ("read", "GET", "/admin/triggers", {}),
        ("any", "GET", "/functions", {}),
        ("any", "GET", f"/functions/{NAME}", {}),
        ("any", "GET", "/openapi.json", {}),
        ("any", "GET", "/readyz", {}),
        ("admin", "GET", "/admin/dlq", {}),
        ("admin", "GET", f"/admin/logs?function={NAME}", {}),
        ("admin", "POST", "/admin/reload", {}),
        ("admin", "POST", f"/admin/triggers/invoke:{NAME}/resume", {}),
    ):
        for who, has in (("ADMIN", "admin"), ("SHOP", "invoke"), ("EYES", "read")):
            reply = ask(who, method, path, **given)
            if role in (has, "any") or has == "admin":
                assert reply.is_success, (who, path, reply.text)
            else:
                assert reply.status_code == 403, (who, path)
                assert f"the role {'' if role == 'admin' else role}" in reply.json()["detail"]
                assert f"this one has {has}" in reply.json()["detail"]

    for source in (f"nbfaas/functions/{NAME}", "nbfaas/http/roles", "nbfaas/webhooks/pay"):
        posing = {**event, "source": source}
        refused = ask("SHOP", "POST", "/events", json=posing, headers=as_event)
        assert refused.status_code == 403
        assert "the server's own; this needs a token with the role admin" in refused.text
        assert ask("ADMIN", "POST", "/events", json=posing, headers=as_event).is_success

    # Both use the same key, and neither is told of the other's call.
    key = {"Idempotency-Key": "order-7"}
    path = f"/functions/{NAME}?async=1"
    status = {who: ask(who, "POST", path, json={"x": at}, headers=key).headers["location"]
              for at, who in enumerate(("SHOP", "CLERK", "ADMIN"))}  # fmt: skip
    assert len(set(status.values())) == 3
    for at, who in enumerate(("SHOP", "CLERK")):
        until(lambda who=who: ask(who, "GET", status[who]).json()["state"] == "done")
        assert ask(who, "GET", status[who]).json()["result"] == at
        assert ask("ADMIN", "GET", status[who]).is_success
        others = ask(who, "GET", status["CLERK" if who == "SHOP" else "SHOP"])
        assert others.status_code == 403
        assert "kept calls of its own only; another needs the role admin" in others.json()["detail"]
        assert ask(who, "GET", status["ADMIN"]).status_code == 403
    assert ask("EYES", "GET", status["SHOP"]).status_code == 403


def test_reading_what_is_not_loaded_loads_nothing(data, serve, client):
    first = remote(memory="128MB", cpu=0.5)(same)
    first.deploy(NAME, alias="prod")
    second = first.with_options(memory="130MB").deploy(NAME, alias="next")
    first.deploy(f"{NAME}-other")
    running = serve(f'functions = ["{NAME}"]\n{TABLES}', env=TOKENS)

    def ask(who: str, method: str, path: str, **given) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKENS[who]}"}
        return httpx.request(method, running.url + path, headers=headers, timeout=60, **given)

    def triggers() -> str:
        return ask("EYES", "GET", "/admin/triggers").text

    before = triggers()
    client.api.remove_image(second.digest, force=True)  # could not be loaded now
    for who, which in itertools.product(("EYES", "SHOP", "ADMIN"), ("v2", "next", "latest")):
        told = ask(who, "GET", f"/functions/{NAME}:{which}").json()
        assert (told["version"], told["state"]) == ("v2", "deployed")
        assert told["reference"] == told["name"] == f"{NAME}:{which}"
        assert told["content_hash"] == second.content_hash
        assert told["parameters"] == ["x"]
    assert triggers() == before
    gone = ask("SHOP", "POST", f"/functions/{NAME}:v2", json={"x": 1})
    assert (gone.status_code, gone.json()["error"]) == (409, "ImageNotFound")
    for path in (f"{NAME}:v9", f"{NAME}:nope", f"{NAME}-other", f"{NAME}-other:v1"):
        assert ask("EYES", "GET", f"/functions/{path}").status_code == 404
    assert triggers() == before
    assert ask("SHOP", "POST", f"/functions/{NAME}:v1", json={"x": 1}).json() == 1
    assert ask("EYES", "GET", f"/functions/{NAME}:v1").json()["state"] == "served"
    assert triggers() != before
