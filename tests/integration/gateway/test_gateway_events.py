"""``POST /events``: the examples of the CloudEvents specification, and what breaks its rules."""

from __future__ import annotations

import base64
import json

import httpx
import pytest
from cloudevents.core.bindings import http as sdk
from cloudevents.core.v1.event import CloudEvent
from raw_http import Raw, request
from running_gateway import Place, running

from nbfaas.agent.event import format_time
from nbfaas.errors.delivery import EventStoreHeld, IntakeFull
from nbfaas.gateway import Limits

STRUCTURED = {"Content-Type": "application/cloudevents+json"}
BATCHED = {"Content-Type": "application/cloudevents-batch+json"}
# The example of the specification (spec.md, "Example").
EXAMPLE = {
    "specversion": "1.0",
    "type": "com.github.pull_request.opened",
    "source": "https://github.com/cloudevents/spec/pull",
    "subject": "123",
    "id": "A234-1234-1234",
    "time": "2018-04-05T17:31:00Z",
    "comexampleextension1": "value",
    "comexampleothervalue": 5,
    "datacontenttype": "text/xml",
    "data": '<much wow="xml"/>',
}
SMALL = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t.x"}


def only(place: Place):
    (event,) = place.engine.accepted.values()
    return event


async def test_the_structured_example_arrives_as_it_is(place: Place, client: httpx.AsyncClient):
    answer = await client.post("/events", content=json.dumps(EXAMPLE), headers=STRUCTURED)
    assert answer.status_code == 202
    assert answer.json() == {
        "id": "A234-1234-1234",
        "source": "https://github.com/cloudevents/spec/pull",
        "duplicate": False,
        "matched": ["on_com_github_pull_request_opened"],
    }
    assert only(place).to_dict() == EXAMPLE


async def test_the_binary_example_of_the_binding_arrives(place: Place, client):
    # http-protocol-binding.md, 3.1.4
    headers = {
        "ce-specversion": "1.0",
        "ce-type": "com.example.someevent",
        "ce-time": "2018-04-05T03:56:24Z",
        "ce-id": "1234-1234-1234",
        "ce-source": "/mycontext/subcontext",
        "Content-Type": "application/json; charset=utf-8",
    }
    answer = await client.post("/events", content=b'{"a": [1, "\xc3\xa9"]}', headers=headers)
    assert answer.status_code == 202
    event = only(place)
    assert event.data == {"a": [1, "é"]}
    assert event.datacontenttype == "application/json; charset=utf-8"
    assert format_time(event.time) == "2018-04-05T03:56:24Z"


async def test_the_batched_example_of_the_format_arrives(place: Place, client):
    # json-format.md, 4.3
    batch = [
        {
            "specversion": "1.0",
            "type": "com.example.someevent",
            "source": "/mycontext/4",
            "id": "B234-1234-1234",
            "time": "2018-04-05T17:31:00Z",
            "comexampleextension1": "value",
            "comexampleothervalue": 5,
            "datacontenttype": "application/vnd.apache.thrift.binary",
            "data_base64": base64.b64encode(b"\x00thrift").decode(),
        },
        {
            "specversion": "1.0",
            "type": "com.example.someotherevent",
            "source": "/mycontext/9",
            "id": "C234-1234-1234",
            "time": "2018-04-05T17:31:05Z",
            "comexampleextension1": "value",
            "comexampleothervalue": 5,
            "datacontenttype": "application/json",
            "data": {"appinfoA": "abc", "appinfoB": 123, "appinfoC": True},
        },
    ]
    answer = await client.post("/events", content=json.dumps(batch), headers=BATCHED)
    assert answer.status_code == 202
    assert [(row["status"], row["id"]) for row in answer.json()["events"]] == [
        (202, "B234-1234-1234"),
        (202, "C234-1234-1234"),
    ]
    assert [event.to_dict() for event in place.engine.accepted.values()] == batch
    answer = await client.post("/events", content=b"[]", headers=BATCHED)
    assert (answer.status_code, answer.json()) == (202, {"events": []})


