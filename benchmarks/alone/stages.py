"""Where each microsecond of a warm call goes.

The methods a call passes through are wrapped, here only, so that each notes the time when it begins
or ends. Wrapping costs some microseconds: in turns, calls are also timed without it.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.alone import Figures, docker_service

_CALLS = 3000
_PATIENCE = 5_000_000  # ns
_TURN = 50  # calls with the marks, then as many without

STAGES = {
    "check": "whether the function has changed since it was packaged",
    "pickle": "the arguments are pickled",
    "prepare": "the invocation, an inbox and a listener are made",
    "hand_over": "waiting for the loop's thread (0: the caller sends by itself)",
    "dispatch": "a sandbox is chosen, the frame is made",
    "send": "the frame is written to the socket",
    "to_agent": "the sandbox's process wakes up, reads and decodes the frame",
    "run": "agent: unpickles the arguments, runs the function, pickles the result",
    "to_host": "the agent packs and writes the answer; the host's loop wakes up",
    "receive": "the answer is read and decoded",
    "account": "the attempt's figures; the loop catches up with what the caller did",
    "unpickle": "the result is unpickled by the allow-list",
    "settle": "the outcome is noted",
    "wake_up": "the caller's thread wakes up, gets the interpreter's lock, returns",
}
BESIDE = {
    "catch_up": "the loop catches up with what the caller did, mostly while the sandbox is at work",
    "records": "publishing the call's records, journal included",
    "after": "the loop goes on after it has told the caller: the records of the end, planning",
}

# The mark at which each stage ends.
_EDGES = (
    "checked", "pickled", "submit", "taken", "sending", "sent", "agent_began",
    "agent_ended", "readable", "frame", "unpickling", "unpickled", "settled", "end",
)  # fmt: skip

_marks: dict[str, int] = {}
_sums = {"records": 0, "catch_up": 0}
_now = time.perf_counter_ns
_on = False


def _wrap(owner: Any, name: str, before: str = "", after: str = "", total: str = "") -> None:
    """Note when the method begins (the first time in a call, except ``readable``) and ends."""
    original: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not _on:
            return original(*args, **kwargs)
        started = _now()
        if before and (before not in _marks or before == "readable"):
            _marks[before] = started
        result = original(*args, **kwargs)
        ended = _now()
        if after:
            _marks[after] = ended
        if total:
            _sums[total] += ended - started
        return result

    setattr(owner, name, wrapped)


def _instrument() -> None:
    from nbfaas.backends.connection import SocketConnection
    from nbfaas.dispatch import settling
    from nbfaas.dispatch.dispatcher import Dispatcher
    from nbfaas.dispatch.intake import Intake
    from nbfaas.dispatch.slot import Slot
    from nbfaas.remote.function import RemoteFunction
    from nbfaas.service import Service

    _wrap(RemoteFunction, "version", after="checked")
    _wrap(RemoteFunction, "_dump", after="pickled")
    _wrap(Dispatcher, "submit", before="submit")
    _wrap(Intake, "work_off", before="taken", total="catch_up")
    _wrap(settling.Settling, "_settle", before="settled")
    _wrap(SocketConnection, "send", before="sending", after="sent")
    _wrap(SocketConnection, "_read", before="readable", after="loop_free")
    _wrap(Slot, "_on_frame", before="frame")
    _wrap(settling, "load_result", before="unpickling", after="unpickled")
    _note_agent_clock(settling.Settling)
    _note_records(Service)


def _note_agent_clock(owner: Any) -> None:
    """The agent's clock is this machine's: its time stamp can be set beside the host's."""
    from nbfaas.agent import wire

    original: Callable[..., Any] = owner.stats

    def stats(self: Any, slot: Any, invocation: Any, frame: Any, took: float, now: float) -> Any:
        started, wall, *_ = wire.STATS.unpack_from(frame.control)
        _marks["agent_began"] = started - time.time_ns() + _now()
        _marks["agent_ended"] = _marks["agent_began"] + wall
        return original(self, slot, invocation, frame, took, now)

    owner.stats = stats


def _note_records(owner: Any) -> None:
    """What publishing all records of a call takes, journal included."""
    original: Callable[..., Any] = owner._publish

    def publish(self: Any, record: Any) -> None:
        started = _now()
        original(self, record)
        _sums["records"] += _now() - started

    owner._publish = publish


def _stages(start: int) -> dict[str, int]:
    """Nanoseconds of each stage of the call that began at ``start`` and has just ended."""
    at = dict(_marks)
    if at.get("taken", at["sending"]) >= at["sending"]:
        at["taken"] = at["submit"]
    times = [start, *(at[edge] for edge in _EDGES)]
    took = [after - before for before, after in itertools.pairwise(times)]
    return dict(zip(STAGES, took, strict=True))


def _marked_call(call: Callable[[int], int], value: int) -> dict[str, int]:
    _marks.clear()
    _sums.update(records=0, catch_up=0)
    start = _now()
    call(value)
    end = _marks["end"] = _now()
    while _marks.get("loop_free", 0) < _marks["settled"] and _now() - end < _PATIENCE:
        time.sleep(0.00002)  # the loop's thread goes on
    _marks.setdefault("loop_free", end)
    return {
        **_stages(start),
        **_sums,
        "after": _marks["loop_free"] - _marks["settled"],
        "whole": end - start,
    }


def measure(rounds: int) -> list[Figures]:
    """Seconds: the median of each stage; ``whole`` with and ``plain`` without the marks."""
    global _on
    from nbfaas import remote

    @remote
    def noop(value: int) -> int:
        return value

    marked: list[dict[str, int]] = []
    plain: list[int] = []
    _instrument()
    with docker_service():
        for value in range(500):
            noop.remote(value)
        while len(plain) < _CALLS:
            _on = True
            marked += [_marked_call(noop.remote, value) for value in range(_TURN)]
            _on = False
            for value in range(_TURN):
                start = _now()
                noop.remote(value)
                plain.append(_now() - start)
    names = marked[0].keys()
    figures = {name: median(call[name] for call in marked) / 1e9 for name in names}
    return [{**figures, "plain": median(plain) / 1e9}]
