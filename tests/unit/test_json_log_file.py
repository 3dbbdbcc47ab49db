"""Writing the JSON log: by a thread, bounded, into files that are begun anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from nbfaas.errors.logs import JsonLogUnavailable
from nbfaas.metrics.json_logs import Bounds, JsonLog
from nbfaas.metrics.log_file import LogFile
from nbfaas.model.invocation import InvocationState
from nbfaas.model.records import EventRefused, InvocationFinished, InvocationQueued, LogWritten

OK = InvocationState.SUCCEEDED


def queued(id_: str) -> InvocationQueued:
    return InvocationQueued(1.0, id_, "score", "0123456789ab")


def finished(id_: str) -> InvocationFinished:
    return InvocationFinished(2.0, id_, OK, 1, None, None, None, b"")


def output(id_: str, data: bytes = b"x\n") -> LogWritten:
    return LogWritten(1.5, id_, 1, 1, data)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def said() -> list[str]:
    """What was reported."""
    return []


def test_what_was_published_is_in_the_file_after_closing(tmp_path: Path, said: list[str]):
    path = tmp_path / "logs" / "nbfaas.jsonl"
    log = JsonLog(str(path), said.append)
    log.open()
    for number in range(500):
        for record in (queued(f"i{number}"), output(f"i{number}"), finished(f"i{number}")):
            log.subscriber(record)
    log.close()
    log.close()
    found = read(path)
    assert [line["kind"] for line in found] == ["output", "invocation"] * 500
    assert found[-1]["invocation_id"] == "i499"
    assert (path.stat().st_mode & 0o777, said) == (0o600, [])
    assert not [t for t in threading.enumerate() if t.name == "nbfaas-json-log"]


def test_lines_are_written_while_the_log_is_open(tmp_path: Path, said: list[str]):
    path = tmp_path / "log.jsonl"
    log = JsonLog(str(path), said.append)
    log.open()
    log.subscriber(EventRefused(1.0, "full"))  # no line is made of it
    for number in range(3):
        log.subscriber(output("i1"))
        until(lambda wanted=number + 1: len(read(path)) == wanted)
    log.close()


def test_output_is_dropped_first_and_a_line_says_how_much(tmp_path: Path, said: list[str]):
    path = tmp_path / "log.jsonl"
    log = JsonLog(str(path), said.append, Bounds(records=10, content=1000), clock=lambda: 9.0)
    log.subscriber(output("i0", b"x" * 900 + b"\n"))
    log.subscriber(output("i0", b"x" * 200 + b"\n"))  # too much content
    for number in range(20):
        log.subscriber(queued(f"i{number}"))
        log.subscriber(output(f"i{number}"))
    for number in range(20):
        log.subscriber(finished(f"i{number}"))
    assert (log.dropped_output, log.dropped_records) == (1 + 16, 5)
    log.open()
    log.close()
    found = read(path)
    assert sum(line["kind"] == "output" for line in found) == 1 + 4
    assert sum(line["kind"] == "invocation" for line in found) == 15
    assert found[-1] == {
        "timestamp": "1970-01-01T00:00:09Z",
        "level": "warning",
        "kind": "dropped",
        "message": "17 pieces of output and 5 other records were dropped: "
        "the log could not keep up",
        "dropped_output": 17,
        "dropped_records": 5,
    }


def test_a_file_is_begun_anew_before_it_grows_too_large(tmp_path: Path, said: list[str]):
    path = tmp_path / "log.jsonl"
    log = JsonLog(str(path), said.append, Bounds(file=2000, keep=2))
    log.open()
    for number in range(100):
        log.subscriber(output(f"i{number:03}"))
    log.close()
    assert sorted(os.listdir(tmp_path)) == ["log.jsonl", "log.jsonl.1", "log.jsonl.2"]
    files = [tmp_path / name for name in ("log.jsonl.2", "log.jsonl.1", "log.jsonl")]
    assert all(0 < file.stat().st_size <= 2000 for file in files)
    ids = [line["invocation_id"] for file in files for line in read(file)]
    assert ids == [f"i{number:03}" for number in range(100)][-len(ids) :]


def test_a_line_that_is_larger_than_a_file_is_written_whole(tmp_path: Path):
    file = LogFile(tmp_path / "log", max_bytes=10, keep=1)
    data = b"a\n" + b"b" * 50 + b"\nc\n"
    while data:
        data = data[file.write(data) :]
    file.close()
    assert (tmp_path / "log").read_bytes() == b"c\n"
    assert (tmp_path / "log.1").read_bytes() == b"b" * 50 + b"\n"


def test_without_older_files_only_the_newest_is_there(tmp_path: Path):
    file = LogFile(tmp_path / "log", max_bytes=4, keep=0)
    for data in (b"aa\n", b"bb\n"):
        while data:
            data = data[file.write(data) :]
    file.close()
    assert os.listdir(tmp_path) == ["log"]
    assert (tmp_path / "log").read_bytes() == b"bb\n"


@pytest.mark.parametrize("how", ["moved", "removed"])
def test_a_file_that_others_take_away_is_made_again(tmp_path: Path, how: str):
    path = tmp_path / "log"
    file = LogFile(path, max_bytes=1000, keep=1)
    file.write(b"a\n")
    if how == "moved":
        path.rename(tmp_path / "archive")
    else:
        path.unlink()
    file.write(b"b\n")
    file.close()
    assert path.read_bytes() == b"b\n"


def test_two_processes_may_share_a_file(tmp_path: Path):
    path = tmp_path / "log"
    files = [LogFile(path, max_bytes=100, keep=50) for _ in range(2)]
    for number in range(100):
        data = b"%03d\n" % number
        while data:
            data = data[files[number % 2].write(data) :]
    for file in files:
        file.close()
    kept = b"".join(sorted(b"".join(p.read_bytes() for p in tmp_path.iterdir()).splitlines(True)))
    assert kept == b"".join(b"%03d\n" % number for number in range(100))


def test_a_place_that_can_not_be_written_is_an_error_with_a_reason(tmp_path: Path, said: list[str]):
    (tmp_path / "file").write_text("")
    with pytest.raises(JsonLogUnavailable, match="can't be written: Not a directory"):
        JsonLog(str(tmp_path / "file" / "log"), said.append).open()
    with pytest.raises(JsonLogUnavailable, match=r"Is a directory.*json_log"):
        JsonLog(str(tmp_path), said.append).open()


def test_lines_wait_while_the_disk_is_full_and_one_message_says_so(said: list[str], tmp_path: Path):
    path = tmp_path / "log.jsonl"
    log = JsonLog(str(path), said.append)
    log.open()
    log.subscriber(output("i1", b"before\n"))
    until(lambda: len(read(path)) == 1)
    folder = tmp_path / "elsewhere"
    tmp_path.joinpath("log.jsonl").unlink()
    path.mkdir()  # now it can't be opened
    log.subscriber(output("i1", b"first\n"))
    until(lambda: said)
    log.subscriber(output("i1", b"second\n"))
    path.rename(folder)
    until(lambda: path.exists() and len(read(path)) == 2)
    log.close()
    assert [line["message"] for line in read(path)] == ["first", "second"]
    assert len(said) == 1
    assert "Is a directory" in said[0]


def test_standard_error_is_written_past_python(tmp_path: Path):
    code = (
        "from nbfaas.metrics.json_logs import JsonLog\n"
        "from nbfaas.model.records import LogWritten\n"
        "import sys; sys.stderr = None\n"
        "log = JsonLog('stderr', print); log.open()\n"
        "log.subscriber(LogWritten(1.0, 'i1', 1, 2, b'hello'))\n"
        "log.subscriber(LogWritten(1.0, 'i1', 1, 2, b' you\\n'))\n"
        "log.close()\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    (line,) = out.stderr.splitlines()
    assert json.loads(line)["message"] == "hello you"
    assert out.stdout == b""


def test_a_pipe_that_nobody_reads_does_not_hold_up_who_publishes_or_closes(said: list[str]):
    code = (
        "import time\n"
        "from nbfaas.metrics.json_logs import Bounds, JsonLog\n"
        "from nbfaas.model.records import LogWritten\n"
        "log = JsonLog('stderr', print, Bounds(records=100)); log.open()\n"
        "start = time.monotonic()\n"
        "for n in range(5000): log.subscriber(LogWritten(1.0, 'i', 1, 1, b'x' * 1000 + b'\\n'))\n"
        "published = time.monotonic() - start\n"
        "log.close(0.2)\n"
        "print(published < 2, log.dropped_output > 0)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"True True\n"
        process.kill()
        process.communicate()
