"""Exported folders: how they are written, read, and what their events are."""

from __future__ import annotations

import hashlib
import json
import os
from xml.etree import ElementTree

import msgspec
import pytest
from manifests import a_manifest

import nbfaas
from nbfaas.agent.event import Event
from nbfaas.errors import (
    BadDeployment,
    BadExpectation,
    ExportRefused,
    IntegrityError,
    ManifestUnreadable,
    NotAnExport,
    NothingToTest,
    SavedEventUnusable,
    UnknownSavedEvent,
)
from nbfaas.model.manifest import ImageManifest
from nbfaas.model.trigger_spec import TriggerSpec
from nbfaas.pipeline.cases import find_cases, write_expectation
from nbfaas.pipeline.expectation import NOTHING
from nbfaas.pipeline.exported import read_export
from nbfaas.pipeline.junit import junit_xml
from nbfaas.pipeline.rendering import dockerfile, readme, requirements
from nbfaas.pipeline.testing import EventResult, TestReport
from nbfaas.pipeline.writing import write_folder

LARGE = TriggerSpec(kind="event", name="large", arguments=({"type": ["order.created"]},))


def write(folder, **files):
    write_folder(folder, {k: v.encode() for k, v in files.items()}, frozenset({"run"}))


def test_a_folder_is_written_again_as_long_as_nobody_else_has_written_there(tmp_path):
    folder = tmp_path / "new" / "folder"
    write(folder, one="1", two="2", run="#!")
    assert os.access(folder / "run", os.X_OK)
    assert not os.access(folder / "one", os.X_OK)
    (folder / "mine").write_text("mine")
    write(folder, one="1", three="3")
    assert sorted(path.name for path in folder.iterdir()) == [
        ".nbfaas-export.json", "mine", "one", "three",
    ]  # fmt: skip
    (folder / "one").write_text("changed")
    with pytest.raises(ExportRefused, match=r"changed since \(one\)"):
        write(folder, one="1", three="4")
    assert (folder / "three").read_text() == "3", "nothing is written then"
    with pytest.raises(ExportRefused, match="mine"):
        write(folder, mine="ours")
    write(folder, one="changed", mine="mine")  # as they are


def test_what_was_changed_is_not_removed_either(tmp_path):
    write(tmp_path, one="1", two="2")
    (tmp_path / "one").write_text("changed")
    write(tmp_path, two="2")
    assert (tmp_path / "one").read_text() == "changed"


def test_links_are_not_followed_out_of_the_folder(tmp_path):
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "events").symlink_to(outside)
    with pytest.raises(ExportRefused, match="links there lead out of it"):
        write_folder(folder, {"events/x.json": b"{}"}, frozenset())
    (folder / "one").symlink_to(outside / "one")
    with pytest.raises(ExportRefused, match="one"):
        write(folder, one="1")
    (folder / ".nbfaas-export.json").write_text('{"../outside/kept": "x", "/etc/x": "y"}')
    (outside / "kept").write_text("kept")
    write(folder, two="2")
    assert (outside / "kept").exists()


def test_where_nothing_can_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportRefused, match="it is no folder"):
        write(tmp_path / "file", one="1")
    with pytest.raises(ExportRefused, match="Not a directory"):
        write(tmp_path / "file" / "below", one="1")


@pytest.fixture
def exported(tmp_path):
    """A folder with a manifest and its payload."""
    manifest = a_manifest()
    payload_hash = hashlib.sha256(b"payload").hexdigest()
    manifest = msgspec.structs.replace(manifest, payload_hash=payload_hash).sealed()
    (tmp_path / "manifest.json").write_bytes(manifest.to_json())
    (tmp_path / "payload.bin").write_bytes(b"payload")
    return tmp_path


def test_an_export_is_checked_when_it_is_read(exported):
    assert str(read_export(exported)) == "thumb v1"
    text = (exported / "manifest.json").read_text()
    (exported / "manifest.json").write_text(text.replace('"network": false', '"network": true'))
    with pytest.raises(IntegrityError, match="another content hash"):
        read_export(exported)
    (exported / "manifest.json").write_text(text)
    (exported / "payload.bin").write_bytes(b"paylaod")
    with pytest.raises(IntegrityError, match="its payload has another hash"):
        read_export(exported)
    (exported / "payload.bin").unlink()
    with pytest.raises(NotAnExport, match=r"there is no payload\.bin"):
        read_export(exported)
    (exported / "manifest.json").write_text("{}")
    with pytest.raises(ManifestUnreadable):
        read_export(exported)


@pytest.mark.parametrize(
    "changes",
    [
        {"function": "../../elsewhere"},
        {"function": "/elsewhere"},
        {"function": ".."},
        {"name": ".."},
        {"name": "a$(b)"},
        {"version": "v1\nv2"},
        {"image": ImageManifest("runtime", "python", "3.11", sources=("../../secret",))},
        {"image": ImageManifest("runtime", "python", "3.11", sources=("/dev/zero",))},
    ],
    ids=str,
)
def test_no_name_in_an_export_leads_out_of_it(exported, changes):
    manifest = msgspec.structs.replace(read_export(exported).manifest, **changes).sealed()
    (exported / "manifest.json").write_bytes(manifest.to_json())
    with pytest.raises((ManifestUnreadable, BadDeployment)):
        read_export(exported)


