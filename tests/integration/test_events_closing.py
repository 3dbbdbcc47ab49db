"""What becomes of events when nbfaas closes, opens again, or is interrupted while it opens."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from events import delivered, new_type
from waiting import until

import nbfaas
from nbfaas import on, remote
from nbfaas.delivery.entry import KeptEvent
from nbfaas.delivery.store import EventStore
from nbfaas.errors import EventStoreUnavailable, NbfaasError, ServiceClosed, WouldWaitForItself
from nbfaas.model.delivery import DeliveryState
from nbfaas.service import close_service, current_service, get_service, set_notify
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
    assert event.deliveries[0].attempts[-1].state == "interrupted"
    assert event.deliveries[0].attempts[-1].error == "nbfaas was closed"
    assert event.deliveries[0].attempt == 0, "what it was not at fault for was charged"


def test_a_function_that_runs_when_nbfaas_closes_has_all_its_attempts_before_it(own_service):
    kind = new_type()

    def define(seconds: float) -> None:
        @on.event(kind, name="long", delivery=1)
        @remote(cpu=0.25)
        def run():
            time.sleep(seconds)
            return "done"

    define(600)
    receipt = nbfaas.emit(kind)
    store = get_service().events.store
    until(lambda: [1 for each in store.deliveries_of(receipt.id) if each.attempts])
    until(lambda: any(row.in_flight for row in get_service().sandboxes()))
    close_service()
    (waiting,) = get_service().events.store.deliveries_of(receipt.id)
    assert (waiting.state, waiting.attempt, waiting.epoch) == (DeliveryState.WAITING, 0, 1)
    define(0)
    (kept,) = delivered(get_service(), receipt.id)
    assert (kept.state, kept.attempt, kept.epoch) == (DeliveryState.DONE, 1, 2)
    assert [(each.attempt, each.state) for each in kept.attempts] == [
        (1, "interrupted"),
        (1, "succeeded"),
    ]


def _sent() -> list[KeptEvent]:
    return get_service().events.store.history("sent.on_success")


def test_ctrl_c_while_the_store_is_opened_leaves_it_usable(own_service, monkeypatch):
    get_service().dispatcher
    opening, go_on = threading.Event(), threading.Event()
    real = EventStore.open

    def slow(store: EventStore) -> int:
        opening.set()
        assert go_on.wait(30)
        return real(store)

    monkeypatch.setattr(EventStore, "open", slow)

    def interrupt() -> None:
        opening.wait(30)
        signal.raise_signal(signal.SIGINT)
        go_on.set()

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        nbfaas.emit("made")
    interrupting.join()
    assert not nbfaas.emit("made").duplicate


def test_a_callback_that_emits_is_told_that_it_cannot_wait(own_service):
    told: list[BaseException] = []

    @remote(cpu=0.25)
    def echo(x):
        return x

    def emit(_: object) -> None:
        try:
            nbfaas.emit("made")
        except WouldWaitForItself as error:
            told.append(error)

    for _ in range(2):  # before the engine is there, and after
        call = echo.spawn(1)
        call.add_done_callback(emit)
        assert call.result(30) == 1
        nbfaas.emit("made")
    until(lambda: len(told) == 2)
    assert "in a thread of your own" in str(told[0])


def test_what_belongs_to_a_closed_service_says_so(own_service):
    @on.event(new_type(), name="gone")
    @remote(cpu=0.25)
    def take():
        return 1

    trigger = nbfaas.triggers["gone"]
    close_service()
    for act in (trigger.pause, trigger.resume, trigger.remove, trigger.fire):
        with pytest.raises(ServiceClosed, match="Define functions and triggers again"):
            act()
    assert repr(nbfaas.triggers).startswith("no triggers")
    assert current_service() is None


def test_emitting_while_nbfaas_closes_again_and_again_neither_hangs_nor_loses(own_service):
    kind = new_type()
    accepted: list[str] = []
    refused: list[NbfaasError] = []
    stop = threading.Event()

    def emit() -> None:
        while not stop.is_set():
            try:
                accepted.append(nbfaas.emit(kind).id)
            except NbfaasError as error:
                refused.append(error)

    emitters = [threading.Thread(target=emit) for _ in range(4)]
    for emitter in emitters:
        emitter.start()
    for _ in range(6):
        count = len(accepted)
        until(lambda: len(accepted) > count + 20)  # noqa: B023
        close_service()
    stop.set()
    for emitter in emitters:
        emitter.join(30)
        assert not emitter.is_alive()
    assert {type(error) for error in refused} <= {ServiceClosed, EventStoreUnavailable}
    kept = {event.id for event in get_service().events.store.history(limit=1_000_000)}
    assert kept >= set(accepted)
