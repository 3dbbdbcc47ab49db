"""What a function returns, as an HTTP response."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.errors.delivery import ResultNotJson
from nbfaas.errors.gateway import BadHttpResponse
from nbfaas.gateway.reply import Reply
from nbfaas.gateway.response import response_of

TEXT = (b"content-type", b"text/plain; charset=utf-8")
JSON = (b"content-type", b"application/json")
BYTES = (b"content-type", b"application/octet-stream")


@pytest.mark.parametrize(
    ("result", "reply"),
    [
        (None, Reply(204)),
        ("é", Reply(200, (TEXT,), "é".encode())),
        (b"\x00", Reply(200, (BYTES,), b"\x00")),
        ([1, "a"], Reply(200, (JSON,), b'[1,"a"]')),
        (3, Reply(200, (JSON,), b"3")),
        (True, Reply(200, (JSON,), b"true")),
        ({}, Reply(200, (JSON,), b"{}")),
        ({"a": "é"}, Reply(200, (JSON,), '{"a":"é"}'.encode())),
        # dicts that only look a little like a response are data
        ({"status": "ok"}, Reply(200, (JSON,), b'{"status":"ok"}')),
        ({"status": 200, "orders": []}, Reply(200, (JSON,), b'{"status":200,"orders":[]}')),
        ({"status": True, "body": "x"}, Reply(200, (JSON,), b'{"status":true,"body":"x"}')),
        ({"body": "x"}, Reply(200, (JSON,), b'{"body":"x"}')),
        # responses
        ({"statusCode": 204}, Reply(204)),
        ({"statusCode": 200}, Reply(200)),
        ({"statusCode": "201", "body": "x"}, Reply(201, (TEXT,), b"x")),
        ({"status": 404, "body": "gone"}, Reply(404, (TEXT,), b"gone")),
        ({"statusCode": 200, "body": {"a": 1}}, Reply(200, (JSON,), b'{"a":1}')),
        ({"statusCode": 200, "body": "eHk=", "isBase64Encoded": True}, Reply(200, (BYTES,), b"xy")),
        (
            {"statusCode": 200, "headers": {"Content-Type": "text/html"}, "body": "<p>"},
            Reply(200, ((b"content-type", b"text/html"),), b"<p>"),
        ),
        (
            {"statusCode": 302, "headers": {"Location": "/x", "X-N": 5}},
            Reply(302, ((b"location", b"/x"), (b"x-n", b"5"))),
        ),
        (
            {
                "statusCode": 200,
                "headers": {"A": "1", "B": "0"},
                "multiValueHeaders": {"b": ["2", "3"]},
                "cookies": ["c=4"],
            },
            Reply(200, ((b"a", b"1"), (b"b", b"2"), (b"b", b"3"), (b"set-cookie", b"c=4"))),
        ),
    ],
    ids=repr,
)
def test_each_result_makes_its_response(result, reply):
    assert response_of(result, "fn") == reply


@pytest.mark.parametrize(
    ("result", "named"),
    [
        ({"statusCode": 99}, "99"),
        ({"statusCode": 101}, "101"),
        ({"statusCode": 600}, "600"),
        ({"statusCode": "two"}, "two"),
        ({"statusCode": None}, "None"),
        ({"statusCode": True}, "True"),
        ({"statusCode": 200, "headers": ["a"]}, "headers"),
        ({"statusCode": 200, "headers": {"X": "a\r\nY: b"}}, "'X'"),
        ({"statusCode": 200, "headers": {"X": "a\x00"}}, "'X'"),
        ({"statusCode": 200, "headers": {"X": "€"}}, "'X'"),
        ({"statusCode": 200, "headers": {"X": None}}, "'X'"),
        ({"statusCode": 200, "headers": {"X Y": "a"}}, "'X Y'"),
        ({"statusCode": 200, "headers": {"X\r\nY": "a"}}, "name of a header"),
        ({"statusCode": 200, "headers": {"": "a"}}, "''"),
        ({"statusCode": 200, "headers": {"Transfer-Encoding": "chunked"}}, "Transfer-Encoding"),
        ({"statusCode": 200, "headers": {"Connection": "close"}}, "Connection"),
        ({"statusCode": 200, "headers": {"content-length": "5"}}, "content-length"),
        ({"statusCode": 200, "multiValueHeaders": {"X": "a"}}, "list"),
        ({"statusCode": 200, "multiValueHeaders": {"X": ["a\nb"]}}, "'X'"),
        ({"statusCode": 200, "cookies": ["a=b\r\nX: y"]}, "set-cookie"),
        ({"statusCode": 200, "cookies": "a"}, "cookies"),
        ({"statusCode": 200, "body": "!", "isBase64Encoded": True}, "base64"),
        ({"statusCode": 200, "body": 3, "isBase64Encoded": True}, "base64"),
        ({"statusCode": 200, "isBase64Encoded": "yes"}, "isBase64Encoded"),
        ({"statusCode": 204, "body": "x"}, "no body"),
        ("\ud800", "surrogate"),
    ],
    ids=repr,
)
def test_what_makes_no_response_is_refused_saying_why(result, named):
    with pytest.raises(BadHttpResponse) as caught:
        response_of(result, "fn")
    assert named in str(caught.value)
    assert "'fn'" in str(caught.value)


@pytest.mark.parametrize("result", [{1, 2}, object(), float("nan"), [{"a": {1}}], {(1, 2): 3}])
def test_what_is_no_json_is_refused(result):
    with pytest.raises(ResultNotJson, match="'fn'"):
        response_of(result, "fn")


def test_a_header_that_is_refused_does_not_show_its_value():
    with pytest.raises(BadHttpResponse) as caught:
        response_of({"statusCode": 200, "headers": {"X-Key": "secret\r\n"[:-1] + "\x01"}}, "fn")
    assert "secret" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(json_values.filter(lambda v: not isinstance(v, str) and v is not None))
def test_any_json_arrives_as_it_is(value):
    if isinstance(value, dict) and {"statusCode", "status"} & value.keys():
        return
    assert json.loads(response_of(value, "fn").body) == value


@given(
    st.dictionaries(
        st.sampled_from(["statusCode", "status", "headers", "body", "isBase64Encoded", "cookies"]),
        st.sampled_from([200, 204, "200", None, True, {"X": "y"}, {"X": "a\r\nb"}, ["a"], "eA=="])
        | json_values,
    )
)
def test_whatever_is_returned_makes_a_clean_response_or_a_typed_error(result):
    try:
        reply = response_of(result, "fn")
    except (BadHttpResponse, ResultNotJson):
        return
    for name, value in reply.headers:
        assert not set(name + value) & set(b"\r\n\x00")
