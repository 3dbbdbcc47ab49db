"""What an HTTP request is to a function."""

from __future__ import annotations

import pytest

from nbfaas.gateway.reply import Refusal
from nbfaas.gateway.request import HttpRequest, joined_headers, request_event


def event_of(body=b"", headers=None, query=b"", parameters=None, secret=None):
    request = HttpRequest("POST", "/a", query, headers or {}, body)
    return request_event("t", request, parameters or {}, (secret,) if secret else ())


@pytest.mark.parametrize(
    ("content_type", "raw", "member", "value"),
    [
        ("application/json", b'{"a": 1}', "body", {"a": 1}),
        ("Application/JSON; charset=utf-8", b"[1]", "body", [1]),
        ("application/problem+json", b"null", "body", None),
        ("application/x-www-form-urlencoded", b"a=1&b=&a=2", "body", {"a": ["1", "2"], "b": ""}),
        ("text/plain", "é".encode(), "body", "é"),
        ("text/csv; charset=latin-1", b"\xe9", "body", "é"),
        ("image/png", b"\x89P", "body_base64", "iVA="),
        ("multipart/form-data; boundary=x", b"--x--", "body_base64", "LS14LS0="),
        ("", b"{}", "body_base64", "e30="),
        ("application/json", b"", "body", None),
    ],
)
def test_a_body_is_read_as_its_content_type_says(content_type, raw, member, value):
    data = event_of(raw, {"content-type": content_type}).data
    assert data[member] == value
    assert len({"body", "body_base64"} & data.keys()) == 1


def test_a_compressed_body_is_handed_on_as_it_is():
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert "body_base64" in event_of(b"\x1f\x8b", headers).data


@pytest.mark.parametrize(
    ("content_type", "raw"),
    [
        ("application/json", b"{"),
        ("application/json", b"NaN"),
        ("application/json", b"\xff"),
        ("application/json", b'"\\ud800"'),
        ("application/json", b"[" * 200 + b"]" * 200),
        ("application/json", b"[" * 100_000),
        ("application/json", b"9" * 5000),
        ("text/plain", b"\xff"),
        ("text/plain; charset=klingon", b"x"),
        ("application/x-www-form-urlencoded", b"a&" * 1001),
    ],
    ids=str,
)
def test_a_body_that_is_not_what_it_says_is_refused(content_type, raw):
    with pytest.raises(Refusal) as caught:
        event_of(raw, {"content-type": content_type})
    assert caught.value.reply.status == 400


def test_a_pair_of_surrogates_is_a_character():
    data = event_of(b'"\\ud83d\\ude00"', {"content-type": "application/json"}).data
    assert data["body"] == "😀"


@pytest.mark.parametrize("key", ["", "x" * 257, " x", "é", "a\tb"])
def test_a_bad_idempotency_key_is_refused(key):
    with pytest.raises(Refusal, match="Idempotency-Key"):
        event_of(headers={"idempotency-key": key})


def test_the_same_request_again_is_the_same_event_but_for_its_trace_and_time():
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
    events = [
        event_of(b"x", {"idempotency-key": "k", "traceparent": f"{trace}{n}", "x": "y"})
        for n in range(2)
    ]
    assert events[0].id == events[1].id == "k"
    assert events[0].data == events[1].data


def test_requests_without_a_key_are_events_of_their_own():
    assert event_of().id != event_of().id


def test_headers_that_hold_the_token_are_left_out_wherever_it_is():
    headers = {"authorization": "Bearer sesame", "cookie": "a=b; t=sesame", "x": "sesam", "te": "x"}
    assert event_of(headers=headers, secret="sesame").data["headers"] == {"x": "sesam"}
    assert set(event_of(headers=headers).data["headers"]) == {"authorization", "cookie", "x"}


def test_repeated_headers_are_joined_unless_they_decide():
    raw = [(b"x", b"1"), (b"x", b"2"), (b"cookie", b"a=1"), (b"cookie", b"b=2")]
    assert joined_headers(raw) == {"x": "1, 2", "cookie": "a=1; b=2"}
    for name in (b"host", b"authorization", b"content-type", b"ce-id", b"idempotency-key"):
        with pytest.raises(Refusal):
            joined_headers([(name, b"1"), (name, b"2")])


def test_a_query_is_decoded():
    assert event_of(query=b"a=%C3%A9+b&a=&c").data["query"] == {"a": ["é b", ""], "c": ""}
    with pytest.raises(Refusal, match="query"):
        event_of(query=b"a&" * 1001)
