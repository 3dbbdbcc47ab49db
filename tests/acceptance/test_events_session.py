"""Events in a real kernel: the magics, and what is left after ``kill -9``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kernel import Kernel
from waiting import until

DEFINE = """
import nbfaas, os
from nbfaas import on, remote

@on.event("order.created", max_in_flight=2)
@remote(max_containers=1)
def note(event, context):
    import time
    time.sleep({pause})
    with open({file!r}, "a") as file:
        file.write(f"{{event.id}} {{context.attempt}}\\n")
"""


def handled(file: Path) -> list[tuple[str, int]]:
    if not file.exists():
        return []
    rows = (line.split() for line in file.read_text().splitlines())
    return [(event_id, int(attempt)) for event_id, attempt in rows]


def test_a_killed_kernel_loses_no_event_and_the_next_one_delivers_the_backlog(tmp_path):
    file = tmp_path / "handled"
    with Kernel(tmp_path) as kernel:
        kernel.run(DEFINE.format(pause=0.2, file=str(file))).ok()
        cell = kernel.run(
            "print([nbfaas.emit('order.created', {'n': n}).id for n in range(40)])"
        ).ok()
        accepted = json.loads(cell.stdout.replace("'", '"'))
        until(lambda: len(handled(file)) >= 2)
        kernel.kill()
        before = handled(file)
        assert len(before) < 40
        kernel.restart()
        said = kernel.run("import nbfaas; print(nbfaas.triggers['x'])", 60)
        assert said.error_name == "UnknownTrigger"
        listed = kernel.run("%load_ext nbfaas\n%faas triggers", 60).ok()
        assert "note-event" in listed.value
        assert "not defined here; run its cell" in listed.value
        kernel.run(DEFINE.format(pause=0.01, file=str(file))).ok()
        assert kernel.run("print(nbfaas.triggers.drain(60))", 90).ok().stdout.strip() == "True"
        after = handled(file)
        assert {event_id for event_id, _ in after} == set(accepted)
        # Only what was under way at the kill may have run twice, and as another attempt.
        twice = len(after) - len(accepted)
        assert twice <= 2
        assert sum(attempt > 1 for _, attempt in after) <= 2


def test_a_second_kernel_is_told_who_holds_the_events(tmp_path):
    with Kernel(tmp_path) as first:
        first.run("import nbfaas; nbfaas.emit('x')").ok()
        (tmp_path / "second").mkdir()
        with Kernel(tmp_path / "second", NBFAAS_DATA_DIR=str(tmp_path / "data")) as second:
            refused = second.run("import nbfaas; nbfaas.emit('x')")
            assert refused.error_name == "EventStoreHeld"
            assert f"pid {first.pid}" in refused.error_value
            assert "event_store" in refused.error_value
            other = "nbfaas.config.event_store = 'other'; print(nbfaas.emit('x').triggers)"
            assert second.run(other).ok().stdout.strip() == "()"


def test_dead_letters_are_listed_shown_redriven_and_purged_by_magics(tmp_path):
    with Kernel(tmp_path) as kernel:
        kernel.run(
            """
%load_ext nbfaas
import nbfaas
from nbfaas import on, remote

@on.event("bad", delivery=1, name="bad")
@remote
def bad(x):
    raise ValueError(f"no {x}")

for x in range(3): nbfaas.emit("bad", {"x": x, "html": "<b>bold</b>"})
print(nbfaas.triggers.drain(60))
"""
        ).ok()
        listed = kernel.run("%faas dlq").ok()
        assert listed.value.count("ValueError: no") == 3
        assert "1 attempt failed" in listed.value
        number = int(kernel.run("print(list(nbfaas.dead_letters)[0].number)").ok().stdout)
        shown = kernel.run(f"%faas dlq show {number}").ok()
        assert '"x": 2' in shown.value
        assert "<b>bold</b>" not in shown.html
        assert "&lt;b&gt;bold" in shown.html
        refused = kernel.run("%faas dlq purge")
        assert refused.error_name == "MagicError"
        assert "--all" in refused.error_value
        assert "1 dead letter is forgotten" in kernel.run(f"%faas dlq purge {number}").ok().value
        redriven = kernel.run("%faas dlq redrive --trigger bad").ok()
        assert "2 dead letters will be delivered again" in redriven.value
        kernel.run("nbfaas.triggers.drain(60)").ok()
        assert kernel.run("%faas dlq list --trigger bad").ok().value.count("no ") >= 2
        listing = kernel.run("%faas triggers").ok().value
        assert "active" in listing
        assert "bad" in kernel.run("%faas triggers pause bad").ok().value
        assert "paused" in kernel.run("%faas triggers show bad").ok().value
        kernel.run("%faas triggers remove bad").ok()
        assert kernel.run("%faas triggers show bad").error_name == "UnknownTrigger"


@pytest.mark.docker
def test_an_event_reaches_a_container_from_a_cell_that_is_a_function(tmp_path):
    with Kernel(tmp_path, "docker") as kernel:
        kernel.run("%load_ext nbfaas\nimport nbfaas\nfrom nbfaas import on").ok()
        kernel.run(
            "%%faas --name thumb\n"
            "def handler(event, context):\n"
            "    left = context.get_remaining_time_in_millis()\n"
            "    print('got', event.data, context.trigger, left > 0)\n"
            "    return event.data['n'] + 1\n",
            120,
        ).ok()
        kernel.run("on.event('made')(thumb); nbfaas.emit('made', {'n': 1})").ok()
        assert kernel.run("print(nbfaas.triggers.drain(60))", 90).ok().stdout.strip() == "True"
        assert "got {'n': 1} thumb-event True" in kernel.run("%faas logs thumb").ok().value


def test_events_and_their_deliveries_are_listed_by_a_magic(tmp_path):
    with Kernel(tmp_path) as kernel:
        kernel.run(
            """
%load_ext nbfaas
import nbfaas
from nbfaas import on, remote

@on.event("good", name="good")
@remote
def good(x): ...

nbfaas.emit("good", {"x": 1}, id="event-1"); nbfaas.emit("unheard", id="event-2")
print(nbfaas.triggers.drain(60))
"""
        ).ok()
        listed = kernel.run("%faas events").ok().value
        assert "good: done" in listed
        assert "nobody: no pattern matched" in listed
        assert "event-2" not in kernel.run("%faas events --trigger good").ok().value
        shown = kernel.run("%faas events event-1").ok().value
        assert '"x": 1' in shown
        assert "succeeded" in shown
        assert kernel.run("%faas events nothing").error_name == "MagicError"
