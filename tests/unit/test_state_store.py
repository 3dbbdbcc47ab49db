"""The file of state: requests, quotas, and several processes at once."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import threading
import time

import pytest

from nbfaas import State
from nbfaas.agent.state import MAX_KEY, MAX_VALUE, MOST, PAGE
from nbfaas.agent.state import State as FunctionState
from nbfaas.errors import StateError, StateFull, StateRefused, StateUnavailable
from nbfaas.settings import config
from nbfaas.state import BadRequest, StateStore, read_request, request_of


class Access:
    def __init__(self, store, name="score"):
        self.store, self.name = store, name

    def ask(self, request, values=()):
        return self.store.answer(self.name, request_of(request, values), values)


@pytest.fixture
def store(tmp_path):
    store = StateStore(tmp_path / "state.db", 1 << 20)
    yield store
    store.close()


@pytest.fixture
def state(store):
    return FunctionState("score", Access(store))


@pytest.fixture(autouse=True)
def data_dir(monkeypatch, tmp_path):
    monkeypatch.setattr(config, "data_dir", str(tmp_path))


def test_what_is_set_is_there_until_it_is_deleted(state):
    assert state.get("k") is None
    assert state.get("k", 7) == 7
    for value in ({"a": [1, 2.5, None, True, "ü"]}, b"\0bytes", "", 0, [], None):
        state.set("k", value)
        assert state.get("k", "missing") == value
    assert "k" in state
    assert state.delete("k")
    assert not state.delete("k")
    assert "k" not in state


def test_numbers_are_counted_up(state):
    assert [state.incr("n"), state.incr("n", 5), state.incr("n", -10)] == [1, 6, -4]
    state.set("n", MOST)
    with pytest.raises(StateRefused, match="more than 63 bits"):
        state.incr("n")
    assert state.get("n") == MOST
    for value in ("text", 1.5, b"1", True):
        state.set("n", value)
        with pytest.raises(StateRefused, match="no whole number"):
            state.incr("n")
    for by in (1.5, True, MOST + 1):
        with pytest.raises(StateRefused):
            state.incr("n", by)


@pytest.mark.parametrize(("value", "named"), [(object(), "an object"), ({1}, "a set")])
def test_what_is_no_json_is_named_with_its_article(state, value, named):
    with pytest.raises(StateRefused, match=rf"can't be {named}: .* State keeps JSON and bytes"):
        state.set("k", value)


def test_it_is_set_only_if_nobody_was_quicker(state):
    assert state.compare_and_set("k", None, {"b": 1, "a": 2})
    assert not state.compare_and_set("k", None, 1)
    assert not state.compare_and_set("k", {"b": 1}, 1)
    assert state.compare_and_set("k", {"a": 2, "b": 1}, b"x")
    assert state.compare_and_set("k", b"x", None)
    assert state.compare_and_set("k", None, 3)
    assert state.get("k") == 3


def test_keys_are_listed_sorted_however_many_they_are(state):
    names = sorted(f"user/{n}" for n in range(PAGE + 5))
    for name in names:
        state.incr(name)
    state.set("other", 1)
    state.set("user_", 1)
    assert state.keys("user/") == names
    assert list(state) == sorted([*names, "other", "user_"])
    assert state.keys("%") == []


def test_a_value_with_a_ttl_goes_by_itself(state):
    state.set("k", 1, ttl=0.05)
    state.compare_and_set("c", None, 1, ttl=0.05)
    assert state.incr("k") == 2  # and keeps its time
    time.sleep(0.06)
    assert state.get("k") is None
    assert state.keys() == []
    assert state.incr("k") == 1
    assert state.compare_and_set("c", None, 2)


@pytest.mark.parametrize("key", ["", "x" * (MAX_KEY + 1), "a\0b", "\ud800", 7, None])
def test_keys_that_make_no_sense_are_refused(state, key):
    with pytest.raises(StateRefused):
        state.set(key, 1)


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, float("nan"), "x" * MAX_VALUE, b"x" * (MAX_VALUE + 1), "\ud800"]
)
def test_values_that_can_not_be_kept_are_refused(state, value):
    with pytest.raises(StateRefused):
        state.set("k", value)
    assert "k" not in state


@pytest.mark.parametrize("ttl", [0, -1, "1", True, float("nan"), float("inf")])
def test_a_ttl_is_a_positive_number(state, ttl):
    with pytest.raises(StateRefused, match="ttl"):
        state.set("k", 1, ttl=ttl)


def test_a_function_has_its_quota_and_others_theirs(store, state):
    value = b"x" * (200 << 10)
    for n in range(5):
        state.set(f"k{n}", value, ttl=0.2 if n < 2 else None)
    with pytest.raises(StateFull, match="state_quota"):
        state.set("k5", value)
    assert state.keys() == [f"k{n}" for n in range(5)]
    state.set("k0", b"")  # what makes room is allowed
    FunctionState("other", Access(store, "other")).set("k", value)
    time.sleep(0.2)
    state.set("k5", value)
    state.set("k6", value)  # what is over makes room too
    assert store.size("score")[0] == len(state.keys()) == 6


def test_each_function_has_keys_of_its_own(store, state):
    other = FunctionState("other", Access(store, "other"))
    state.set("k", 1)
    assert other.get("k") is None
    other.set("k", 2)
    assert other.delete("k")
    assert state.get("k") == 1
    assert store.size("other") == (0, 0)


def count_up(folder, times):
    config.data_dir = folder
    for _ in range(times):
        State("score").incr("n")


def test_several_processes_and_threads_change_one_number(tmp_path):
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=count_up, args=(str(tmp_path), 20)) for _ in range(2)]
    for each in others:
        each.start()
    threads = [threading.Thread(target=count_up, args=(str(tmp_path), 20)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in [*others, *threads]:
        each.join(60)
    assert State("score").get("n") == 80


def test_the_file_is_its_owners_alone(state, store):
    state.set("k", 1)
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600


def test_a_file_that_is_none_of_state_is_told_and_left(tmp_path):
    path = tmp_path / "state.db"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(StateUnavailable, match="is damaged"):
        State("score").get("k")
    assert path.read_bytes().startswith(b"something else")


def test_a_newer_file_is_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "state.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateUnavailable, match="newer nbfaas"):
        State("score").get("k")


def test_a_folder_that_can_not_be_made_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "file" / "folder"))
    with pytest.raises(StateUnavailable, match="can't be used"):
        State("score").set("k", 1)
    assert "can't be used" in repr(State("score"))


def test_the_notebooks_state_shows_its_keys():
    state = State("score")
    assert repr(state) == "<State of 'score', 0 keys>"
    for n in range(12):
        state.set(f"k{n:02}", "x" * 1000)
    shown = repr(state)
    assert "12 keys" in shown
    assert "k00 = 'xxx" in shown
    assert "2 more" in shown
    assert len(shown) < 2000
    with pytest.raises(StateRefused):
        State("")


def test_what_a_sandbox_has_stored_can_not_harm_who_reads_it(store):
    for junk in (b"J" + b"[" * 100_000, b"J{", b"J" + b"9" * 100_000):
        store.answer("score", request_of({"op": "set", "key": "k"}, [junk]), [junk])
        with pytest.raises(StateError, match="no JSON"):
            State("score").get("k")
        assert "no JSON" in repr(State("score"))


GOOD = {"op": "set", "key": "k", "id": 1}


@pytest.mark.parametrize(
    ("control", "values"),
    [
        (b"", []),
        (b"[" * 10_000, []),
        (b'{"op": "drop"}', []),
        (b'{"op": "get"}', []),
        (b'{"op": "get", "key": 7}', []),
        (b'{"op": "get", "key": "k", "id": "x"}', []),
        (b'{"op": "get", "key": "k", "id": -1}', []),
        (b'{"op": "get", "key": "\\ud800"}', []),
        (b'{"op": "get", "key": "a\\u0000b"}', []),
        (b'{"op": "get", "key": "' + b"k" * 513 + b'"}', []),
        (b'{"op": "get", "key": "k", "x": "' + b"k" * 20_000 + b'"}', []),
        (b'{"op": "set", "key": "k"}', []),
        (b'{"op": "set", "key": "k"}', [b"J1", b"J2"]),
        (b'{"op": "set", "key": "k"}', [b""]),
        (b'{"op": "set", "key": "k"}', [b"Xjunk"]),
        (b'{"op": "set", "key": "k"}', [b"B" + bytes(MAX_VALUE + 1)]),
        (b'{"op": "set", "key": "k", "ttl": -1}', [b"J1"]),
        (b'{"op": "set", "key": "k", "ttl": 1e300}', [b"J1"]),
        (b'{"op": "incr", "key": "k", "by": 9223372036854775808}', []),
        (b'{"op": "cas", "key": "k"}', [b"J1"]),
        (b'{"op": "cas", "key": "k", "absent": true}', [b"J1", b"J2"]),
        (b'{"op": "keys", "prefix": "' + b"k" * 513 + b'"}', []),
    ],
)
def test_requests_that_no_agent_makes_are_told_apart(control, values):
    with pytest.raises(BadRequest):
        read_request(control, values)
