"""Who is let in."""

from __future__ import annotations

import pytest
from raw_http import Raw, request
from running_gateway import TOKEN, Place, running

from nbfaas.errors import OptionError
from nbfaas.gateway import Gateway


async def hello(event):
    return "hello"


@pytest.fixture
async def stranger(place: Place):
    async with place.stranger() as client:
        yield client


@pytest.mark.parametrize("path", ["/events", "/readyz", "/metrics", "/fn", "/nothing"])
@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN]
)
async def test_nothing_is_told_without_the_token(place: Place, stranger, path, authorization):
    await place.on_http("POST", "/fn", hello)
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await stranger.post(path, headers=headers, json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="nbfaas"')
    assert place.engine.called == []


async def test_the_schemes_case_does_not_matter(place: Place, stranger):
    answer = await stranger.get("/readyz", headers={"Authorization": f"bearer  {TOKEN}"})
    assert answer.status_code == 200


async def test_health_and_open_routes_need_no_token(place: Place, stranger):
    await place.on_http("GET", "/open", hello, auth=False)
    assert (await stranger.get("/healthz")).json() == {"status": "ok"}
    assert (await stranger.get("/open")).text == "hello"
    assert (await stranger.post("/open")).status_code == 401  # what is allowed is not told either


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:80", ""])
async def test_a_name_that_was_made_to_lead_here_is_refused(place: Place, client, host):
    await place.on_http("GET", "/open", hello, auth=False)
    for path in ("/healthz", "/open", "/readyz"):
        answer = await client.get(path, headers={"Host": host})
        assert answer.status_code == 421, path
    assert place.engine.called == []


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:80", "[::1]"]
)
async def test_the_loopback_has_several_names(client, host):
    assert (await client.get("/healthz", headers={"Host": host})).status_code == 200


async def test_another_sites_page_can_not_use_an_open_route(place: Place, stranger):
    await place.on_http("POST", "/open", hello, auth=False)
    for origin in ("https://evil.example", "null"):
        answer = await stranger.post("/open", headers={"Origin": origin})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    answer = await stranger.post("/open", headers={"Origin": "http://localhost:8888"})
    assert answer.text == "hello"


async def test_a_header_that_decides_may_not_be_there_twice(place: Place):
    for twice in ("Host: 127.0.0.1", f"Authorization: Bearer {TOKEN}", "ce-id: 1"):
        async with await Raw.open(place.port) as raw:
            await raw.send(request("GET /readyz HTTP/1.1", twice, "ce-id: 2"))
            assert (await raw.answer()).status == 400


async def test_the_body_of_a_stranger_is_not_read(place: Place):
    async with await Raw.open(place.port) as raw:
        line = "POST /events HTTP/1.1"
        await raw.send(request(line, "Content-Length: 5000000", token=False))
        answer = await raw.answer()  # without a byte of it
        assert answer.status == 401
        assert answer.headers["connection"] == "close"


async def test_others_may_reach_it_only_with_a_token():
    from small_engine import SmallEngine

    with pytest.raises(OptionError, match="token"):
        Gateway(SmallEngine(), host="0.0.0.0", token=None)
    with pytest.raises(OptionError, match="token"):
        Gateway(SmallEngine(), token=" ")


async def test_without_a_token_this_machine_is_let_in():
    async with running(token=None) as place, place.stranger() as client:
        assert (await client.get("/readyz")).status_code == 200


async def test_it_listens_on_the_loopback_of_ipv6_too():
    async with running(host="::1") as place, place.client() as client:
        assert place.url.startswith("http://[::1]:")
        assert (await client.get("/readyz")).status_code == 200
