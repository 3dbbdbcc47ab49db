"""Requests that run a function, or leave an event for one."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from raw_http import Raw, request
from running_gateway import TOKEN, Place

from nbfaas.errors.delivery import EventStoreUnavailable, IntakeFull, ResultNotJson
from nbfaas.errors.gateway import DeadlinePassed, NoCapacity
from nbfaas.errors.invocation import BindingError, FunctionTimeout, OutOfMemory, RemoteError


async def give_back(event):
    return event.data


async def test_a_function_gets_the_request_as_an_event(place: Place, client: httpx.AsyncClient):
    await place.on_http("POST", "/orders/{id:int}/{rest:path}", give_back, deadline=7)
    answer = await client.post(
        "/orders/12/a/b?x=1&x=2&y=", json={"total": 5}, headers={"X-Shop": "north"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["nbfaas-invocation-id"] == "call-1"
    data = answer.json()
    assert data["method"] == "POST"
    assert data["path"] == "/orders/12/a/b"
    assert data["path_parameters"] == {"id": 12, "rest": "a/b"}
    assert data["query"] == {"x": ["1", "2"], "y": ""}
    assert data["body"] == {"total": 5}
    assert data["headers"]["x-shop"] == "north"
    trigger, event, deadline = place.engine.called[0]
    assert (trigger, deadline) == ("fn", 7.0)
    assert (event.type, event.source) == ("nbfaas.http.request", "nbfaas/http/fn")
    assert event.subject == "/orders/12/a/b"


async def test_the_gateways_token_does_not_reach_the_function(place: Place, client):
    await place.on_http("GET", "/", give_back)
    answer = await client.get("/", headers={"Cookie": f"token={TOKEN}", "X-Key": "mine"})
    assert TOKEN not in answer.text
    assert answer.json()["headers"]["x-key"] == "mine"


async def test_an_open_route_hands_on_the_authorization_of_its_caller(place: Place):
    await place.on_http("GET", "/", give_back, auth=False)
    async with place.stranger() as stranger:
        answer = await stranger.get("/", headers={"Authorization": "Basic eDp5"})
    assert answer.json()["headers"]["authorization"] == "Basic eDp5"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no such total"), 500),
        (RemoteError("shop.NoStock", "sold out"), 500),
        (ResultNotJson("fn", "an HTTP response", "a set"), 500),
        (BindingError("fn", "order", "it has no default"), 400),
        (FunctionTimeout("fn", 3), 504),
        (DeadlinePassed("fn", 3), 504),
        (NoCapacity("fn", 3, retry_after=2.1), 503),
        (IntakeFull(5, 5, retry_after=4), 429),
        (OutOfMemory("fn", "box", 1 << 20), 502),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_each_failure_is_a_problem_with_its_status(place: Place, client, error, status):
    async def fail(event):
        raise error

    await place.on_http("POST", "/", fail)
    answer = await client.post("/")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    retry = {503: "3", 429: "4"}.get(status)
    assert answer.headers.get("retry-after") == retry


async def test_the_functions_own_exception_is_told_by_type_and_message(place: Place, client):
    async def fail(event):
        raise RemoteError("shop.NoStock", "sold out")

    await place.on_http("POST", "/", fail)
    problem = (await client.post("/")).json()
    assert (problem["error"], problem["detail"]) == ("shop.NoStock", "sold out")


async def test_broken_json_is_refused_before_the_function_runs(place: Place, client):
    await place.on_http("POST", "/", give_back)
    answer = await client.post("/", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert "no valid application/json" in answer.json()["detail"]
    assert place.engine.called == []


async def test_a_function_declares_status_headers_and_body(place: Place, client):
    async def declared(event):
        return {"statusCode": 201, "headers": {"Location": "/o/1", "X-N": 3}, "body": "made"}

    await place.on_http("POST", "/", declared)
    answer = await client.post("/")
    assert (answer.status_code, answer.text) == (201, "made")
    assert (answer.headers["location"], answer.headers["x-n"]) == ("/o/1", "3")


async def test_a_header_with_a_line_break_is_a_problem_and_splits_nothing(place: Place, client):
    async def hostile(event):
        return {"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: b=c"}}

    await place.on_http("GET", "/", hostile)
    answer = await client.get("/")
    assert answer.status_code == 500
    assert answer.json()["error"] == "BadHttpResponse"
    assert "set-cookie" not in answer.headers


async def test_nothing_returned_is_204_without_a_body(place: Place, client):
    async def nothing(event):
        return None

    await place.on_http("GET", "/", nothing)
    answer = await client.get("/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers


async def test_head_is_answered_without_a_body(place: Place, client):
    await place.on_http("GET", "/", give_back)
    answer = await client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert place.engine.called[0][1].data["method"] == "HEAD"


async def test_an_async_route_answers_202_and_where_to_ask(place: Place, client):
    await place.on_http("POST", "/jobs", give_back, respond="async")
    answer = await client.post("/jobs", json=1, headers={"Idempotency-Key": "a/b 1"})
    assert answer.status_code == 202
    assert answer.json() == {"id": "a/b 1", "status_url": "/invocations/a%2Fb%201"}
    assert answer.headers["location"] == "/invocations/a%2Fb%201"
    trigger, event = place.engine.enqueued[0]
    assert (trigger, event.id, event.data["body"]) == ("fn", "a/b 1", 1)
    assert place.engine.called == []
    told = await client.get(answer.json()["status_url"])
    assert told.json() == {"id": "a/b 1", "trigger": "fn", "state": "waiting"}


async def test_an_event_that_can_not_be_kept_is_not_acknowledged(place: Place, client):
    await place.on_http("POST", "/jobs", give_back, respond="async")
    place.engine.refuse_with = EventStoreUnavailable("/e.db", "the disk is full", "Make room.")
    answer = await client.post("/jobs", json=1)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert place.engine.enqueued == []


async def test_an_unknown_invocation_is_404(client):
    assert (await client.get("/invocations/none")).status_code == 404
    assert (await client.post("/invocations/none")).status_code == 405


async def test_a_trace_becomes_the_events(place: Place, client):
    await place.on_http("POST", "/", give_back)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await client.post("/", headers={"traceparent": trace})
    await client.post("/", headers={"traceparent": "nonsense"})
    first, second = (event for _, event, _ in place.engine.called)
    assert first.extensions == {"traceparent": trace}
    assert second.extensions == {}
    assert "traceparent" not in first.data["headers"]


async def test_routes_come_pause_and_go_while_the_gateway_runs(place: Place, client):
    assert (await client.get("/late")).status_code == 404
    source = await place.on_http("GET", "/late", give_back)
    assert (await client.get("/late")).status_code == 200
    answer = await client.post("/late")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    await place.pause(source)
    assert (await client.get("/late")).status_code == 503
    source.release()
    assert (await client.get("/late")).status_code == 404


async def test_64_clients_at_once_get_each_their_own_answer(place: Place):
    async def slowly(event):
        await asyncio.sleep(0.01)
        return event.data["path_parameters"]["n"]

    await place.on_http("GET", "/{n:int}", slowly)

    async def one(n):
        found = []
        async with await Raw.open(place.port) as raw:
            for i in range(20):
                await raw.send(request(f"GET /{n * 100 + i} HTTP/1.1"))
                found.append(int((await raw.answer()).body))
        return found

    answers = await asyncio.gather(*(one(n) for n in range(64)))
    assert answers == [[n * 100 + i for i in range(20)] for n in range(64)]


async def test_an_error_in_the_engine_is_logged_and_not_told(place: Place, client, caplog):
    place.engine.refuse_with = KeyError("secret detail")
    await place.on_http("POST", "/", give_back, respond="async")
    answer = await client.post("/")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text
