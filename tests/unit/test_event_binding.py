"""What a function gets of an event is what its signature names."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfaas.agent.binding import HTTP_REQUEST, Binding, handler_arguments
from nbfaas.agent.context import Context
from nbfaas.agent.event import Event
from nbfaas.agent.failure import Unbound
from nbfaas.agent.local_function import LocalFunction

CONTEXT = Context({"function": "score", "version": "1"}, {"id": "i-1"})
ORDER = Event("order.placed", {"id": 7, "total": 9.5, "event": "mine"}, id="e-1")


def request(body: object = None, *, query: Any = None, path: Any = None) -> Event:
    data = {
        "method": "POST",
        "path": "/x",
        "path_parameters": path or {},
        "query": query or {},
        "headers": {},
        "body": body,
    }
    return Event(HTTP_REQUEST, data)


def called(function: Any, event: Event = ORDER) -> Any:
    args, kwargs = Binding(function).arguments(event, CONTEXT)
    return function(*args, **kwargs)


def unannotated(source: str) -> Any:
    """A function whose annotations are not strings."""
    namespace: dict[str, Any] = {"Event": Event, "Context": Context, "Optional": Optional}
    exec(compile(source, "<cell>", "exec", dont_inherit=True), namespace)
    return namespace["f"]


def by_value(annotation: str) -> Any:
    """A function as it is once pickled by value: its globals lack what annotations name."""
    namespace: dict[str, Any] = {}
    source = f"from __future__ import annotations\ndef f(x: {annotation}): return x"
    exec(compile(source, "<cell>", "exec", dont_inherit=True), namespace)
    return namespace["f"]


@pytest.mark.parametrize(
    ("function", "got"),
    [
        (lambda: "nothing", "nothing"),
        (lambda event: event, ORDER),
        (lambda context: context, CONTEXT),
        (lambda data: data, ORDER.data),
        (lambda context, event: (event, context), (ORDER, CONTEXT)),
        (lambda id, total: (id, total), (7, 9.5)),
        (lambda id, /, total: (id, total), (7, 9.5)),
        (lambda absent=3, id=4: (absent, id), (3, 7)),
        (lambda absent=3, id=4, /: (absent, id), (3, 7)),
        (lambda *, id: id, 7),
        (lambda event, id: (event.id, id), ("e-1", 7)),
        (lambda id, **rest: rest, {"total": 9.5, "event": "mine"}),
        (lambda event, **rest: rest, {"id": 7, "total": 9.5}),
        (lambda id, /, **rest: (id, rest), (7, {"total": 9.5, "event": "mine"})),
        (lambda *args: args, ()),
    ],
)
def test_parameters_get_what_they_are_called_after(function, got):
    assert called(function) == got


@pytest.mark.parametrize("future", [True, False])
@pytest.mark.parametrize(
    ("annotation", "got"),
    [
        ("Event", ORDER),
        ("Event | None", ORDER),
        ("Optional[Event]", ORDER),
        ("Context", CONTEXT),
        ("Event | Context", ORDER),
    ],
)
def test_annotations_say_it_whatever_the_parameter_is_called(future, annotation, got):
    source = f"def f(x: {annotation}): return x"
    function = by_value(annotation) if future else unannotated(source)
    assert called(function) is got
    assert called(unannotated("def f(data: Event, event: Context): return data, event")) == (
        ORDER,
        CONTEXT,
    )


@pytest.mark.parametrize("annotation", ["nbfaas.Event", "nbfaas.agent.event.Event", "'Event'"])
def test_annotations_that_a_pickled_function_can_t_resolve_are_still_understood(annotation):
    event = Event("t", {"x": 1})
    function = by_value(annotation)
    if "agent" in annotation:
        import nbfaas.agent.event

        function.__globals__["nbfaas"] = nbfaas
    assert called(function, event) in (event, 1)  # a string within a string is left alone
    assert called(by_value("nbfaas.Event"), event) is event


def test_a_class_of_the_users_own_that_is_called_event_is_not_ours():
    function = by_value("Event")
    function.__globals__["Event"] = type("Event", (), {})
    assert called(function, Event("t", {"x": 1})) == 1


def test_an_annotation_that_means_nothing_is_ignored():
    assert called(by_value("1 / 0"), Event("t", {"x": 1})) == 1
    assert called(by_value("no.such.thing"), Event("t", {"x": 1})) == 1


class Model:
    def __init__(self, factor: int = 2) -> None:
        self.factor = factor

    def __call__(self, id: int, context: Context) -> tuple[int, Context]:
        return self.factor * id, context

    def score(self, ev: Event) -> Event:
        return ev


async def slow(id: int) -> int:
    return id


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def test_whatever_can_be_called_can_be_bound():
    assert called(Model()) == (14, CONTEXT)
    assert called(Model().score) is ORDER
    assert called(LocalFunction(Model().score, "score")) is ORDER
    assert called(LocalFunction(lambda id: id, "score")) == 7
    assert called(wrapped(lambda total, **rest: total)) == 9.5
    assert called(wrapped(Model().score)) is ORDER
    assert called(Model, Event("t", {"factor": 5})).factor == 5
    called(slow).close()


def test_what_a_partial_has_fixed_is_not_the_event_s_to_change():
    def f(a, id, total=0, **rest):
        return a, id, total, rest

    got = called(functools.partial(f, 1, total=2))
    assert got == (1, 7, 2, {"event": "mine"})


def test_a_function_without_a_signature_gets_the_event_alone():
    class Odd:
        @property
        def __signature__(self):
            raise RuntimeError

        def __call__(self, *args):
            return args

    assert called(Odd()) == (ORDER,)
    assert "unknown" in repr(Binding(Odd()))


def test_what_is_missing_is_named_with_what_there_was():
    with pytest.raises(Unbound, match=r"required.*it has 'event', 'id', 'total'") as caught:
        called(lambda amount: amount)
    assert caught.value.parameter == "amount"
    for data, text in [(None, "null"), ([1], "list"), (b"x", "bytes"), ({}, "it has none")]:
        with pytest.raises(Unbound, match=text):
            called(lambda amount: amount, Event("t", data))
    with pytest.raises(Unbound, match="and 80 more"):
        called(lambda amount: amount, Event("t", {f"f{n}": n for n in range(100)}))


# -- HTTP requests


def test_path_goes_before_query_and_query_before_body():
    event = request({"a": 1, "b": 2, "c": 3}, query={"a": "qa", "b": "qb"}, path={"a": "pa"})
    assert called(lambda a, b, c: (a, b, c), event) == ("pa", "qb", 3)
    assert called(lambda a, **rest: rest, event) == {"b": "qb", "c": 3}
    assert called(lambda event, data: (event, data), event) == (event, event.data)


def test_a_body_that_is_no_object_has_no_fields():
    with pytest.raises(Unbound, match=r"neither path, query nor body .*'q'"):
        called(lambda method: method, request([1], query={"q": "1"}))
    with pytest.raises(Unbound, match="there are no fields"):
        called(lambda method: method, request("text"))


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("int", "-12", -12),
        ("int | None", "12", 12),
        ("Optional[int]", "12", 12),
        ("Annotated[int, 'a count']", "12", 12),
        ("float", "1e3", 1000.0),
        ("float", ".5", 0.5),
        ("bool", "True", True),
        ("bool", "0", False),
        ("str", "12", "12"),
        ("int | str", "12", "12"),
        ("list[int]", ["1", "2"], [1, 2]),
        ("list[int]", "1", [1]),
        ("list", ["1", "2"], ["1", "2"]),
        ("list[list[int]]", "1", "1"),
        ("int", ["1", "2"], 2),
        ("Any", ["1", "2"], ["1", "2"]),
        ("int", 5, 5),
    ],
)
def test_text_becomes_what_the_annotation_says(annotation, text, value):
    for event in (request(query={"x": text}), request(path={"x": text})):
        got = called(by_value(annotation), event)
        assert got == value
        assert type(got) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("int", "12.0"), ("int", ""), ("int", "1_000"), ("int", " 1"), ("int", "1\n"),
        ("int", "9" * 5000), ("float", "nan"), ("float", "1e999"), ("float", "1_0"), ("float", "."),
        ("bool", "maybe"), ("list[int]", ["1", "b"]),
    ],
)  # fmt: skip
def test_text_that_is_not_what_the_annotation_says_is_refused(annotation, text):
    with pytest.raises(Unbound, match=r"in the query it is .*, which is no") as caught:
        called(by_value(annotation), request(query={"x": text}))
    assert caught.value.parameter == "x"
    assert len(caught.value.problem) < 200


def test_fields_of_a_body_have_their_types_already():
    assert called(by_value("int"), request({"x": "12"})) == "12"


@given(st.integers())
def test_every_integer_comes_through_a_query(number):
    assert called(by_value("int"), request(query={"x": str(number)})) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_comes_through_a_query(number):
    assert called(by_value("float"), request(query={"x": repr(number)})) == number


def test_an_annotation_may_be_an_object_as_well_as_text():
    def f(x):
        return x

    f.__annotations__["x"] = Annotated[int | None, "count"]
    assert called(f, request(query={"x": "3"})) == 3


# -- handlers


@pytest.mark.parametrize(
    ("handler", "taken"),
    [
        (lambda: None, 0),
        (lambda message: None, 1),
        (lambda message, more: None, 2),
        (lambda message, more, third=1: None, 2),
        (lambda *args: None, 2),
        (lambda message, *args: None, 2),
        (lambda event, *, context=None: None, 1),
    ],
)
def test_a_handler_gets_event_and_context_by_position(handler, taken):
    assert handler_arguments(handler) == taken


def test_bindings_say_what_they_are():
    assert repr(Binding(lambda event, id, **rest: 1)) == (
        "<Binding event: the event, id: a field, **the rest>"
    )
    assert repr(Binding(lambda: 1)) == "<Binding of nothing>"
