"""Widgets without a browser: what they do when asked, and how long they live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from waiting import until

from nbfaas.model.records import InvocationQueued, Record
from nbfaas.notebook.widgets.actions import BadAction, action
from nbfaas.notebook.widgets.base import FaasWidget, field
from nbfaas.notebook.widgets.feed import Feed
from nbfaas.notebook.widgets.lifetime import Lifetime
from nbfaas.notebook.widgets.pulse import Pulse

RECORD = InvocationQueued(1.0, "s-1", "score", "abc")


class Counter(FaasWidget):
    script = "view.js"
    number = field(0)
    fails = False

    def refresh(self) -> None:
        if self.fails:
            raise RuntimeError("no luck")
        self.put(number=self.number + 1)

    def text(self) -> str:
        return f"counted to {self.number} <b>"

    @action
    def add(self, amount: int, how: Literal["up", "down"] = "up") -> int:
        return amount if how == "up" else -amount

    @action
    def fail(self) -> None:
        raise RuntimeError("unexpected")

    def not_for_views(self) -> None: ...


class Shell:
    """What a widget uses of a notebook's shell."""

    def __init__(self) -> None:
        self.kernel = self.display_pub = self.events = self
        self.published: list[tuple[dict[str, Any], bool]] = []
        self.cell = "one"
        self.hooks: list[tuple[str, Callable[[Any], None]]] = []

    def publish(self, data: dict[str, Any], *, transient: object, update: bool) -> None:
        self.published.append((data, update))

    def register(self, name: str, hook: Callable[[Any], None]) -> None:
        self.hooks.append((name, hook))

    def unregister(self, name: str, hook: Callable[[Any], None]) -> None:
        self.hooks.remove((name, hook))

    def get_parent(self) -> dict[str, Any]:
        return {"metadata": {"cellId": self.cell}}

    def begin(self, cell: str) -> None:
        self.cell = cell
        self._call("pre_run_cell", SimpleNamespace(cell_id=cell))

    def end(self) -> None:
        self._call("post_run_cell", None)

    def _call(self, name: str, info: Any) -> None:
        for hook in [hook for of, hook in self.hooks if of == name]:
            hook(info)


@pytest.fixture
def counter() -> Iterator[Counter]:
    counter = Counter()
    yield counter
    counter.close()


