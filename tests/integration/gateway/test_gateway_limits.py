"""What a client may use up, on raw sockets; ``hasty`` has short deadlines and small caps."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time

import pytest
from raw_http import Raw, request
from running_gateway import Place, running

from nbfaas.gateway import Limits

POST = "POST / HTTP/1.1"
CHUNKED = "Transfer-Encoding: chunked"
MANGLED = 400


async def give_back(event):
    return event.data


@pytest.fixture
async def raw(hasty: Place):
    await hasty.on_http("POST", "/", give_back)
    async with await Raw.open(hasty.port) as raw:
        yield raw


async def test_headers_that_trickle_in_are_cut_off(raw: Raw):
    began = time.monotonic()
    await raw.send(b"GET /healthz HTTP/1.1\r\n")

    async def trickle():
        for n in range(1000):
            await raw.send(b"X-%d: y\r\n" % n if n < 10 else b"")
            await asyncio.sleep(0.05)

    trickling = asyncio.create_task(trickle())
    answer = await raw.answer()
    trickling.cancel()
    await asyncio.gather(trickling, return_exceptions=True)
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert "headers" in answer.problem["detail"]
    assert time.monotonic() - began >= 0.39
    assert await raw.is_closed()


async def test_a_connection_that_says_nothing_is_closed(raw: Raw):
    assert await raw.is_closed()


async def test_empty_lines_do_not_keep_a_connection(raw: Raw):
    async def lines():
        while True:
            await raw.send(b"\r\n")
            await asyncio.sleep(0.05)

    sending = asyncio.create_task(lines())
    assert await raw.is_closed()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_a_second_requests_headers_have_a_deadline_too(raw: Raw):
    await raw.send(request())
    assert (await raw.answer()).status == 200
    await raw.send(b"GET /healthz HTTP/1.1\r\nHo")
    assert (await raw.answer()).status == 408
    assert await raw.is_closed()


async def test_an_idle_connection_is_closed(raw: Raw):
    await raw.send(request())
    assert (await raw.answer()).status == 200
    assert await raw.is_closed()


async def test_a_body_that_trickles_in_is_cut_off(hasty: Place, raw: Raw):
    await raw.send(request(POST, "Content-Length: 1000") + b"x")
    answer = await raw.answer()
    assert answer.status == 408
    assert "body" in answer.problem["detail"]
    assert await raw.is_closed()
    assert hasty.engine.called == []


async def test_a_large_body_that_keeps_coming_is_not_cut_off(hasty: Place, raw: Raw):
    async def done(event):
        return "done"

    hasty.engine.functions["fn"] = done
    await raw.send(request(POST, "Content-Length: 9000", "Content-Type: text/plain"))
    for _ in range(9):
        await raw.send(b"x" * 1000)
        await asyncio.sleep(0.13)
    answer = await raw.answer()
    assert (answer.status, answer.body) == (200, b"done")


async def test_a_long_call_is_not_cut_off_by_the_deadlines_of_its_request(hasty: Place, raw: Raw):
    async def slowly(event):
        await asyncio.sleep(1.2)  # more than any of the deadlines
        return "done"

    hasty.engine.functions["fn"] = slowly
    await raw.send(request(POST, "Content-Length: 1") + b"x")
    answer = await raw.answer()
    assert (answer.status, answer.body) == (200, b"done")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([f"X-{n}: y" for n in range(30)], 431),
        ([f"X: {'y' * 5000}"], 431),
        ([f"{'X' * 5000}: y"], 431),
    ],
    ids=["count", "value", "name"],
)
async def test_too_many_or_too_large_headers_are_refused(raw: Raw, headers, status):
    await raw.send(request("GET /healthz HTTP/1.1", *headers))
    answer = await raw.answer()
    assert answer.status == status
    assert answer.problem["title"] == "Request Header Fields Too Large"
    assert await raw.is_closed()


async def test_a_header_without_an_end_is_cut_off(raw: Raw):
    await raw.send(b"GET /healthz HTTP/1.1\r\nX: " + b"y" * 300_000)
    assert (await raw.answer()).status == 431
    assert await raw.is_closed()


async def test_a_url_that_is_too_long_is_refused(raw: Raw):
    await raw.send(request(f"GET /{'x' * 5000} HTTP/1.1"))
    assert (await raw.answer()).status == 414


async def test_a_body_over_the_cap_is_refused_before_it_is_sent(hasty: Place, raw: Raw):
    await raw.send(request(POST, "Content-Length: 10001", "Expect: 100-continue"))
    answer = await raw.answer()  # and not 100 Continue
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert "10,000 bytes" in answer.problem["detail"]


async def test_a_client_that_sends_its_large_body_all_the_same_hears_why(hasty: Place, raw: Raw):
    await raw.send(request(POST, "Content-Length: 5000000") + b"x" * 5_000_000)
    assert (await raw.answer()).status == 413
    assert await raw.is_closed()
    assert hasty.engine.called == []


async def test_a_chunked_body_over_the_cap_is_refused_in_the_middle(hasty: Place, raw: Raw):
    await raw.send(request(POST, CHUNKED))
    for _ in range(30):
        await raw.send(b"200\r\n" + b"x" * 512 + b"\r\n")
    assert (await raw.answer()).status == 413
    assert await raw.is_closed()
    assert hasty.engine.called == []


async def test_a_body_of_the_cap_is_taken(hasty: Place, raw: Raw):
    for head, body in (
        ("Content-Length: 10000", b"x" * 10_000),
        (CHUNKED, b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n"),
    ):
        await raw.send(request(POST, head, "Content-Type: text/plain") + body)
        assert (await raw.answer()).status == 200
    assert [len(event.data["body"]) for _, event, _ in hasty.engine.called] == [10_000] * 2


async def test_100_continue_is_sent_when_the_body_is_wanted(raw: Raw):
    await raw.send(request(POST, "Content-Length: 2", "Expect: 100-continue"))
    interim = await asyncio.wait_for(raw.reader.readuntil(b"\r\n\r\n"), 20)
    assert interim.startswith(b"HTTP/1.1 100 ")
    await raw.send(b"hi")
    assert (await raw.answer()).status == 200


async def test_chunks_with_endless_extensions_are_refused():
    async with running(limits=Limits(body=10_000)) as place:
        await place.on_http("POST", "/", give_back)
        async with await Raw.open(place.port) as raw:
            await raw.send(request(POST, CHUNKED))
            for _ in range(8):
                await raw.send(b"1;x=" + b"y" * 100_000 + b"\r\nz\r\n")
            assert (await raw.answer()).status == 400
            assert place.engine.called == []


async def test_pipelined_requests_are_answered_in_order(hasty: Place, raw: Raw):
    async def slow_first(event):
        await asyncio.sleep(0.2 if event.data["body"] == "0" else 0)
        return event.data["body"]

    hasty.engine.functions["fn"] = slow_first
    texts = [request(POST, "Content-Length: 1", "Content-Type: text/plain") + b"%d" % n
             for n in range(5)]  # fmt: skip
    await raw.send(b"".join(texts))
    assert [(await raw.answer()).body for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize(
    ("garbage", "status"),
    [
        (b"garbage\r\n\r\n", 400),
        (b"GET /" + b"x" * 5000, 414),
        (request(POST, CHUNKED) + b"zz\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nCont", 408),
    ],
    ids=["garbage", "long", "chunk", "half"],
)
async def test_garbage_behind_a_request_does_not_get_into_its_answer(
    hasty: Place, raw: Raw, garbage, status
):
    async def slowly(event):
        await asyncio.sleep(0.6)
        return "first"

    hasty.engine.functions["fn"] = slowly
    await raw.send(request(POST, "Content-Length: 1") + b"x" + garbage)
    first = await raw.answer()
    assert (first.status, first.body) == (200, b"first")
    assert (await raw.answer()).status == status
    assert await raw.is_closed()


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Header: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        request(POST, "Content-Length: 5", CHUNKED) + b"0\r\n\r\n",
        request(POST, "Content-Length: 5", "Content-Length: 6") + b"hello",
        request(POST, "Content-Length: -1"),
        request(POST, CHUNKED) + b"zz\r\n",
        b"CONNECT evil:80 HTTP/1.1\r\nHost: evil\r\n\r\n",
    ],
    ids=["tls", "header", "path", "smuggling", "lengths", "negative", "chunk", "connect"],
)
async def test_what_is_no_request_is_refused(hasty: Place, raw: Raw, text):
    await raw.send(text)
    assert 400 <= (await raw.answer()).status < 500
    assert await raw.is_closed()
    assert hasty.engine.called == []


async def test_an_upgrade_is_answered_as_an_ordinary_request(raw: Raw):
    upgrade = ["Connection: Upgrade", "Upgrade: websocket"]
    await raw.send(request("GET /healthz HTTP/1.1", *upgrade))
    assert (await raw.answer()).status == 200
    assert await raw.is_closed()


async def test_connections_are_counted(hasty: Place):
    held = [await Raw.open(hasty.port) for _ in range(8)]
    for one in held:
        await one.send(request())
        assert (await one.answer()).status == 200
    async with await Raw.open(hasty.port) as too_many:
        answer = await too_many.answer()
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert await too_many.is_closed()
    for one in held:
        await one.__aexit__()
    async with await Raw.open(hasty.port) as again:
        await again.send(request())
        assert (await again.answer()).status == 200


async def test_a_client_that_does_not_take_its_answer_is_cut_off(hasty: Place):
    async def much(event):
        return "x" * 20_000_000

    await hasty.on_http("GET", "/much", much)
    async with await Raw.open(hasty.port) as raw:
        await raw.send(request("GET /much HTTP/1.1"))
        await asyncio.sleep(3)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await raw.answer()


async def test_mangled_requests_never_disturb_the_gateway(caplog):
    """Bytes flipped, cut out, doubled; sent in pieces, or followed by a hang-up."""
    limits = Limits(header_deadline=0.05, body_deadline=0.05, connections=1000)
    draw = random.Random(3)
    sound = [
        request(POST, "Content-Length: 5") + b"hello",
        request(POST, CHUNKED, "Trailer: x") + b"5\r\nhello\r\n0\r\nx: y\r\n\r\n",
        request("POST /events HTTP/1.1", "ce-id: 1", "ce-type: t", "ce-source: s"),
        request("GET /healthz HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c"),
    ]

    async with running(limits=limits) as place:
        await place.on_http("POST", "/", give_back)

        async def one(number: int) -> None:
            text = bytearray(b"".join(draw.choices(sound, k=draw.randint(1, 4))))
            for _ in range(draw.randint(0, 4)):
                at, length = draw.randrange(len(text)), draw.randint(1, 20)
                piece = [draw.randbytes(length), b"", bytes(text[at : at + length]) * 2, b"\r\n"]
                text[at : at + length] = draw.choice(piece)
            async with await Raw.open(place.port) as raw:
                cut = draw.randrange(len(text) + 1)
                await raw.send(bytes(text[:cut]))
                await asyncio.sleep(0)
                await raw.send(bytes(text[cut:]))
                if number % 3:
                    with contextlib.suppress(asyncio.TimeoutError, OSError):
                        await asyncio.wait_for(raw.reader.read(100), 0.02)

        for start in range(0, MANGLED, 8):
            await asyncio.gather(*(one(start + n) for n in range(8)))
        async with place.client() as client:
            assert (await client.get("/healthz")).status_code == 200
    assert [record.getMessage() for record in caplog.records] == []
