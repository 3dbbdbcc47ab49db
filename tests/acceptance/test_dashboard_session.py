"""``%faas dashboard`` in a real kernel, without a browser: what it carries, does and leaves."""

from __future__ import annotations

import json
import time

import pytest
from waiting import until

VIEW = "application/vnd.jupyter.widget-view+json"
SHOW = "d = get_ipython().run_line_magic('faas', 'dashboard')\nd"
SETUP = """
import nbfaas, time
from nbfaas import on, remote

@remote
def score(x):
    print("<script>scoring</script>", x)
    return 10 / x

@on.event({"type": ["order.created"]}, delivery=1)
@remote
def handle(event):
    raise ValueError("no <b>such</b> order")
"""


def value(kernel, code):
    """The value of an expression in the kernel, by way of JSON."""
    return json.loads(kernel.run(f"import json; print(json.dumps({code}))").ok().stdout)


@pytest.fixture
def shown(kernel):
    """A kernel with some functions, that shows a dashboard as ``d``."""
    kernel.run(SETUP).ok()
    kernel.run(SHOW).ok()
    return kernel


def test_it_carries_a_view_a_picture_and_text(kernel):
    cell = kernel.run("%faas dashboard").ok()
    (bundle,) = [each for each in cell.displays if VIEW in each]
    assert bundle[VIEW]["model_id"]
    assert "nbfaas dashboard" in bundle["text/plain"]
    assert "nbfaas dashboard, as of" in bundle["text/html"]


def test_calls_show_up_in_its_fields_its_text_and_its_picture(shown):
    shown.run("list(score.map([1, 2, 4, 5]))").ok()
    until(lambda: "4 succeeded" in value(shown, "d.text()"))
    found = {row["name"]: row for row in value(shown, "d.functions")}
    assert (found["score"]["succeeded"], found["score"]["errors"]) == (4, 0)
    assert found["handle"]["triggers"][0]["state"] == "active"
    assert value(shown, "d.summary['ready']") is True
    assert any(row["function"] == "score" for row in value(shown, "d.pool['rows']"))
    picture = value(shown, "d.snapshot_html()")
    assert picture.count("<svg") >= 1
    assert "&lt;script&gt;scoring" in picture
    assert "<script" not in picture


def test_a_dead_letter_is_redriven_and_purged_by_its_actions(shown):
    shown.run("_ = nbfaas.emit('order.created', {'n': 1}); nbfaas.triggers.drain()").ok()
    until(lambda: value(shown, "len(d.letters['rows'])") == 1)
    number = value(shown, "d.letters['rows'][0]['number']")
    details = value(shown, f"d.handle('letter', {{'number': {number}}})")
    assert "such</b> order" in details["tries"][0]["error"]
    assert '"order.created"' in details["text"]
    assert value(shown, f"d.handle('redrive', {{'numbers': [{number}]}})") == 1
    until(lambda: value(shown, "d.summary['dead']") == 1)
    states = "[row['state'] for row in d._watch.stream.rows]"
    until(lambda: value(shown, states).count("dead") == 2)
    assert value(shown, f"d.handle('purge', {{'numbers': [{number}]}})") == 1
    until(lambda: value(shown, "d.letters['rows']") == [])
    refused = shown.run("d.handle('redrive', {'numbers': []})")
    assert refused.error_name == "MagicError"


def test_a_trigger_is_paused_and_resumed(shown):
    name = value(shown, "d.triggers[0]['name'] if d.triggers else 'handle-event'")
    shown.run(f"d.handle('pause', {{'trigger': {name!r}}})").ok()
    assert value(shown, f"str(nbfaas.triggers[{name!r}].state)") == "paused"
    until(lambda: value(shown, "[row['state'] for row in d.triggers]") == ["paused"])
    shown.run(f"d.handle('resume', {{'trigger': {name!r}}})").ok()
    assert value(shown, f"str(nbfaas.triggers[{name!r}].state)") == "active"


COUNT = """
sent, send = [], d.comm.send
d.comm.send = lambda *args, **kwargs: (sent.append(1), send(*args, **kwargs))
"""


def test_ten_messages_a_second_are_sent_at_most_and_none_when_nothing_happens(shown):
    shown.run("list(score.map([1, 2, 4, 5]))").ok()
    shown.run(COUNT).ok()
    begun = time.monotonic()
    shown.run("for _ in range(300): score.remote(1)").ok()
    most = 12 * (time.monotonic() - begun) + 5  # and a few a second of what is told less often
    assert 0 < value(shown, "len(sent)") <= most
    until(
        lambda: shown.run("sent.clear(); time.sleep(2)").ok() and value(shown, "len(sent)") == 0, 60
    )


def test_running_the_cell_again_or_unloading_leaves_a_picture_and_nothing_else(shown):
    subscribers = "len(nbfaas.service.current_service()._subscribers)"
    threads = "[t.name for t in __import__('threading').enumerate() if 'widget' in t.name]"
    assert value(shown, threads) == ["nbfaas-widgets"]
    before = value(shown, subscribers)
    shown.run("score.remote(2)").ok()
    shown.run("%unload_ext nbfaas").ok()
    until(lambda: value(shown, threads) == [])
    assert value(shown, subscribers) == before - 1
    shown.run("%load_ext nbfaas").ok()
    assert value(shown, "len(__import__('nbfaas.notebook.widgets.pulse', fromlist=['feed'])"
                        ".feed._listeners)") == 0  # fmt: skip