@pytest.mark.parametrize("write", [sdk.to_binary_event, sdk.to_structured_event])
async def test_what_the_sdk_sends_arrives(place: Place, client, write):
    sent = CloudEvent(
        {"id": "1", "source": "/s", "type": "t", "subject": 'Größe 100% "quoted"', "myext": "ü"},
        {"total": 5},
    )
    message = write(sent)
    answer = await client.post("/events", content=message.body, headers=message.headers)
    assert answer.status_code == 202
    event = only(place)
    assert (event.subject, event.data) == ('Größe 100% "quoted"', {"total": 5})
    assert event.extensions == {"myext": "ü"}
    assert event.time == sent.get_time()


@pytest.mark.parametrize(
    ("content_type", "body", "data"),
    [
        ("application/json", b"", None),
        ("application/vnd.x+json", b"[1]", [1]),
        (None, b'{"a": 1}', {"a": 1}),
        ("text/plain; charset=latin-1", b"\xe9", "é"),
        ("application/xml", b"<a/>", "<a/>"),
        ("image/png", b"\x89PNG", b"\x89PNG"),
        ("application/octet-stream", b"plain", b"plain"),
    ],
)
async def test_data_is_read_as_its_content_type_says(
    place: Place, client, content_type, body, data
):
    headers = {f"ce-{name}": value for name, value in SMALL.items()}
    if content_type is not None:
        headers["Content-Type"] = content_type
    assert (await client.post("/events", content=body, headers=headers)).status_code == 202
    assert only(place).data == data


async def test_a_quoted_header_is_unquoted(place: Place, client):
    headers = {f"ce-{name}": value for name, value in SMALL.items()}
    headers["ce-subject"] = '"a \\"b\\" c%20d"'
    await client.post("/events", headers=headers)
    assert only(place).subject == 'a "b" c d'


def without(name):
    return {key: value for key, value in SMALL.items() if key != name}


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (without("id"), "id"),
        (without("source"), "source"),
        (without("type"), "type"),
        (without("specversion"), "specversion"),
        ({**SMALL, "specversion": "0.3"}, "specversion"),
        ({**SMALL, "id": ""}, "id"),
        ({**SMALL, "time": "yesterday"}, "time"),
        ({**SMALL, "time": "2018-04-05T03:56:24"}, "time"),
        ({**SMALL, "Bad_Name": "x"}, "Bad_Name"),
    ],
    ids=str,
)
async def test_a_bad_event_is_refused_naming_the_attribute(place: Place, client, event, named):
    for content, headers in (
        (json.dumps(event), STRUCTURED),
        (json.dumps([SMALL, event]), BATCHED),
        (b"", {f"ce-{name}": value for name, value in event.items()}),
    ):
        answer = await client.post("/events", content=content, headers=headers)
        assert answer.status_code == 400, headers
        assert named.lower() in answer.json()["detail"].lower()
    assert place.engine.accepted == {}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"{", "JSON"),
        (b"[]", "object"),
        (b'{"a": NaN}', "NaN"),
        (json.dumps({**SMALL, "data": 1, "data_base64": "eA=="}).encode(), "data_base64"),
        (json.dumps({**SMALL, "data_base64": "!"}).encode(), "base64"),
        (json.dumps({**SMALL, "data": "\ud800"}).encode(), "JSON"),
        (json.dumps({**SMALL, "ext": {"a": 1}}).encode(), "ext"),
        (b"[" * 100_000, "nested"),
        (b"\xff", "JSON"),
    ],
    ids=["half", "list", "nan", "both", "base64", "surrogate", "extension", "nested", "utf8"],
)
async def test_a_broken_structured_event_is_refused(place: Place, client, content, named):
    answer = await client.post("/events", content=content, headers=STRUCTURED)
    assert answer.status_code == 400
    assert named in answer.json()["detail"]
    assert place.engine.accepted == {}


async def test_broken_binary_data_is_refused(place: Place, client):
    headers = {f"ce-{name}": value for name, value in SMALL.items()}
    for more, content in (
        ({"Content-Type": "application/json"}, b"{"),
        ({"Content-Type": "text/plain; charset=klingon"}, b"x"),
        ({"Content-Type": "text/plain"}, b"\xff"),
        ({"ce-subject": "%ff"}, b""),
        ({"ce-datacontenttype": "text/plain"}, b""),
    ):
        answer = await client.post("/events", content=content, headers={**headers, **more})
        assert answer.status_code == 400, more
    assert place.engine.accepted == {}