@pytest.fixture
def answers(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the widget tells its views."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(counter, "send", lambda content, buffers=None: told.append(content))
    return told


def test_an_action_gets_what_it_declares_or_is_not_called(counter: Counter) -> None:
    assert counter.handle("add", {"amount": 3}) == 3
    assert counter.handle("add", {"amount": 3, "how": "down"}) == -3
    for payload, wrong in [
        ({"amount": "3"}, "Expected `int`, got `str` - at `$.amount`"),
        ({"amount": 3, "how": "left"}, "Invalid enum value 'left' - at `$.how`"),
        ({"amount": 3, "self": 1}, "unknown field `self`"),
        ({}, "missing required field `amount`"),
        ([3], "Expected `object`, got `array`"),
        (None, "Expected `object`, got `null`"),
    ]:
        with pytest.raises(BadAction, match="add: ") as raised:
            counter.handle("add", payload)
        assert wrong in str(raised.value)


@pytest.mark.parametrize("name", ["not_for_views", "close", "handle", "_act", "", None, 7, ["add"]])
def test_views_can_ask_for_nothing_but_actions(counter: Counter, name: object) -> None:
    with pytest.raises(BadAction, match="Counter has no action"):
        counter.handle(name, {})


def test_a_view_gets_the_answer_or_the_error(
    counter: Counter, answers: list[dict[str, Any]]
) -> None:
    for number, content in enumerate(
        [{"action": "add", "payload": {"amount": 2}}, {"action": "fail"}, {"action": "gone"}]
    ):
        counter._hear(counter, {**content, "id": number}, [])
        until(lambda: any(each["kind"] == "answer" for each in answers))
        answer = next(each for each in answers if each["kind"] == "answer")
        assert answer["id"] == number
        answers.clear()
        if number == 0:
            assert answer["value"] == 2
        elif number == 1:
            assert answer["error"]["title"] == "RuntimeError"
            assert 'raise RuntimeError("unexpected")' in answer["error"]["trace"]
        else:
            assert answer["error"]["title"] == "BadAction"
            assert answer["error"]["trace"] == ""
    for nonsense in (None, 7, [], "add", {"view": 3}):
        counter._hear(counter, nonsense, [])


def test_a_slow_action_holds_up_nobody(counter: Counter, answers: list[dict[str, Any]]) -> None:
    go_on = threading.Event()
    counter.handle = lambda name, payload: go_on.wait(20)  # type: ignore[method-assign]
    counter._hear(counter, {"action": "add", "id": 1}, [])
    assert answers == [{"kind": "heard", "id": 1}]  # or else the view would call the kernel busy
    go_on.set()
    until(lambda: any(each["kind"] == "answer" for each in answers))


def test_it_is_refreshed_only_while_displayed_and_if_something_happened(counter: Counter) -> None:
    counter.beat(0, changed=True)
    assert counter.number == 0  # not displayed
    counter._shell = Shell()
    counter.beat(0, changed=False)
    assert counter.number == 1  # what it had missed
    counter.beat(0, changed=False)
    assert counter.number == 1
    counter._hear(counter, {"view": "a", "visible": True}, [])
    counter._hear(counter, {"view": "a", "visible": False}, [])
    counter.beat(0, changed=True)
    assert counter.number == 1
    counter._hear(counter, {"view": "b", "visible": True}, [])
    counter.beat(0, changed=False)
    assert counter.number == 2
    counter.pace = 1.0  # type: ignore[misc]
    counter.beat(0.9, changed=False)
    assert counter.number == 2
    counter.beat(1.0, changed=False)
    assert counter.number == 3


def test_what_refreshing_raises_is_shown_until_it_goes_well(counter: Counter) -> None:
    counter._shell = Shell()
    counter.fails = True
    counter.beat(0, changed=True)
    assert counter._problem["title"] == "RuntimeError"
    assert counter._problem["text"] == "no luck"
    counter.fails = False
    counter.beat(0, changed=True)
    assert counter._problem is None


def test_a_closed_widget_leaves_a_still_picture(counter: Counter) -> None:
    shell = counter._shell = Shell()
    counter.close()
    counter.close()
    [(data, update)] = shell.published
    assert update
    assert data == {
        "text/plain": "counted to 0 <b>",
        "text/html": "<pre>counted to 0 &lt;b&gt;</pre>",
    }
    counter.beat(0, changed=True)
    counter._hear(counter, {"action": "fail"}, [])


def test_where_nobody_watches_an_endless_widget_is_stored_after_each_cell(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = counter._shell = Shell()
    counter.cell_ended()
    assert shell.published == []
    monkeypatch.setattr(Counter, "endless", True)
    counter.cell_ended()
    [(data, update)] = shell.published
    assert (data["text/plain"], update) == ("counted to 1 <b>", True)
    counter._hear(counter, {"view": "v", "visible": False}, [])
    counter.cell_ended()
    assert len(shell.published) == 1


def test_a_widget_lives_until_its_cell_runs_again() -> None:
    shell, lifetime, closed = Shell(), Lifetime(), []

    class Shown:
        def __init__(self, name: str) -> None:
            self.name = name

        def close(self) -> None:
            lifetime.forget(self)
            closed.append(self.name)

        def cell_ended(self) -> None:
            closed.append(f"{self.name} heard of an end")

    lifetime.attach(shell)
    lifetime.keep(Shown("first"))
    shell.begin("two")
    lifetime.keep(Shown("second"))
    assert closed == []
    shell.end()
    assert closed == ["first heard of an end", "second heard of an end"]
    closed.clear()
    shell.begin("one")
    assert closed == ["first"]
    lifetime.keep(Shown("third"))
    lifetime.detach()
    assert sorted(closed) == ["first", "second", "third"]
    assert shell.hooks == []


def test_only_so_many_widgets_stay_live() -> None:
    lifetime, closed = Lifetime(), []

    class Shown:
        def close(self) -> None:
            lifetime.forget(self)
            closed.append(self)

    shown = [Shown() for _ in range(103)]
    for each in shown:
        lifetime.keep(each)
    assert closed == shown[:3]


class Source:
    """What the feed uses of a service."""

    def __init__(self) -> None:
        self.subscribers: list[Callable[[Record], None]] = []

    def subscribe(self, subscriber: Callable[[Record], None]) -> Callable[[], None]:
        self.subscribers.append(subscriber)
        return lambda: self.subscribers.remove(subscriber)

    def publish(self, count: int = 1) -> None:
        for _ in range(count):
            for subscriber in self.subscribers:
                subscriber(RECORD)


def test_the_feed_hands_on_batches_and_follows_the_service() -> None:
    sources: list[Any] = [None]
    feed = Feed(lambda: sources[-1])
    batches: list[int] = []

    def listen(records: Sequence[Record]) -> None:
        batches.append(len(records))

    end = feed.listen(listen)
    assert feed.drain() == 0
    sources.append(first := Source())
    feed.drain()
    first.publish(3)
    assert feed.drain() == 3
    sources.append(second := Source())
    feed.drain()
    assert not first.subscribers
    second.publish(2)
    feed.drain()
    assert batches == [3, 2]
    end()
    second.publish()
    feed.drain()
    assert batches == [3, 2]
    feed.close()
    assert not second.subscribers


def test_the_widgets_thread_beats_ten_times_a_second_and_ends_with_the_last_widget() -> None:
    source = Source()
    pulse = Pulse(Feed(lambda: source))  # type: ignore[arg-type, return-value]
    beats: list[bool] = []

    class Member:
        def beat(self, now: float, changed: bool) -> None:
            beats.append(changed)

    member = Member()
    begun = time.monotonic()
    pulse.add(member)
    pulse.add(member)
    until(lambda: len(beats) >= 3)
    assert time.monotonic() - begun >= 0.3
    source.publish()
    until(lambda: True in beats)
    pulse.remove(member)
    assert not any(each.name == "nbfaas-widgets" for each in threading.enumerate())
    assert not source.subscribers
