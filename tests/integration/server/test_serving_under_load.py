"""New versions, canaries and the end of a server, all while requests come."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from function_images import PREFIX
from waiting import until

from nbfaas import remote

pytestmark = pytest.mark.docker
NAME = f"{PREFIX}load"


def deploy(value: int, path: str = "", alias: str | None = None) -> str:
    def answer(n: int = 0):
        if path:
            with open(path, "a") as file:
                file.write(f"{n}\n")
        return value

    return remote(memory="128MB", cpu=0.5)(answer).deploy(NAME, alias=alias).version


@contextmanager
def load(running, seen: Callable[[httpx.Response], None], clients: int = 3) -> Iterator[None]:
    """Calls the function all the time."""
    over = threading.Event()
    problems: list[BaseException] = []

    def call() -> None:
        try:
            with running.client() as client:
                while not over.is_set():
                    seen(client.post(f"/functions/{NAME}", json={"n": 1}))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=call) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not problems, problems


def test_a_new_version_and_a_rollback_take_over_without_a_failed_request(catalog, serve):
    deploy(1, alias="prod")
    deploy(2)
    running = serve()
    seen: Counter[tuple[int, str]] = Counter()
    latest: list[str] = []

    def note(reply: httpx.Response) -> None:
        seen[reply.status_code, reply.text] += 1
        latest.append(reply.text)

    with load(running, note):
        until(lambda: seen[200, "1"] > 20)
        catalog.set_alias(NAME, "prod", "v2")
        until(lambda: seen[200, "2"] > 20)
        catalog.rollback(NAME, "prod")
        until(lambda: latest[-20:] == ["1"] * 20)
        catalog.set_alias(NAME, "prod", "v2")
        until(lambda: latest[-20:] == ["2"] * 20)
    assert set(seen) == {(200, "1"), (200, "2")}, "no request failed"
    with running.client() as client:
        versions = {row["version"] for row in client.get("/admin/ps").json()["sandboxes"]}
    assert len(versions) == 1, "the old version's sandboxes have gone"


def test_a_reload_takes_over_at_once_and_a_fixed_version_stays(catalog, serve):
    deploy(1, alias="prod")
    running = serve(poll=3600)
    deploy(2, alias="prod")
    with running.client() as client:
        assert client.post("/admin/reload", json={}).status_code == 200
        assert client.post(f"/functions/{NAME}", json={}).json() == 2
        assert client.post(f"/functions/{NAME}:v1", json={}).json() == 1
        assert client.post(f"/functions/{NAME}:prod", json={}).json() == 2
        assert client.post(f"/functions/{NAME}:v9", json={}).status_code == 404


def test_a_canary_gets_its_tenth_of_requests_and_events(catalog, serve):
    deploy(1)
    deploy(2)
    catalog.set_alias(NAME, "prod", "v1", "v2", 0.1)
    running = serve()
    with running.client() as client:
        counts = Counter(client.post(f"/functions/{NAME}", json={}).json() for _ in range(600))
        assert 30 <= counts[2] <= 95, counts  # 60 are expected; 4.5 standard deviations
        url = f"/functions/{NAME}?async=1"
        ids = [client.post(url, json={}).json()["id"] for _ in range(300)]
        results = Counter()
        for each in ids:
            until(lambda each=each: client.get(f"/invocations/{each}").json()["state"] == "done")
            results[client.get(f"/invocations/{each}").json()["result"]] += 1
        assert 8 <= results[2] <= 56, results


def test_what_was_accepted_is_handled_although_the_server_ends_under_load(catalog, serve, tmp_path):
    notes = tmp_path / "notes"
    deploy(1, str(notes), alias="prod")
    running = serve()
    accepted: list[int] = []
    lock = threading.Lock()
    turn = iter(range(1_000_000))

    def send() -> None:
        with running.client() as client:
            while True:
                with lock:
                    number = next(turn)
                try:
                    reply = client.post(f"/functions/{NAME}?async=1", json={"n": number})
                except httpx.TransportError:
                    return
                if reply.status_code == 202:
                    with lock:
                        accepted.append(number)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: len(accepted) > 150)
    assert running.stop() == 0
    for thread in threads:
        thread.join()
    serve()
    handled = Counter()

    def all_handled() -> bool:
        handled.clear()
        handled.update(int(line) for line in notes.read_text().splitlines())
        return all(handled[number] for number in accepted)

    until(all_handled, 60)


def test_each_kept_call_is_made_once_while_versions_take_turns(catalog, serve, tmp_path):
    notes = tmp_path / "notes"
    deploy(1, str(notes), alias="prod")
    deploy(2, str(notes))
    running = serve()
    with running.client() as client:
        for number in range(300):
            if number % 60 == 30:
                catalog.set_alias(NAME, "prod", "v2" if number % 120 == 30 else "v1")
            reply = client.post(f"/functions/{NAME}?async=1", json={"n": number})
            assert reply.status_code == 202
    until(lambda: len(notes.read_text().split()) >= 300, 60)
    assert running.stop() == 0
    assert sorted(map(int, notes.read_text().split())) == list(range(300)), "none twice"


def test_a_version_that_can_t_be_loaded_is_told_and_the_one_before_goes_on(catalog, serve, client):
    deploy(1, alias="prod")
    running = serve()
    second = catalog.version(NAME, deploy(2))
    client.api.remove_image(second.image_id, force=True)
    catalog.set_alias(NAME, "prod", "v2")
    until(lambda: "is not on this machine" in running.told or "never pushed" in running.told)
    with running.client() as http:
        assert http.post(f"/functions/{NAME}", json={}).json() == 1
        assert "never pushed" in str(http.post("/admin/reload").json())
        assert deploy(2) == "v2", "it is built again"
        until(lambda: http.post(f"/functions/{NAME}", json={}).json() == 2)


def test_a_call_that_runs_at_the_end_is_answered_and_no_other_is_let_in(catalog, serve):
    def slow():
        import time

        print("begun", flush=True)
        time.sleep(1.5)
        return "done"

    remote(memory="128MB", cpu=0.5)(slow).deploy(NAME, alias="prod")
    running = serve()
    answers: list[httpx.Response] = []

    def call() -> None:
        with running.client() as client:
            answers.append(client.post(f"/functions/{NAME}", json={}))

    thread = threading.Thread(target=call)
    thread.start()
    with running.client() as client:
        until(lambda: "BUSY" in client.get("/admin/ps").text)
    running.signal()
    until(lambda: "SIGTERM: closing" in running.told)

    def refused() -> bool:
        with running.client() as client:
            try:
                return client.get("/readyz").status_code == 503
            except httpx.TransportError:
                return True

    until(refused)
    thread.join()
    assert (answers[0].status_code, answers[0].json()) == (200, "done")
    assert running.process is not None
    assert running.process.wait(60) == 0