async def test_no_cloud_event_at_all_is_told_what_to_send(client):
    answer = await client.post("/events", json={"hello": 1})
    assert answer.status_code == 400
    assert "application/cloudevents+json" in answer.json()["detail"]


async def test_formats_that_are_not_understood_are_415(client):
    for headers in (
        {"Content-Type": "application/cloudevents+avro"},
        {**STRUCTURED, "Content-Encoding": "gzip"},
    ):
        assert (await client.post("/events", content=b"x", headers=headers)).status_code == 415


async def test_the_same_event_again_is_a_duplicate_and_another_one_a_conflict(client):
    async def send(data):
        content = json.dumps({**SMALL, "data": data})
        return await client.post("/events", content=content, headers=STRUCTURED)

    assert (await send(1)).json()["duplicate"] is False
    again = await send(1)
    assert (again.status_code, again.json()["duplicate"]) == (202, True)
    conflict = await send(2)
    assert (conflict.status_code, conflict.json()["error"]) == (409, "EventConflict")


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [(IntakeFull(9, 9, 6.5), 429, "7"), (EventStoreHeld("/e.db", "pid 3"), 503, "5")],
)
async def test_when_there_is_no_room_the_sender_is_told_when_to_come_back(
    place: Place, client, error, status, retry
):
    place.engine.refuse_with = error
    answer = await client.post("/events", content=json.dumps(SMALL), headers=STRUCTURED)
    assert (answer.status_code, answer.headers["retry-after"]) == (status, retry)
    batch = json.dumps([SMALL, {**SMALL, "id": "2"}])
    answer = await client.post("/events", content=batch, headers=BATCHED)
    assert (answer.status_code, answer.headers["retry-after"]) == (status, retry)
    assert [row["status"] for row in answer.json()["events"]] == [status, status]


async def test_a_batch_that_is_refused_in_part_says_which(place: Place, client):
    await client.post("/events", content=json.dumps(SMALL), headers=STRUCTURED)
    batch = [{**SMALL, "data": "other"}, {**SMALL, "id": "2"}]
    answer = await client.post("/events", content=json.dumps(batch), headers=BATCHED)
    assert answer.status_code == 409
    assert [row["status"] for row in answer.json()["events"]] == [409, 202]
    assert ("/s", "2") in place.engine.accepted


async def test_a_batch_of_too_many_is_refused_whole():
    async with running(limits=Limits(batch=2)) as place, place.client() as client:
        batch = [{**SMALL, "id": str(n)} for n in range(3)]
        answer = await client.post("/events", content=json.dumps(batch), headers=BATCHED)
        assert answer.status_code == 413
        assert place.engine.accepted == {}


async def test_a_trace_is_taken_over_unless_the_event_has_one(place: Place, client):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    own = {**SMALL, "id": "2", "traceparent": "own"}
    batch = json.dumps([SMALL, own])
    await client.post("/events", content=batch, headers={**BATCHED, "traceparent": trace})
    binary = {f"ce-{name}": value for name, value in SMALL.items()}
    await client.post("/events", headers={**binary, "ce-id": "3", "traceparent": trace})
    found = {event.id: event.extensions["traceparent"] for event in place.engine.accepted.values()}
    assert found == {"1": trace, "2": "own", "3": trace}


async def test_a_trailer_is_no_attribute(place: Place):
    """It comes after what was checked."""
    headers = [f"ce-{name}: {value}" for name, value in SMALL.items()]
    async with await Raw.open(place.port) as raw:
        await raw.send(
            request("POST /events HTTP/1.1", *headers, "Transfer-Encoding: chunked")
            + b"2\r\n[]\r\n0\r\nce-subject: smuggled\r\n\r\n"
        )
        assert (await raw.answer()).status == 202
    assert only(place).subject is None


async def test_other_methods_are_405(client):
    answer = await client.get("/events")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_readiness_and_metrics_come_from_the_engine(place: Place, client):
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    place.engine.reason = "the store is being repaired"
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (503, "the store is being repaired")
    answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"
    assert answer.text == "faas_invocations_total 3\n"
