"""Asking a registry over HTTP: certificates, tokens, and what is no registry."""

from __future__ import annotations

import base64
import json
import shutil
import socket
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from registry_servers import PASSWORD, USER, RegistryServer
from web_answers import Answers, serving

from nbfaas.errors import BadDeployment, RegistryRefused, RegistryUnavailable
from nbfaas.images import registry_api
from nbfaas.images.registry import Address
from nbfaas.images.registry_api import RegistryApi, is_loopback


@pytest.mark.registry
def test_a_certificate_is_asked_for_where_the_registry_is_elsewhere(monkeypatch, tmp_path):
    server = RegistryServer(tls=True)
    server.start()
    try:
        monkeypatch.setattr(registry_api, "is_loopback", lambda host: False)
        monkeypatch.setattr(registry_api, "_CERTIFICATES", tmp_path)
        with (
            RegistryApi(server.url) as api,
            pytest.raises(RegistryUnavailable, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            api.repositories()
        (tmp_path / server.url).mkdir()
        shutil.copy(server.folder / "ca.pem", tmp_path / server.url / "ca.crt")
        with RegistryApi(server.url) as api:
            assert api.repositories() == []
            assert api.tags("nothing") == []
            assert api.digest("nothing", "v1") is None
    finally:
        server.close()


@pytest.mark.registry
def test_plain_http_is_not_spoken_with_a_registry_elsewhere(monkeypatch):
    server = RegistryServer()
    server.start()
    try:
        monkeypatch.setattr(registry_api, "is_loopback", lambda host: False)
        with RegistryApi(server.url) as api, pytest.raises(RegistryUnavailable):
            api.repositories()
    finally:
        server.close()


class Tokens(Answers):
    """A registry that wants a token, and where tokens are had, as on the large public ones."""

    def do_GET(self) -> None:
        host = self.headers["Host"]
        if self.path.startswith("/token"):
            right = self.headers.get("Authorization", "").startswith("Basic ")
            asked = parse_qs(urlsplit(self.path).query)
            right &= asked == {"service": ["tests"], "scope": ["repository:a/b:pull"]}
            self._answer(200 if right else 401, {"token": "t0k3n"})
        elif self.headers.get("Authorization") != "Bearer t0k3n":
            wanted = f'Bearer realm="http://{host}/token",service="tests",'
            self._answer(401, {}, wanted + 'scope="repository:a/b:pull"')
        elif self.path.endswith("last=v1"):
            self._answer(200, {"tags": ["v2"]})
        else:
            self._answer(200, {"tags": ["v1"]}, link='</v2/a/b/tags/list?n=1&last=v1>; rel="next"')

    def _answer(self, code: int, body: object, wanted: str = "", link: str = "") -> None:
        self.answer(code, json.dumps(body).encode(), {"WWW-Authenticate": wanted, "Link": link})


@pytest.fixture
def tokens() -> Iterator[str]:
    with serving(Tokens) as host:
        yield host


def test_a_token_is_had_for_the_credentials_and_all_pages_are_read(tokens, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with RegistryApi(tokens) as api, pytest.raises(RegistryRefused, match="docker login"):
        api.tags("a/b")
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {tokens: {"auth": auth}}}))
    with RegistryApi(tokens) as api:
        assert api.tags("a/b") == ["v1", "v2"]


def test_what_does_not_answer_is_given_up_within_seconds():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"localhost:{silent.getsockname()[1]}"
        with RegistryApi(host) as api, pytest.raises(RegistryUnavailable, match=host):
            api.tags("a")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost:5000", True),
        ("localhost", True),
        ("127.8.0.1:1", True),
        ("[::1]:5000", True),
        ("localhost.example.org:5000", False),
        ("10.0.0.1:5000", False),
        ("example.org", False),
    ],
)
def test_only_this_machine_is_taken_for_loopback(host, loopback):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    "text", ["functions", "http://localhost:5000", "a b:5", "host/Prefix", ":1"]
)
def test_an_address_that_makes_no_sense_is_told(text):
    with pytest.raises(BadDeployment, match="host:port/prefix"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("text", "repository"),
    [
        ("localhost:5000", "localhost:5000/thumb"),
        ("localhost:5000/", "localhost:5000/thumb"),
        ("registry.example.org/team/functions", "registry.example.org/team/functions/thumb"),
        ("registry:5000/x", "registry:5000/x/thumb"),
    ],
)
def test_an_address_gives_the_names_of_repositories(text, repository):
    assert Address.parse(text).repository("thumb") == repository
