"""What is noted on a function's own exception, where it comes of how sandboxes are."""

import socket
import urllib.request

import pytest

from nbfaas import remote

pytestmark = pytest.mark.usefixtures("service")
in_docker = [pytest.mark.docker, pytest.mark.parametrize("service", ["docker"], indirect=True)]


def notes(kind, call):
    with pytest.raises(kind) as caught:
        call()
    return " ".join(getattr(caught.value, "__notes__", ()))


@remote(max_containers=1)
def resolve(host):
    return socket.getaddrinfo(host, 80)


@remote(max_containers=1)
def connect(address):
    socket.create_connection((address, 80), timeout=1).close()


@remote(max_containers=1)
def fetch(url):
    return urllib.request.urlopen(url).read()


@remote(max_containers=1)
def read(path):
    with open(path) as file:
        return file.read()


class TestInContainers:
    pytestmark = in_docker

    def test_a_name_that_can_not_be_resolved_is_told_network_true(self, service):
        assert "network=True" in notes(OSError, lambda: resolve.remote("host.invalid"))
        assert "%%faas --network" in notes(Exception, lambda: fetch.remote("http://host.invalid"))

    def test_an_address_that_can_not_be_reached_is_told_network_true(self, service):
        assert "network=True" in notes(OSError, lambda: connect.remote("192.0.2.1"))

    def test_a_refused_connection_within_the_sandbox_is_not(self, service):
        assert notes(ConnectionRefusedError, lambda: connect.remote("127.0.0.1")) == ""

    def test_with_a_network_nothing_is_said_of_it(self, service):
        open_to_all = resolve.with_options(network=True)
        assert notes(OSError, lambda: open_to_all.remote("host.invalid")) == ""

    def test_a_file_of_this_machine_is_told_how_to_be_mounted(self, service, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "sub").mkdir()
        for name in ("data.csv", "sub/more.csv"):
            (tmp_path / name).write_text("1")
        said = notes(FileNotFoundError, lambda: read.remote("data.csv"))
        assert "volumes={'/data': './:ro'}" in said
        assert "open '/data/data.csv'" in said
        assert "'./sub:ro'" in notes(FileNotFoundError, lambda: read.remote("sub/more.csv"))
        path = str(tmp_path / "data.csv")
        assert f"'{tmp_path}:ro'" in notes(FileNotFoundError, lambda: read.remote(path))

    def test_what_was_advised_works(self, service, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        tmp_path.chmod(0o755)
        (tmp_path / "data.csv").write_text("1")
        mounted = read.with_options(volumes={"/data": "./:ro"})
        assert mounted.remote("/data/data.csv") == "1"
        said = notes(FileNotFoundError, lambda: mounted.remote("data.csv"))
        assert "is mounted in the sandbox as '/data/data.csv'" in said

    def test_a_file_that_is_nowhere_has_no_note(self, service):
        assert notes(FileNotFoundError, lambda: read.remote("/nowhere/at/all.csv")) == ""


def test_nobody_answers_input_or_breakpoint(service):
    assert "input()" in notes(EOFError, lambda: remote(ask).remote())
    said = notes(BaseException, lambda: remote(stop).remote())
    assert "breakpoint()" in said


def ask():
    return input("?")


def stop():
    breakpoint()


@pytest.mark.parametrize("service", ["process"], indirect=True)
def test_without_isolation_a_relative_path_is_told_the_whole_one(service, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("1")
    said = notes(FileNotFoundError, lambda: read.remote("data.csv"))
    assert "Give the whole path" in said
    assert read.remote(str(tmp_path / "data.csv")) == "1"
