"""Destinations that are URLs: they get their credentials, and nobody else sees these."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from events import SOON, delivered, new_type, no_triggers  # noqa: F401
from receivers import Receiver, receiving

import nbfaas
from nbfaas import on, remote
from nbfaas.triggers.trigger import Trigger

pytestmark = [
    pytest.mark.usefixtures("service", "no_triggers"),
    pytest.mark.parametrize("service", ["process"], indirect=True),
]
SECRETS = ("s3cret", "t0ken", "me:")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def test_a_url_s_credentials_are_used_and_shown_nowhere(service, receiver, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    notices: list[str] = []
    monkeypatch.setattr(service, "_notify", notices.append)
    receiver.status = 500
    kind = new_type()

    @on.event(kind, name="leads", on_success=receiver.url, delivery=SOON)
    @remote(cpu=0.25)
    def lead():
        return 1

    receipt = nbfaas.emit(kind)
    assert nbfaas.triggers.drain(30)
    basic = "Basic " + base64.b64encode(b"me:s3cret").decode()
    assert receiver.asked == [("/hook?token=t0ken", basic)] * 3
    (letter,) = nbfaas.dead_letters.list("leads.on_success")
    place = f"http://127.0.0.1:{receiver.server_port}/hook"
    assert letter.target == f"url:{place}"
    assert place in (letter.attempts[0].error or "")
    handle = nbfaas.triggers["leads.on_success"]
    assert handle.target == place
    trigger: Trigger = service.events.triggers["leads.on_success"]
    (sent,) = service.events.store.history("leads.on_success")
    shown = [letter, letter.attempts, handle, trigger, nbfaas.triggers, nbfaas.dead_letters, lead]
    shown += [lead.triggers[0].spec, sent, notices, receipt, caplog.text]
    assert "HTTP Request" in caplog.text
    text = "".join(f"{each!r} {each}" for each in shown)
    store = Path(service.events.store.path)
    kept = b"".join(file.read_bytes() for file in store.parent.iterdir())
    for secret in SECRETS:
        assert secret not in text
        assert secret.encode() not in kept
    # Put right meanwhile: what waits goes where its trigger leads now.
    receiver.status = 204
    nbfaas.dead_letters.redrive(letter.number)
    assert nbfaas.triggers.drain(30)
    assert len(receiver.asked) == 4
    assert not nbfaas.dead_letters.list("leads.on_success")


def test_what_waits_goes_to_the_function_that_its_trigger_leads_to_now(service):
    kind = new_type()

    @remote(cpu=0.25)
    def before(data):
        return "before"

    @remote(cpu=0.25)
    def after(data):
        return "after"

    def define(to: object) -> None:
        @on.event(kind, name="leads-on", on_success=to)
        @remote(cpu=0.25)
        def leading():
            return 1

    define(before)
    nbfaas.triggers["leads-on.on_success"].pause()
    delivered(service, nbfaas.emit(kind).id)
    service.events.targets.pop("before")  # as in a new process, which does not define it
    define(after)
    assert nbfaas.triggers.drain(30)
    (kept,) = service.events.store.history("leads-on.on_success")
    assert [attempt.state for attempt in kept.deliveries[0].attempts] == ["succeeded"]
