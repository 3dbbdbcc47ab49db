"""``%faas simulate``, ``rules`` and ``cron`` in a real kernel."""

from __future__ import annotations

DEFINE = """
import nbfaas
from nbfaas import on, remote

@on.event({"type": ["order.created"], "data": {"total": [{"numeric": [">", 100]}]}})
@remote
def bill(total: float):
    print("billing <b>")
    return {"paid": total}
"""
VIEW = "application/vnd.jupyter.widget-view+json"


def test_simulate_shows_a_widget_with_text_and_html_for_readers_without_a_kernel(kernel):
    kernel.run(DEFINE).ok()
    (shown,) = kernel.run("simulator = nbfaas.simulate('bill'); simulator").ok().displays
    assert VIEW in shown
    assert "✓ bill-event → bill" in shown["text/plain"]
    assert "order.created" in shown["text/html"]
    sent = "simulator.handle('send_once', {'text': simulator.draft['text']})"
    kernel.run(f"{sent}; nbfaas.triggers.drain(60)").ok()
    kernel.run("simulator._next_look = 0; simulator.refresh(); simulator.keep()").ok()
    kernel.settle()
    told = kernel.run("print(simulator)").ok().stdout
    assert "{'paid': 101}" in told
    assert "billing <b>" in told
    closed = kernel.run("print('<b>' in simulator.snapshot_html())").ok()
    assert closed.stdout.strip() == "False"


def test_the_magics_open_the_same_widgets(kernel):
    kernel.run(DEFINE).ok()
    (shown,) = kernel.run("%faas simulate bill-event").ok().displays
    assert VIEW in shown
    (shown,) = kernel.run("%faas rules bill-event").ok().displays
    assert "✓ data.total: wanted > 100, found 120" in shown["text/plain"]
    (shown,) = kernel.run("%faas cron 30 9 * * MON-FRI --timezone Europe/Berlin").ok().displays
    assert "At 09:30" in shown["text/plain"]
    assert "<table>" in shown["text/html"]


def test_what_does_not_exist_is_told(kernel):
    failed = kernel.run("%faas simulate nobdy")
    assert (failed.error_name, "nobdy" in failed.error_value) == ("UnknownFunction", True)
    assert kernel.run("%faas rules nobdy").error_name == "UnknownTrigger"
    (shown,) = kernel.run("%faas cron 61 9 * * *").ok().displays
    assert shown["text/plain"].splitlines()[1].startswith("✗")
