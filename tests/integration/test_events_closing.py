"""What becomes of events when nbfaas closes, opens again, or is interrupted while it opens."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from events import new_type
from waiting import until

import nbfaas
from nbfaas import on, remote
from nbfaas.delivery.entry import KeptEvent
from nbfaas.model.delivery import DeliveryState
from nbfaas.service import close_service, get_service, set_notify
from nbfaas.settings import config


@pytest.fixture
def own_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test may close the process's service; it starts without one, and leaves none."""
    close_service()
    set_notify(lambda message: None)
    monkeypatch.setattr(config, "backend", "process")
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "data"))
    monkeypatch.setattr(config, "cpu_budget", 8.0)
    yield
    close_service()
    set_notify(None)
    assert not [t.name for t in threading.enumerate() if t.name.startswith("nbfaas")]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Something that takes connections, and never answers."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            try:
                while True:
                    taken.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=take)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in taken:
        connection.close()


def test_what_is_being_sent_to_an_url_when_nbfaas_closes_is_sent_again(own_service, silent_port):
    kind = new_type()

    @on.event(kind, name="sent", on_success=f"http://127.0.0.1:{silent_port}/", delivery=1)
    @remote(cpu=0.25)
    def send():
        return 1

    nbfaas.emit(kind)
    until(lambda: [1 for event in _sent() if event.deliveries[0].attempts])
    close_service()
    (event,) = _sent()
    assert event.deliveries[0].state is DeliveryState.WAITING
    assert event.deliveries[0].attempts[-1].error == "nbfaas was closed"


def _sent() -> list[KeptEvent]:
    return get_service().events.store.history("sent.on_success")
