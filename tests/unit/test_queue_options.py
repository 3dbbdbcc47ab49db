"""Options of queues; those that are wrong are in the suite of sources."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nbfaas.errors.delivery import BadTrigger
from nbfaas.errors.queue import QueueClientMissing
from nbfaas.triggers.queue_source import QueueSource
from nbfaas.triggers.queue_url import redacted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost", "redis://localhost:6379/0/orders (group nbfaas)"),
        ("redis://me:secret@h:7/3", "redis://h:7/3/orders (group nbfaas)"),
        ("rediss://:secret@[::1]?ssl_keyfile=f", "rediss://[::1]:6379/0/orders (group nbfaas)"),
        ("unix://:secret@/run/r.sock?db=2", "unix:///run/r.sock/2/orders (group nbfaas)"),
        ("nats://me:secret@h", "nats://h:4222/orders (durable nbfaas)"),
        ("tls://secret@h:7", "tls://h:7/orders (durable nbfaas)"),
    ],
)  # fmt: skip
def test_a_queue_is_shown_without_its_credentials(url, shown):
    source = QueueSource.from_url(url, stream="orders")
    assert source.describe() == shown
    assert "secret" not in repr(source)
    assert source.kind == "queue"


@pytest.mark.parametrize(
    "url",
    [
        "redis://me:secret@",
        "redis://me:secret",
        "redis:me:secret@host",
        "redis://me:sec/ret@host",
        "redis://me:sec#ret@host/0",
        "redis://me:sec?ret@host",
        "redis://me:sec@ret@host/0/1",
        "redis://host/0?password=secret",
        "redis://me:secret@host/orders",
        "amqp://me:secret@host",
        "me:secret@host",
        "nats://me:secret@host/orders",
        "nats://me:secret@host:x",
        "nats://host?token=secret",
    ],
)
def test_an_url_that_is_refused_shows_no_credentials(url):
    with pytest.raises(BadTrigger) as caught:
        QueueSource.from_url(url, stream="orders")
    assert caught.value.option == "url"
    seen = f"{caught.value} {caught.value.value}"
    assert "secret" not in seen
    assert "sec" not in seen.replace("seconds", "")
    assert caught.value.__cause__ is None


def test_what_is_no_url_at_all_is_refused():
    with pytest.raises(BadTrigger, match="url=7"):
        QueueSource.from_url(7, stream="orders")
    assert redacted("") == ""


@pytest.mark.parametrize(
    ("url", "package", "extra"),
    [("redis://h", "redis", "redis"), ("nats://h", "nats", "nats")],
)
def test_a_missing_client_says_what_to_install(monkeypatch, url, package, extra):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(QueueClientMissing, match=rf"pip install 'nbfaas\[{extra}\]'"):
        QueueSource.from_url(url, stream="orders")


def test_clients_are_imported_only_when_they_are_needed():
    program = (
        "import sys, nbfaas.triggers.redis_stream, nbfaas.triggers.nats_jetstream;"
        "sys.exit(bool({'redis', 'nats'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
