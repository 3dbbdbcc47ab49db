"""Functions behind HTTP, through the service as a notebook has it."""

from __future__ import annotations

import time

import httpx
import pytest
from events import SOON, delivered, new_type, no_triggers, results  # noqa: F401
from waiting import until

import nbfaas
from nbfaas import on, remote
from nbfaas.errors import BadTrigger
from nbfaas.model.delivery import DeliveryState

pytestmark = pytest.mark.usefixtures("service", "no_triggers")


@pytest.fixture
def client(service):
    endpoint = nbfaas.endpoint()
    with httpx.Client(base_url=endpoint.url, headers=endpoint.headers, timeout=60) as client:
        yield client


def test_the_response_of_a_request_is_the_result_of_the_function(client):
    @on.http("POST", "/orders/{id:int}")
    @remote
    def order(id: int, total: float, event, context, verbose: bool = False):
        return {"id": id, "total": total, "verbose": verbose, "attempt": context.attempt}

    answer = client.post("/orders/7?verbose=true", json={"total": 2.5})
    assert answer.status_code == 200
    assert answer.json() == {"id": 7, "total": 2.5, "verbose": True, "attempt": 1}
    call = nbfaas.FunctionCall.from_id(answer.headers["nbfaas-invocation-id"])
    assert call.function == "order"
    assert client.get("/orders/7").status_code == 405
    assert client.post("/orders/seven", json={}).status_code == 404


def test_what_is_wrong_with_a_request_or_a_function_has_its_status(client):
    @on.http("GET", "/echo")
    @remote
    def echo(n: int):
        if n < 0:
            raise ValueError("negative")
        return {1, 2} if n == 0 else str(n)

    answer = client.get("/echo", params={"n": 5})
    assert (answer.status_code, answer.text) == (200, "5")
    assert client.get("/echo").status_code == 400
    assert "'n'" in client.get("/echo", params={"n": "x"}).json()["detail"]
    failed = client.get("/echo", params={"n": -1})
    assert (failed.status_code, failed.json()["error"]) == (500, "ValueError")
    odd = client.get("/echo", params={"n": 0})
    assert (odd.status_code, odd.json()["error"]) == (500, "ResultNotJson")
    assert client.get("/echo", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_function_that_takes_too_long_is_cut_off_at_its_timeout_or_the_deadline(client):
    @on.http("GET", "/slow", deadline=60)
    @remote(timeout=0.3)
    def slow():
        time.sleep(30)

    @on.http("GET", "/late", deadline=0.5)
    @remote
    def late():
        time.sleep(30)

    assert client.get("/slow").status_code == 504
    began = time.monotonic()
    answer = client.get("/late")
    assert answer.status_code in (503, 504)  # perhaps its sandbox was not started in time
    assert time.monotonic() - began < 10


def test_a_request_may_be_answered_before_it_is_worked_on(service, client):
    @on.http("POST", "/later", respond="async", delivery=SOON)
    @remote
    def later(n, context):
        if context.attempt == 1:
            raise OSError("not yet")
        return n

    answer = client.post("/later", json={"n": 3}, headers={"Idempotency-Key": new_type("key")})
    assert answer.status_code == 202
    (kept,) = delivered(service, answer.json()["id"])
    assert results(service, kept) == [None, 3]
    status = client.get(answer.headers["location"]).json()
    assert [attempt["state"] for attempt in status["deliveries"][0]["attempts"]] == [
        "failed", "succeeded",
    ]  # fmt: skip
    assert client.get("/invocations/unknown").status_code == 404


def test_cloud_events_that_are_posted_are_on_the_bus(service, client):
    kind = new_type()

    @on.event(kind)
    @remote
    def handle(event):
        return [event.source, event.data]

    headers = {
        "ce-specversion": "1.0", "ce-id": kind, "ce-source": "/shop", "ce-type": kind,
        "content-type": "application/json",
    }  # fmt: skip
    answer = client.post("/events", headers=headers, json={"total": 1})
    assert (answer.status_code, answer.json()["matched"]) == (202, ["handle-event"])
    (kept,) = delivered(service, kind)
    assert results(service, kept) == [["/shop", {"total": 1}]]
    again = client.post("/events", headers=headers, json={"total": 1})
    assert (again.status_code, again.json()["duplicate"]) == (202, True)
    other = client.post("/events", headers=headers, json={"total": 2})
    assert other.status_code == 409


def test_a_full_queue_answers_429_and_accepts_nothing(service, client, setting):
    kind = new_type()

    @on.event(kind, name="full")
    @remote
    def full(n): ...

    nbfaas.triggers["full"].pause()
    nbfaas.emit(kind, {"n": 1})
    setting(max_backlog=1)
    headers = {"ce-specversion": "1.0", "ce-id": "no" + kind, "ce-source": "/x", "ce-type": kind}
    answer = client.post("/events", headers=headers)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert service.events.store.deliveries_of("no" + kind) == []


def test_a_paused_route_is_told_so_and_a_removed_one_is_gone(client):
    @on.http("GET", "/pause", name="pause")
    @remote
    def pause():
        return "here"

    assert client.get("/pause").text == "here"
    nbfaas.triggers["pause"].pause()
    until(lambda: client.get("/pause").status_code == 503)
    nbfaas.triggers["pause"].resume()
    until(lambda: client.get("/pause").status_code == 200)
    nbfaas.triggers["pause"].remove()
    assert client.get("/pause").status_code == 404


def test_a_route_of_another_function_is_refused_and_of_the_same_replaced(client):
    @on.http("GET", "/taken")
    @remote
    def first():
        return 1

    @remote
    def second():
        return 2

    with pytest.raises(BadTrigger, match="first-http"):
        on.http("GET", "/taken")(second)
    assert client.get("/taken").json() == 1


def test_metrics_are_served_and_count_deliveries(service, client):
    kind = new_type()

    @on.event(kind, name="counted", delivery=1)
    @remote
    def counted(n):
        return 1 // n

    client.get("/metrics")
    kept = [delivered(service, nbfaas.emit(kind, {"n": n}).id)[0] for n in (1, 0)]
    assert [each.state for each in kept] == [DeliveryState.DONE, DeliveryState.DEAD]

    def told() -> bool:
        text = client.get("/metrics").text
        return (
            'nbfaas_dead_letters_total{trigger="counted"} 1.0' in text
            and 'faas_errors_total{faas_name="counted"' in text
        )

    until(told)
    asked = client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert asked.headers["content-type"].startswith("application/openmetrics-text")
