"""Events saved in the project."""

from __future__ import annotations

import json
import os
import stat
import threading

import pytest

from nbfaas import Event
from nbfaas.errors import BadEventName, SavedEventUnusable, UnknownSavedEvent
from nbfaas.events import delete, load, save, saved, template, test_pattern
from nbfaas.events.project import project_folder


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "notebooks" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "notebooks" / "deep")
    return tmp_path


def test_a_saved_event_comes_back_equal_and_is_readable_json(project):
    event = template("order.created", extensions={"tenant": "ä", "n": 3})
    path = save(event, "large order")
    assert path == project / ".nbfaas" / "events" / "large order.json"
    assert load("large order") == event
    text = path.read_text("utf-8")
    assert '\n  "type": "order.created"' in text
    assert "ä" in text
    assert json.loads(text) == event.to_dict()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    binary = Event("b", b"\x00\xff")
    save(binary, "large order")
    assert load("large order") == binary
    assert os.listdir(path.parent) == ["large order.json"]
    assert test_pattern("b", "large order").matched


@pytest.mark.parametrize("mark", [".nbfaas", ".git"])
def test_the_nearest_folder_with_a_mark_is_the_project(project, mark):
    (project / "notebooks" / mark).mkdir()
    assert project_folder() == project / "notebooks"
    save(Event("a"), "x")
    assert (project / "notebooks" / ".nbfaas" / "events" / "x.json").exists()


def test_without_a_mark_the_current_folder_is_the_project(tmp_path_factory, monkeypatch):
    bare = tmp_path_factory.mktemp("bare")
    monkeypatch.chdir(bare)
    if any(
        (folder / mark).exists()
        for folder in bare.parents
        for mark in (".nbfaas", ".git", "pyproject.toml")
    ):
        pytest.fail("the temporary folder lies in a project; run the tests elsewhere")
    assert project_folder() == bare


def test_what_is_saved_is_listed_and_can_be_deleted():
    assert saved() == []
    for name in ("b", "a", "ünïcode 1.5"):
        save(Event("t", source="s"), name)
    assert [each.name for each in saved()] == ["a", "b", "ünïcode 1.5"]
    assert repr(saved()[0]) == "<SavedEvent 'a' t s>"
    delete("a")
    assert [each.name for each in saved()] == ["b", "ünïcode 1.5"]
    with pytest.raises(UnknownSavedEvent, match=r"there are 'b', 'ünïcode 1\.5'"):
        delete("a")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "a/b", "/etc/passwd", "a\\b", ".hidden", " a", "a ", "a.", "a\n",
     "a\0b", "x" * 101, "ü" * 100 + "€" * 3, "€" * 90, None, 7, "\ud800"],
)  # fmt: skip
def test_a_name_that_could_be_a_path_is_refused(name, project):
    for use in (load, delete, lambda name: save(Event("a"), name)):
        with pytest.raises(BadEventName):
            use(name)
    assert not (project / ".nbfaas").exists()


def test_a_name_that_is_not_there_is_answered_with_the_nearest():
    with pytest.raises(UnknownSavedEvent, match="there is none yet"):
        load("order")
    save(Event("a"), "large-order")
    with pytest.raises(UnknownSavedEvent, match="did you mean 'large-order'"):
        load("large_order")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"specversion": "1.0"}', "\xff"])
def test_a_broken_file_is_named_and_does_not_hide_the_others(text, project):
    save(Event("a"), "good")
    broken = project / ".nbfaas" / "events" / "broken.json"
    broken.write_bytes(text.encode("latin-1"))
    with pytest.raises(SavedEventUnusable, match=r"broken\.json"):
        load("broken")
    listed = {each.name: each.problem for each in saved()}
    assert listed["good"] is None
    assert "no CloudEvent" in listed["broken"]


def test_what_the_disk_refuses_is_a_typed_error(project):
    (project / ".nbfaas").mkdir()
    (project / ".nbfaas" / "events").write_text("a file is in the way")
    with pytest.raises(SavedEventUnusable, match="Look at the folder"):
        save(Event("a"), "x")
    (project / ".nbfaas" / "events").unlink()
    (project / ".nbfaas" / "events" / "x.json").mkdir(parents=True)
    for use in (load, delete, lambda name: save(Event("a"), name)):
        with pytest.raises(SavedEventUnusable):
            use("x")
    assert os.listdir(project / ".nbfaas" / "events") == ["x.json"], "no temporary file is left"


def test_a_file_is_never_seen_half_written():
    large = Event("large", ["x" * 100] * 2_000)
    save(large, "x")
    stop = threading.Event()
    problems = []

    def read():
        while not stop.is_set():
            try:
                assert load("x").type == "large"
            except Exception as error:
                problems.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        save(large, "x")
    stop.set()
    reader.join()
    assert problems == []
