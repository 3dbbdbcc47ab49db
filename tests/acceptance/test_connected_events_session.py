"""A notebook that works on a server: its events, in a real kernel."""

from __future__ import annotations

import pytest
from serving import Running

DEFINE = """
import nbfaas
from nbfaas import on, remote

@remote(cpu=0.5, memory="128MB")
def told(data):
    print("told of", data["error"])

@on.event({"type": ["order.created"]}, on_failure=told, delivery=2)
@remote(cpu=0.5, memory="128MB")
def bill(total: float):
    print("billing")
    return {"price": 100 / total}
"""
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def running(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    running = Running(folder, folder / "data", backend="docker")
    try:
        running.start()
        yield running
    finally:
        running.kill()


def test_a_notebook_emits_handles_redrives_and_simulates_on_a_server(kernel, running):
    connect = f"server = nbfaas.connect({running.url!r}, token={running.token!r})"
    kernel.run(f"import nbfaas\n{connect}").ok()
    kernel.run(DEFINE).ok()
    said = kernel.run("print(nbfaas.emit('order.created', {'total': 0}, id='zero'))").ok()
    assert "bill-event" in said.stdout
    assert kernel.run("print(nbfaas.triggers.drain(60))", 90).ok().stdout.strip() == "True"

    listed = kernel.run("%faas triggers").ok().value
    assert "bill-event.on_failure" in listed
    assert "active" in listed
    assert "ZeroDivisionError" in kernel.run("%faas dlq").ok().value
    assert "zero" in kernel.run("%faas events").ok().value
    assert "bill-event" in kernel.run("%faas metrics").ok().value
    assert "told of ZeroDivisionError" in kernel.run("%faas logs told").ok().value
    assert "delivered again" in kernel.run("%faas dlq redrive --all").ok().value
    assert kernel.run("print(nbfaas.triggers.drain(60))", 90).ok().stdout.strip() == "True"

    (shown,) = kernel.run("simulator = nbfaas.simulate('bill'); simulator").ok().displays
    assert VIEW in shown
    sent = "simulator.handle('send_once', {'text': simulator.draft['text']})"
    kernel.run(f"{sent}; nbfaas.triggers.drain(60)", 90).ok()
    kernel.run("simulator._next_look = 0; simulator.refresh(); simulator.keep()").ok()
    kernel.settle()
    told = kernel.run("print(simulator)").ok().stdout
    assert "'price':" in told
    assert "billing" in told
    (shown,) = kernel.run("%faas rules bill-event").ok().displays
    assert "✓ type" in shown["text/plain"]

    # What was never here is not here: the queue is the server's, and so are the functions' runs.
    kernel.run("server.close()").ok()
    assert "none yet" in kernel.run("%faas triggers").ok().value
    kernel.run(connect).ok()
    assert "zero" in kernel.run("%faas events").ok().value
    kernel.run("server.close()").ok()
