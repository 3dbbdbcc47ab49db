"""Deploying on a server is cut short: by the network, by Ctrl-C, by the end of either side."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cutting import Way
from function_images import PREFIX
from waiting import until

import nbfaas
from nbfaas import remote
from nbfaas.catalog import Catalog
from nbfaas.client.connecting import Connection
from nbfaas.errors import NotDeployed, ServerGone, UnknownVersion

pytestmark = pytest.mark.docker
NAME = f"{PREFIX}cut"
small = remote(memory="128MB", cpu=0.5)


def double(x: int = 1) -> int:
    return 2 * x


def triple(x: int = 1) -> int:
    return 3 * x


@pytest.fixture
def there(data, tmp_path) -> Path:
    """The server's data folder, which is not the notebook's."""
    return tmp_path / "there"


@pytest.fixture
def running(serve, there):
    return serve(data=there)


@pytest.fixture
def known(there) -> Catalog:
    """The server's catalog."""
    return Catalog(there / "catalog.db")


class Held:
    """Deployments as ``NAME`` wait, in the middle of it, until they are let go on."""

    def __init__(self, folder: Path) -> None:
        locks = folder / "images" / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        self._file = open(locks / f"deploy-{NAME}", "ab")  # noqa: SIM115
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._inode = os.fstat(self._file.fileno()).st_ino

    def waits(self) -> bool:
        lines = Path("/proc/locks").read_text().splitlines()
        return any("->" in line and f":{self._inode} " in line for line in lines)

    def let_go(self) -> None:
        self._file.close()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *exc: object) -> None:
        self.let_go()


@pytest.fixture
def held(running, there) -> Iterator[Held]:
    with Held(there) as held:
        yield held


def test_a_connection_that_breaks_in_the_middle_makes_one_version(running, held, known):
    way = Way(urlsplit(running.url).port)
    try:
        with nbfaas.connect(way.url, token=running.token), ThreadPoolExecutor() as threads, held:
            deploying = threads.submit(small(double).deploy, NAME, alias="prod")
            until(held.waits)
            way.cut()
            held.let_go()
            way.cut()
            deployed = deploying.result(60)
            assert (deployed.version, deployed.built) == ("v1", True)
            assert [each.number for each in known.versions(NAME)] == [1]
            assert small(double).deploy(NAME).built is False
    finally:
        way.close()


def test_a_notebook_that_goes_leaves_nothing_half_deployed(running, held, known):
    server = nbfaas.connect(running.url, token=running.token)
    with ThreadPoolExecutor() as threads, held:
        deploying = threads.submit(small(double).deploy, NAME, alias="prod")
        until(held.waits)
        server.close()
        with pytest.raises(ServerGone) as caught:
            deploying.result(60)
        assert "the same version" in caught.value.__notes__[0]
    held.let_go()
    with nbfaas.connect(running.url, token=running.token):
        # It waits for its turn, and so until the other one has been given up.
        deployed = small(double).deploy(NAME)
    assert (deployed.version, deployed.built) == ("v1", True)
    assert known.aliases(NAME) == ()


def test_ctrl_c_gives_a_deployment_up(running, there, known):
    with nbfaas.connect(running.url, token=running.token) as server:
        _interrupted(server, Held(there))
        other = small(triple).deploy(NAME)
        assert (other.version, known.aliases(NAME)) == ("v1", ())
        # Nor is an alias led to what is there already.
        assert small(double).deploy(NAME).version == "v2"
        _interrupted(server, Held(there))
        assert small(triple).deploy(NAME).version == "v1"
        assert known.aliases(NAME) == ()


def _interrupted(server: Connection, held: Held) -> None:
    """A deployment of ``double``, by Ctrl-C while it waits for its turn."""

    def interrupt() -> None:
        until(held.waits)
        os.kill(os.getpid(), signal.SIGINT)

    with held:
        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        with pytest.raises(KeyboardInterrupt):
            small(double).deploy(NAME, alias="prod")
        interrupting.join()
        with pytest.raises((NotDeployed, UnknownVersion)):  # asked after the word to give it up
            server.rollback(NAME, "prod")


def test_a_server_that_ends_meanwhile_is_told(running, held, known):
    nbfaas_there = nbfaas.connect(running.url, token=running.token)
    with nbfaas_there, ThreadPoolExecutor() as threads, held:
        deploying = threads.submit(small(double).deploy, NAME, alias="prod")
        until(held.waits)
        running.signal()
        with pytest.raises(ServerGone, match="the server is closing"):
            deploying.result(60)
        with pytest.raises(ServerGone):  # it is deployed nowhere else instead
            small(double).deploy(NAME)
        held.let_go()
        assert running.process.wait(60) == 0
    assert known.functions() == []