@pytest.mark.parametrize("link", ["a.json", "."])
def test_expectations_are_not_written_where_links_lead_to(tmp_path, link):
    events, outside = tmp_path / "events", tmp_path / "outside"
    save(events, "a")
    outside.mkdir()
    (outside / "a.json").write_text("{}")
    folder = events / "expected" / "pay"
    folder.parent.mkdir()
    if link == ".":
        folder.symlink_to(outside)
    else:
        folder.mkdir()
        (folder / link).symlink_to(outside / link)
    (case,), _ = find_cases(events, "pay", [LARGE])
    with pytest.raises(BadExpectation, match="a link leads out of the folder"):
        write_expectation(case, NOTHING)
    assert (outside / "a.json").read_text() == "{}"


def save(folder, name, kind="order.created", data=None):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(Event(kind, data).to_dict()))


def test_the_events_are_those_that_the_triggers_take_or_that_have_an_expectation(tmp_path):
    for name, kind in (("a", "order.created"), ("b", "order.gone"), ("c", "other")):
        save(tmp_path, name, kind)
    expected = tmp_path / "expected" / "pay"
    expected.mkdir(parents=True)
    (expected / "c.json").write_text('{"triggers": []}')
    cases, others = find_cases(tmp_path, "pay", [LARGE])
    assert ([case.name for case in cases], others) == (["a", "c"], 1)
    assert [case.runs for case in cases] == [True, False]
    (expected / "c.json").write_text('{"result": 1}')
    assert find_cases(tmp_path, "pay", [LARGE])[0][1].runs, "whoever says so wants it to be run"
    assert [case.name for case in find_cases(tmp_path, "pay", [LARGE], ["b"])[0]] == ["b"]
    assert [case.name for case in find_cases(tmp_path, "pay", [])[0]] == ["c"]
    assert [case.name for case in find_cases(tmp_path, "plain", [])[0]] == ["a", "b", "c"]


def test_without_an_event_there_is_nothing_to_test(tmp_path):
    with pytest.raises(NothingToTest, match="it has no event"):
        find_cases(tmp_path / "events", "pay", [LARGE])
    save(tmp_path, "b", "order.gone")
    with pytest.raises(NothingToTest, match="none of the 1 events"):
        find_cases(tmp_path, "pay", [LARGE])
    with pytest.raises(UnknownSavedEvent, match="'b'"):
        find_cases(tmp_path, "pay", [LARGE], ["bb"])
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(SavedEventUnusable, match=r"b\.json.*holds no CloudEvent"):
        find_cases(tmp_path, "pay", [LARGE])


def test_what_the_simulator_saves_is_taken_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".nbfaas").mkdir()
    event = Event("order.created", b"bytes", subject="x", extensions={"tenant": "a"})
    path = nbfaas.events.save(event, "large order")
    (case,), _ = find_cases(path.parent, "pay", [LARGE])
    assert (case.name, case.event) == ("large order", event)
    expected = path.parent / "expected" / "pay"
    expected.mkdir(parents=True)
    (expected / "large order.json").write_text("{}")
    assert [each.name for each in nbfaas.events.saved()] == ["large order"]


def test_texts_name_the_version_and_keep_quotes():
    manifest = a_manifest(number=3)
    with pytest.raises(IntegrityError, match="a runtime called"):
        dockerfile(manifest, "nbfaas/python\nRUN true", {})
    text = dockerfile(manifest, "nbfaas/python:3.11-x", {"b": 'say "$HOME"', "a": "1"})
    assert "ARG BASE=nbfaas/python:3.11-x\n" in text
    assert 'LABEL a="1"\nLABEL b="say \\"\\$HOME\\""' in text
    assert "None yet" in readme(manifest, [], [])
    listed = readme(manifest, ["large"], ["order.created-1"])
    assert "- `large`: saved" in listed
    assert "`order.created-1`: a real one" in listed
    assert "{{" not in listed + text + requirements(manifest)


def test_results_are_xml_that_ci_systems_read():
    passed = EventResult("a", ("large",), (), 0.5, "say \x1b[1m<hi>\n")
    failed = EventResult("b & c", (), ("result: wanted 1, got 2", "more"), 0.25)
    report = TestReport("thumb v1", "docker", (passed, failed), 0)
    assert not report.passed
    (suite,) = ElementTree.fromstring(junit_xml(report))
    assert suite.attrib["tests"] == "2"
    assert suite.attrib["failures"] == "1"
    first, second = suite
    assert first.find("system-out").text == "say \ufffd[1m<hi>\n"
    assert first.find("failure") is None
    assert second.attrib["name"] == "b & c"
    assert second.find("failure").attrib["message"] == "result: wanted 1, got 2"
