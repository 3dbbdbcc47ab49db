"""A secret's value is looked for wherever it must not be: around the container, in images, in all
that is kept, and in all that is shown."""

from __future__ import annotations

import json
import time
import traceback
import uuid
from pathlib import Path

import docker
import pytest
from function_images import PREFIX, remove_images

import nbfaas
from nbfaas import Context, Secret, on, remote
from nbfaas.agent.secrets import SecretNames
from nbfaas.backends.docker_options import OWNER_LABEL
from nbfaas.backends.owner import Owner
from nbfaas.service import close_service, get_service, set_notify
from nbfaas.settings import config

pytestmark = pytest.mark.docker


class Searched:
    """Everything that was looked through, by name, and where the value was found."""

    def __init__(self, value: str) -> None:
        self._value = value.encode()
        self.names: list[str] = []
        self.found: list[str] = []

    def look(self, name: str, *chunks: object) -> None:
        self.names.append(name)
        end = b""
        for chunk in chunks:
            data = chunk if isinstance(chunk, bytes) else str(chunk).encode()
            if self._value in end + data:
                self.found.append(name)
                return
            end = data[-len(self._value) :]


@pytest.fixture
def value(monkeypatch):
    value = f"canary-{uuid.uuid4().hex}"
    monkeypatch.setenv("CANARY", value)
    return value


@pytest.fixture
def running(monkeypatch, tmp_path, value):
    lines: list[str] = []
    monkeypatch.setattr(config, "backend", "docker")
    monkeypatch.setattr(config, "data_dir", str(tmp_path / "data"))
    monkeypatch.setattr(config, "json_log", str(tmp_path / "log.json"))
    monkeypatch.setattr(config, "prewarm", 0)
    close_service()
    set_notify(lines.append)
    service = get_service()
    service.lines = lines
    yield service
    close_service()
    set_notify(None)


def test_the_value_of_a_secret_is_nowhere_but_in_its_sandbox(
    running, value, tmp_path, capfd, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    client = docker.from_env()
    searched = Searched(value)
    began = time.time() - 1
    records = []
    running.subscribe(records.append)
    secret = Secret.from_env("CANARY")

    @remote(secrets=[secret], retries=1)
    def tells(how, context: Context):
        import os
        import sys

        there = context.secrets["CANARY"]
        print("printed", there, repr(there), context.secrets)
        os.system(f"cat {context.secrets.path('CANARY')} >&2")
        context.logger.warning("logged %s", there)
        if how == "raise":
            raise ValueError(f"raised {there}", there)
        if how == "exit":
            sys.exit(f"left with {there}")
        if how == "unpicklable":
            return lambda: there, open(os.devnull)
        return len(there), type(secret).__name__, sys.getsizeof(there)

    on.event({"type": ["canary"]}, name="canary", delivery=1)(tells)
    try:
        assert tells.remote("return")[:2] == (len(value), SecretNames.__name__)
        errors = []
        for how in ("raise", "exit", "unpicklable"):
            with pytest.raises(Exception) as caught:
                tells.remote(how)
            errors.append(caught.value)
        run = tells.map(["return", "raise"], return_exceptions=True)
        run.wait(60)
        report = run.report(tmp_path / "report.html")
        nbfaas.emit("canary", {"how": "raise"})
        assert nbfaas.triggers.drain(60)
        deployed = tells.deploy(f"{PREFIX}canary")

        label = f"{OWNER_LABEL}={Owner.current()}"
        containers = client.containers.list(all=True, filters={"label": label})
        assert containers
        for container in containers:
            inspected = client.api.inspect_container(container.id)
            searched.look("docker inspect", json.dumps(inspected))
            searched.look("docker logs", container.logs())
            searched.look("docker top and diff", container.top(), container.diff())
            environ = Path(f"/proc/{inspected['State']['Pid']}/environ")
            searched.look("the environment", environ.read_bytes())
        images = {deployed.digest, *(each.image.id for each in containers)}
        for image in images:
            searched.look("docker image inspect", json.dumps(client.api.inspect_image(image)))
            searched.look("docker history", json.dumps(client.api.history(image)))
        searched.look("docker save", *client.api.get_image(deployed.digest))
        searched.look("payload", tells.version().payload)
        searched.look("reprs", *map(repr, (tells, secret, tells.options, tells.version(), run)))
        searched.look("errors", *("".join(traceback.format_exception(each)) for each in errors))
        searched.look("dead letters", repr(nbfaas.dead_letters), *map(repr, nbfaas.dead_letters))
        searched.look("calls", *(f"{call!r} {call.logs} {call.stats}" for call in run.calls))
        searched.look("records", repr(records))
        searched.look("report", report.read_bytes())
        searched.look("notices", *running.lines)
        close_service()
        events = client.api.events(since=int(began), until=int(time.time()) + 1, decode=False)
        searched.look("docker events", *events)
        for path in sorted((tmp_path / "data").rglob("*")):
            if path.is_file():
                searched.look(str(path.relative_to(tmp_path)), path.read_bytes())
        searched.look("JSON log", (tmp_path / "log.json").read_bytes())
        searched.look("output", *capfd.readouterr())
    finally:
        close_service()
        remove_images(client)
        client.close()

    kept = " ".join(searched.names)
    for name in ("docker save", "docker events", "journal.db", "events/default.db", "catalog.db"):
        assert name in kept
    assert (tmp_path / "log.json").read_text().count("***CANARY***") > 3
    assert searched.found == []
