"""Triggers for which something waits, though nothing in this kernel defines them."""

from __future__ import annotations

import pytest

SETUP = "import nbfaas\nfrom nbfaas import on, remote\n"
DEFINE = "@on.event('m.a')\n@remote(cpu=0.1)\ndef left(event): print('delivered')\n"


@pytest.fixture
def left(kernel):
    """A kernel without the trigger for which two events wait."""
    kernel.run(SETUP + DEFINE + "nbfaas.triggers['left-event'].pause()").ok()
    kernel.run("_ = nbfaas.emit('m.a', {}), nbfaas.emit('m.a', {})").ok()
    removed = kernel.run("%faas triggers remove left-event").ok().value
    assert "left-event is removed. 2 events wait for a trigger of this name" in removed
    assert "--forget" in removed
    yield kernel
    kernel.run("if nbfaas.service.get_service().events.store.waiting.get('left-event'):\n"
               "    nbfaas.triggers.forget('left-event')").ok()  # fmt: skip
    kernel.run("%faas stop --all").ok()


def test_one_that_is_missing_is_shown_by_its_name(left):
    shown = left.run("%faas triggers show left-event").ok().value
    for text in ("missing", "m.a (2)", "%faas triggers remove left-event --forget"):
        assert text in shown
    assert "--forget" in left.run("%faas triggers").ok().value
    offered = left.run("get_ipython().complete('left', '%faas triggers show left')[1]").ok().value
    assert "left-event" in offered


def test_what_waits_is_not_forgotten_unless_that_is_said(left):
    refused = left.run("%faas triggers remove left-event")
    assert refused.error_name == "MagicError"
    assert "2 events wait for it" in refused.error
    left.run(DEFINE).ok()
    assert left.run("nbfaas.triggers.drain(30)").ok().value == "True"
    assert left.run("%faas logs left").ok().value == "delivered"


def test_forgotten_it_is_gone_for_good(left):
    forgotten = left.run("%faas triggers remove left-event --forget").ok()
    assert forgotten.value == "2 events are forgotten."
    assert "left-event" not in left.run("%faas triggers").ok().value
    assert left.run("%faas triggers remove left-event").error_name == "UnknownTrigger"
    assert left.run("%faas triggers show left-event").error_name == "UnknownTrigger"
    assert left.run("nbfaas.triggers.forget('left-event')").error_name == "UnknownTrigger"
    left.run(DEFINE).ok()
    assert left.run("nbfaas.triggers['left-event'].waiting").ok().value == "0"


def test_one_that_is_there_is_removed_with_what_waits(left):
    left.run(DEFINE + "nbfaas.triggers['left-event'].pause()").ok()
    left.run("_ = nbfaas.triggers.drain(30), nbfaas.emit('m.a', {})").ok()
    removed = left.run("%faas triggers remove left-event --forget").ok().value
    assert removed == "left-event is removed. 1 event is forgotten."
    assert "goes with" in left.run("%faas triggers show left-event --forget").error
