"""An Idempotency-Key is its sender's: others may use the same one for something else."""

from __future__ import annotations

import httpx
from running_gateway import Place, running

from nbfaas.gateway.roles import Role, Token

OPS = Token("token-of-operations", Role.ADMIN, "OPS")
SHOP = Token("token-of-the-shop", Role.INVOKE, "shop")
NEW = Token("another-token-of-the-shop", Role.INVOKE, "shop")
FILE = Token("token-without-a-name")
KEY = {"idempotency-key": "order-7"}


async def give_back(event):
    return event.id


async def sent(client: httpx.AsyncClient, token: str | None, path: str = "/jobs") -> str:
    headers = KEY if token is None else {**KEY, "authorization": f"Bearer {token}"}
    answer = await client.post(path, json=1, headers=headers)
    assert answer.status_code == 202
    return answer.json()["id"]


async def test_each_token_has_keys_of_its_own_and_strangers_have_theirs():
    async with running((OPS, SHOP, NEW, FILE)) as place, place.stranger() as client:
        await place.on_http("POST", "/jobs", give_back, respond="async")
        await place.on_http("POST", "/open", give_back, trigger="g", respond="async", auth=False)
        for token, known_as in (
            (OPS, "OPS@order-7"),
            (SHOP, "shop@order-7"),
            (NEW, "shop@order-7"),  # takes the place of the other one
            (FILE, "order-7"),
        ):
            assert await sent(client, token) == known_as
            assert await sent(client, token, "/open") == known_as
        assert await sent(client, None, "/open") == "*@order-7"
        assert await sent(client, "not-one-of-them", "/open") == "*@order-7"


async def test_what_has_no_key_is_known_by_its_sender_too():
    async with running((OPS, SHOP, FILE)) as place, place.stranger() as client:
        await place.on_http("POST", "/jobs", give_back, respond="async")
        for token, mark in ((SHOP, "shop@"), (FILE, "")):
            headers = {"authorization": f"Bearer {token}"}
            ids = [(await client.post("/jobs", headers=headers)).json()["id"] for _ in range(2)]
            assert len(set(ids)) == 2
            assert all(each.startswith(mark) and ("@" in each) == bool(mark) for each in ids)


async def test_where_there_are_no_tokens_all_share_their_keys():
    async with running(None) as place, place.stranger() as client:
        await _open(place)
        assert await sent(client, None, "/open") == "order-7"
        assert await sent(client, SHOP, "/open") == "order-7"


async def _open(place: Place) -> None:
    await place.on_http("POST", "/open", give_back, respond="async", auth=False)
