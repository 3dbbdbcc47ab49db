"""Templates have the shape of what the real sources produce."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from intakes import KeptIntake
from running import running, until

import nbfaas
from nbfaas.errors import BadEvent, BadTemplateParameter, UnknownTemplate
from nbfaas.events import template, templates
from nbfaas.gateway.request import HttpRequest, request_event
from nbfaas.triggers.file_source import FileSource
from nbfaas.triggers.queue_message import from_fields
from nbfaas.triggers.queue_source import QueueSource
from nbfaas.triggers.schedule import ScheduleSource

NAMES = [each.name for each in templates()]


def shape(value):
    """Names and types, without the values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return type(value).__name__


def assert_same_shape(made, real):
    found, wanted = made.to_dict(), real.to_dict()
    assert shape(found) == shape(wanted)
    assert found["type"] == wanted["type"]
    for name in ("id", "source", "subject"):
        assert _form(found.get(name)) == _form(wanted.get(name)), name


def _form(text):
    return None if text is None else re.sub(r"[0-9]+", "9", text)


def test_all_eight_are_there_and_say_what_they_are():
    assert set(NAMES) == {
        "cloudevent", "order.created", "http.request", "schedule.tick", "file.created",
        "s3.object-created", "queue.message", "github.push",
    }  # fmt: skip
    for each in templates():
        assert each.description.endswith(".")
        assert each.parameters
        assert all(parameter.description for parameter in each.parameters.values())
        assert each.name in repr(templates())


@pytest.mark.parametrize("name", NAMES)
def test_a_template_uses_all_its_parameters_and_no_others(name):
    text = files("nbfaas.events").joinpath("templates", f"{name}.json").read_text("utf-8")
    used = set(re.findall(r"\{(\w+)(?::\w+)?\}", json.dumps(json.loads(text)["event"])))
    (found,) = [each for each in templates() if each.name == name]
    assert used == set(found.parameters)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_makes_a_valid_event_that_can_be_sent_again_and_again(name):
    event = template(name)
    assert nbfaas.Event.from_json(event.to_json()) == event
    assert "{" not in event.id + event.source + event.type + (event.subject or "")


async def test_a_tick_is_like_that_of_a_schedule():
    intake = KeptIntake()
    async with running(ScheduleSource("report", 0.1), intake):
        await until(lambda: intake.events)
    at = datetime.fromisoformat(intake.events[0].data["scheduled_at"])
    made = template("schedule.tick", trigger="report", schedule="every 0.1 s", scheduled_at=at)
    assert_same_shape(made, intake.events[0])
    assert made.source == intake.events[0].source
    assert made.id == intake.events[0].id
    assert made.time == intake.events[0].time


async def test_a_created_file_is_like_that_of_a_watched_folder(tmp_path):
    folder = tmp_path / "in box"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.csv").write_text("1,2\n")
    when = datetime(2026, 11, 23, 14, 3, 0, 250_000, tzinfo=UTC).timestamp()
    os.utime(folder / "sub" / "a.csv", (when, when))
    intake = KeptIntake()
    async with running(FileSource("load", folder / "**" / "*.csv", stable=0.05), intake):
        await until(lambda: intake.events)
    real = intake.events[0]
    made = template(
        "file.created", trigger="load", folder=str(folder), name="sub/a.csv", size=4,
        modified_at=real.data["modified_at"],
    )  # fmt: skip
    assert_same_shape(made, real)
    assert made.data == real.data
    assert made.source == real.source
    without_inode = [re.sub(r"@\d+-", "@", each.id) for each in (made, real)]
    assert without_inode[0] == without_inode[1]


def test_a_request_is_like_that_of_the_gateway():
    headers = {"host": "h", "content-type": "application/json", "accept": "*/*", "user-agent": "c"}
    request = HttpRequest("POST", "/orders/7", b"q=1&q=2", headers, b'{"total": 3}')
    real = request_event("order-http", request, {"id": "7"})
    made = template(
        "http.request", trigger="order-http", method="POST", path="/orders/7",
        path_parameters={"id": "7"}, query={"q": ["1", "2"]}, headers=headers, body={"total": 3},
    )  # fmt: skip
    assert made.data == real.data
    assert made.replace(id=real.id, time=real.time) == real


def test_a_message_is_like_that_of_a_redis_stream():
    source = QueueSource.from_url("redis://me:secret@localhost", stream="orders:new 1")
    moment = datetime.now(UTC)
    real = from_fields(
        [(b"a", b"1"), (b"b", b"x"), (b"b", b"y")],
        source=source.place, id="1795449853602-0", subject="orders:new 1", time=moment,
    ).event  # fmt: skip
    made = template(
        "queue.message", stream="orders:new 1", message_id="1795449853602-0",
        fields={"a": "1", "b": ["x", "y"]},
    )  # fmt: skip
    assert_same_shape(made, real)
    assert made.replace(time=real.time) == real
    assert _form(template("queue.message").id) == _form(real.id)


def test_an_object_is_as_eventbridge_tells_it():
    event = template("s3.object-created", bucket="photos", key="in/{key}.jpg", size=7)
    assert (event.source, event.type, event.subject) == ("aws.s3", "Object Created", "in/{key}.jpg")
    assert event.data["bucket"] == {"name": "photos"}
    assert event.data["object"]["key"] == "in/{key}.jpg", "a value is no template"
    assert event.data["object"]["size"] == 7
    pattern = {"source": ["aws.s3"], "data": {"object": {"key": [{"suffix": ".jpg"}]}}}
    assert nbfaas.test_pattern(pattern, event)


def test_attributes_of_the_event_can_be_changed_as_well():
    event = template("order.created", total=9.5, source="web", id="7", extensions={"tenant": "a"})
    assert (event.source, event.id, dict(event.extensions)) == ("web", "7", {"tenant": "a"})
    assert event.data["total"] == 9.5
    assert template("order.created", data=[1]).data == [1]
    assert template("cloudevent", type="a", subject="b", data=None).data is None


def test_two_events_of_one_template_share_nothing():
    one, other = template("order.created"), template("order.created")
    assert one.id != other.id
    one.data["lines"].append("x")
    assert len(other.data["lines"]) == len(template("order.created").data["lines"]) == 2


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (
            "s3.object-created",
            {"buckt": "b"},
            "no such parameter; did you mean 'bucket",
        ),
        ("s3.object-created", {"size": "7"}, 'size: "7" is not a whole number'),
        ("s3.object-created", {"size": -1}, "size: -1 is less than 0"),
        ("order.created", {"lines": [{}, 3]}, r"lines: 3 is not an object at \$\[1\]"),
        ("http.request", {"method": "FETCH"}, 'method: "FETCH" is none of "GET", "HEAD"'),
        ("schedule.tick", {"scheduled_at": "soon"}, "is no date and time, such as 2026-11-23T"),
        ("file.created", {"folder": "relative"}, "does not match"),
        ("github.push", {"after": "0d1a"}, "does not match"),
    ],
)
def test_a_wrong_parameter_is_named(name, changes, message):
    with pytest.raises(BadTemplateParameter, match=message):
        template(name, **changes)


def test_a_wrong_name_or_attribute_is_named():
    with pytest.raises(UnknownTemplate, match=r"did you mean 's3\.object-created'\?"):
        template("s3.object.created")
    with pytest.raises(BadEvent, match="source is ''"):
        template("order.created", source="")
