"""Which request takes which route, and what a source may declare."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.errors.delivery import BadTrigger
from nbfaas.gateway import MethodNotAllowed, RouteMatch, RouteTable
from nbfaas.triggers.http_source import HttpSource


def table(*routes: str) -> RouteTable:
    """Routes given as "METHOD path"; each trigger is called like its route."""
    found = RouteTable()
    for text in routes:
        HttpSource(*text.split()).bind(found, text)
    return found


def taken(routes: RouteTable, method: str, path: str) -> str | None:
    match = routes.match(method, path)
    return match.route.trigger if isinstance(match, RouteMatch) else None


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("/", "/", {}),
        ("/orders", "/orders", {}),
        ("/orders/{id}", "/orders/7", {"id": "7"}),
        ("/orders/{id:int}", "/orders/7", {"id": 7}),
        ("/a/{x:float}", "/a/1.5", {"x": 1.5}),
        ("/v{n:int}/x", "/v2/x", {"n": 2}),
        ("/files/{rest:path}", "/files/a/b.txt", {"rest": "a/b.txt"}),
        ("/files/{rest:path}", "/files/", {"rest": ""}),
        (
            "/u/{id:uuid}",
            "/u/6F9619FF-8B86-D011-B42D-00C04FC964FF",
            {"id": "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
        ),
        ("/a.b/{x}", "/a.b/é", {"x": "é"}),
    ],
)
def test_a_template_takes_its_parameters_out_of_the_path(template, path, parameters):
    match = table(f"GET {template}").match("GET", path)
    assert isinstance(match, RouteMatch)
    assert match.parameters == parameters


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/orders", "/orders/"),
        ("/orders", "/orders\n"),
        ("/a.b", "/aXb"),
        ("/orders/{id}", "/orders/"),
        ("/orders/{id}", "/orders/1/2"),
        ("/orders/{id:int}", "/orders/1\n"),
        ("/orders/{id:int}", "/orders/x"),
        ("/orders/{id:int}", "/orders/" + "9" * 5000),
        ("/a/{x:float}", "/a/" + "9" * 500),
    ],
)
def test_what_does_not_fit_is_not_taken(template, path):
    assert table(f"GET {template}").match("GET", path) is None


def test_literal_goes_before_typed_before_any_before_the_rest():
    routes = table(
        "GET /a/{rest:path}", "GET /a/{x}", "GET /a/{x:int}", "GET /a/b", "GET /{y}/b",
        "GET /a/v-{x}",
    )  # fmt: skip
    assert taken(routes, "GET", "/a/b") == "GET /a/b"
    assert taken(routes, "GET", "/a/1") == "GET /a/{x:int}"
    assert taken(routes, "GET", "/a/v-1") == "GET /a/v-{x}"
    assert taken(routes, "GET", "/a/c") == "GET /a/{x}"
    assert taken(routes, "GET", "/a/c/d") == "GET /a/{rest:path}"
    assert taken(routes, "GET", "/c/b") == "GET /{y}/b"


def test_the_order_of_registration_does_not_matter():
    texts = ["GET /{x}", "GET /{x:int}", "GET /1", "GET /{p:path}"]
    for texts_ in (texts, texts[::-1]):
        routes = table(*texts_)
        paths = {path: taken(routes, "GET", path) for path in ("/1", "/2", "/b", "/b/c")}
        assert paths == dict(
            zip(paths, ["GET /1", "GET /{x:int}", "GET /{x}", "GET /{p:path}"], strict=True)
        )


def test_a_route_that_lacks_the_method_gives_way_to_one_that_has_it():
    routes = table("GET /a/b", "POST /a/{x}")
    assert taken(routes, "POST", "/a/b") == "POST /a/{x}"
    assert routes.match("PUT", "/a/b") == MethodNotAllowed(("GET", "HEAD", "POST"))
    assert routes.match("GET", "/a/c") == MethodNotAllowed(("POST",))


def test_head_takes_get_unless_it_has_a_route():
    routes = table("GET /a", "GET /b", "HEAD /b")
    assert taken(routes, "HEAD", "/a") == "GET /a"
    assert taken(routes, "HEAD", "/b") == "HEAD /b"


@pytest.mark.parametrize("other", ["/o/{id}", "/o/{name}", "/o/{name:str}"])
def test_another_triggers_route_is_refused_naming_it(other):
    routes = table("GET /o/{id}")
    with pytest.raises(BadTrigger, match=r"'GET /o/\{id\}' already"):
        HttpSource("GET", other).bind(routes, "another")
    HttpSource("POST", other).bind(routes, "another")
    HttpSource("GET", "/o/{id:int}").bind(routes, "a third")


def test_a_trigger_that_is_declared_again_has_its_new_route_only():
    routes = RouteTable()
    earlier, later = HttpSource("GET", "/a"), HttpSource("GET", "/b")
    earlier.bind(routes, "t")
    later.bind(routes, "t")
    assert routes.match("GET", "/a") is None
    earlier.release()  # late: it has no effect on what took its place
    assert taken(routes, "GET", "/b") == "t"
    later.release()
    later.release()
    assert len(routes) == 0


async def test_a_route_is_open_while_its_source_runs():
    routes = RouteTable()
    source = HttpSource("GET", "/a")
    source.bind(routes, "t")
    assert routes.match("GET", "/a").active is False
    run = asyncio.create_task(source.run(None))
    await asyncio.sleep(0)
    assert routes.match("GET", "/a").active is True
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert routes.match("GET", "/a").active is False


async def test_the_end_of_an_earlier_run_does_not_shut_the_later_route():
    routes = RouteTable()
    runs = []
    for _ in range(2):
        source = HttpSource("GET", "/a")
        source.bind(routes, "t")
        runs.append(asyncio.create_task(source.run(None)))
        await asyncio.sleep(0)
    runs[0].cancel()
    await asyncio.gather(runs[0], return_exceptions=True)
    assert routes.match("GET", "/a").active is True
    runs[1].cancel()
    await asyncio.gather(runs[1], return_exceptions=True)


async def test_a_source_that_is_bound_to_nothing_does_not_run():
    with pytest.raises(RuntimeError, match="GET /a"):
        await HttpSource("GET", "/a").run(None)


def test_routes_are_added_while_others_are_matched():
    routes = table("GET /fixed", "GET /fixed/{x}")
    missed = []
    done = threading.Event()

    def match():
        while not done.is_set():
            if not (taken(routes, "GET", "/fixed") and taken(routes, "GET", "/fixed/1")):
                missed.append(1)

    thread = threading.Thread(target=match)
    thread.start()
    for n in range(100):
        source = HttpSource("GET", f"/{n}/{{x}}")
        source.bind(routes, f"t{n}")
        if n % 2:
            source.release()
    done.set()
    thread.join()
    assert missed == []
    assert len(routes) == 52


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"method": "FETCH"}, "method"),
        ({"method": 3}, "method"),
        ({"path": "orders"}, "path"),
        ({"path": ""}, "path"),
        ({"path": 7}, "path"),
        ({"path": "/a b"}, "path"),
        ({"path": "/a?b=1"}, "path"),
        ({"path": "/{x"}, "path"),
        ({"path": "/{}"}, "path"),
        ({"path": "/{x:date}"}, "path"),
        ({"path": "/{x}/{x}"}, "path"),
        ({"path": "/{x}{y}"}, "path"),
        ({"path": "/{p:path}/{q:path}"}, "path"),
        ({"path": "/events"}, "path"),
        ({"path": "/metrics/x"}, "path"),
        ({"path": "/functions/{name}"}, "path"),
        ({"respond": "later"}, "respond"),
        ({"deadline": 0}, "deadline"),
        ({"deadline": 1e9}, "deadline"),
        ({"deadline": float("nan")}, "deadline"),
        ({"deadline": "3"}, "deadline"),
        ({"deadline": True}, "deadline"),
        ({"auth": None}, "auth"),
    ],
    ids=str,
)
def test_a_bad_option_is_refused_by_name(options, named):
    with pytest.raises(BadTrigger) as caught:
        HttpSource(**{"method": "POST", "path": "/a", **options})
    assert caught.value.option == named
    assert f"on.http: {named}=" in str(caught.value)


def test_a_source_describes_itself():
    source = HttpSource("post", "/orders/{id}")
    assert source.describe() == "POST /orders/{id}"
    assert repr(source) == "<HttpSource POST /orders/{id}>"


@given(st.text(max_size=40))
def test_any_path_is_taken_or_refused_and_never_an_accident(path):
    try:
        source = HttpSource("GET", path)
    except BadTrigger:
        return
    routes = RouteTable()
    source.bind(routes, "t")
    routes.match("GET", path)


@given(st.text(max_size=60))
def test_any_request_can_be_matched(path):
    routes = table("GET /a/{x:int}", "GET /{x:float}/b", "GET /{u:uuid}", "GET /c/{p:path}")
    routes.match("GET", "/" + path)
