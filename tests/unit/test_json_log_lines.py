"""What records are as lines of a JSON log."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from nbfaas.metrics.json_lines import LONGEST_LINE, Lines, encoded
from nbfaas.model.invocation import AttemptStats, InvocationState
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    DeliveryAttempted,
    InvocationFinished,
    InvocationQueued,
    LogWritten,
    Record,
)

OK, FAILED = InvocationState.SUCCEEDED, InvocationState.FAILED
AT = 1_700_000_000.25


def queued(id_: str = "i1") -> InvocationQueued:
    return InvocationQueued(AT, id_, "score", "0123456789ab", "run-1", 3)


def output(data: bytes, id_: str = "i1", stream: int = 1) -> LogWritten:
    return LogWritten(AT + 1, id_, 1, stream, data)


def attempt(state: InvocationState = OK, error: str | None = None) -> AttemptFinished:
    stats = AttemptStats(1, state, "box", AT, 0.1, 0.5, 0.1, 0.1, 0.01, 1 << 24, True, error)
    return AttemptFinished(AT + 1, "i1", stats)


def finished(
    state: InvocationState = OK, error: str | None = None, id_: str = "i1"
) -> InvocationFinished:
    return InvocationFinished(AT + 2, id_, state, 1, error, b"result", None, b"log")


def lines(*records: Record, of: Lines | None = None) -> list[dict[str, Any]]:
    made = of or Lines()
    return [json.loads(encoded(line)) for record in records for line in made.of(record)]


def messages(*records: Record, of: Lines | None = None) -> list[str]:
    return [line["message"] for line in lines(*records, of=of) if line["kind"] == "output"]


def test_an_invocation_gives_a_line_for_its_attempt_and_one_for_its_end():
    started = AttemptStarted(AT, "i1", 1, "box", True)
    first, second = lines(queued(), started, attempt(), finished())
    assert first == {
        "timestamp": "2023-11-14T22:13:21.250000Z",
        "level": "info",
        "kind": "attempt",
        "message": "score succeeded",
        "invocation_id": "i1",
        "attempt": 1,
        "function": "score",
        "version": "0123456789ab",
        "run_id": "run-1",
        "instance": "box",
        "state": "SUCCEEDED",
        "duration": 0.5,
        "cold_start": True,
    }
    assert (second["kind"], second["duration"], second["attempt"]) == ("invocation", 2.0, 1)
    assert datetime.fromisoformat(second["timestamp"]).timestamp() == AT + 2


@pytest.mark.parametrize(
    ("state", "level"),
    [
        (FAILED, "error"),
        (InvocationState.TIMED_OUT, "error"),
        (InvocationState.CANCELLED, "warning"),
    ],
)
def test_how_it_ended_is_the_level_and_the_error_is_told(state, level):
    (line,) = lines(queued(), finished(state, "ValueError: no"))[-1:]
    assert (line["level"], line["state"], line["error"]) == (level, str(state), "ValueError: no")
    assert line["message"] == "score ValueError: no"


@pytest.mark.parametrize("before", [True, False])
def test_trigger_and_event_are_told_when_an_event_brought_it_about(before):
    told = DeliveryAttempted(AT, 7, "nightly", 1, "i1", "event-1", "schedule")
    (line,) = lines(*([told, queued()] if before else [queued(), told]), finished())
    assert (line["trigger"], line["event_id"], line["function"]) == ("nightly", "event-1", "score")


def test_a_delivery_to_an_url_makes_no_line_and_is_not_remembered():
    made = Lines()
    assert lines(DeliveryAttempted(AT, 7, "nightly", 1, None), of=made) == []
    assert "0 invocations" in repr(made)


def test_lines_are_put_together_across_chunks_by_stream():
    chunks = (b"one\ntw", b"o\n\nthr", b"ee")
    made = Lines()
    found = lines(queued(), *map(output, chunks), output(b"err", stream=2), attempt(), of=made)
    shown = [(line["message"], line["stream"]) for line in found[:-1]]
    assert shown == [
        ("one", "stdout"),
        ("two", "stdout"),
        ("", "stdout"),
        ("three", "stdout"),
        ("err", "stderr"),
    ]
    assert found[-1]["kind"] == "attempt"
    assert "0 bytes" in repr(made)


def test_a_character_that_is_split_between_chunks_comes_out_whole():
    data = "größer\r\n".encode()
    assert messages(*(output(data[n : n + 1]) for n in range(len(data)))) == ["größer"]
    assert messages(output(b"\xff\xfe\n")) == ["\ufffd\ufffd"]


@pytest.mark.parametrize("ends", [b"", b"\n"])
def test_a_line_that_is_too_long_becomes_several(ends):
    data = b"x" * (2 * LONGEST_LINE + 5) + ends
    found = lines(queued(), output(data), attempt())[:-1]
    assert [len(line["message"]) for line in found] == [LONGEST_LINE, LONGEST_LINE, 5]
    assert [line.get("partial", False) for line in found] == [True, True, False]


def test_unfinished_lines_of_many_invocations_stay_bounded():
    made = Lines(most_unfinished=1000)
    found = []
    for number in range(50):
        found += messages(queued(f"i{number}"), output(b"x" * 100, f"i{number}"), of=made)
    assert len(found) == 40
    assert "1000 bytes unfinished" in repr(made)


def test_invocations_whose_end_never_comes_stay_bounded():
    made = Lines(most_live=10)
    for number in range(50):
        lines(queued(f"i{number}"), output(b"x", f"i{number}"), of=made)
    assert repr(made) == "<Lines 10 invocations, 10 bytes unfinished>"


def test_an_invocation_of_before_the_log_is_told_as_far_as_it_is_known():
    (line,) = lines(finished())
    assert (line["invocation_id"], line["state"]) == ("i1", "SUCCEEDED")
    assert not {"function", "version", "duration", "instance"} & set(line)


def test_text_without_utf_8_is_escaped():
    (line,) = lines(queued(), finished(FAILED, "OSError: '\udcff'"))
    assert line["error"] == "OSError: '\\udcff'"


def test_an_endless_error_is_cut():
    (line,) = lines(queued(), finished(FAILED, "E" * 1_000_000))
    assert len(json.dumps(line)) < 20_000
