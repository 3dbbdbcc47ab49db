"""What a registry is asked over HTTP: tags, digests, names, deleting. (The Docker Engine pushes and
pulls by itself, but knows no such questions.) As for Docker, registries on loopback may speak plain
HTTP or have any certificate; others need one that this machine or ``/etc/docker/certs.d`` trusts.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import docker.auth
import httpx

from nbfaas.errors import ConfigurationError, NotInRegistry, RegistryRefused, RegistryUnavailable

_PATIENCE = httpx.Timeout(10.0, connect=4.0)  # seconds
_MANIFESTS = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.index.v1+json",
    )
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_CERTIFICATES = Path("/etc/docker/certs.d")
_PAGE = 1000
_MOST_PAGES = 100


class RegistryApi:
    """The registry at ``host`` (``localhost:5000``). All methods raise ``RegistryUnavailable`` and
    ``RegistryRefused``."""

    def __init__(self, host: str) -> None:
        self.host = host
        loopback = is_loopback(host)
        self._schemes = ["https", "http"] if loopback else ["https"]
        self._http = httpx.Client(
            verify=False if loopback else _trusted(host), timeout=_PATIENCE, trust_env=not loopback
        )
        self._credentials = _credentials(host)
        self._authorization = ""

    def __enter__(self) -> RegistryApi:
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def __repr__(self) -> str:
        return f"<RegistryApi {self.host}>"

    def digest(self, repository: str, reference: str) -> str | None:
        """``sha256:…`` of the manifest that a tag leads to; None if there is none."""
        answer = self._send("HEAD", f"{repository}/manifests/{reference}", {"Accept": _MANIFESTS})
        if answer.status_code == 404:
            return None
        found = self._checked(answer, f"{repository}:{reference}").headers
        digest = found.get("Docker-Content-Digest")
        if digest is None:
            raise RegistryUnavailable(self.host, "it tells no digest: it is no Docker registry")
        return str(digest)

    def tags(self, repository: str) -> list[str]:
        """All tags, sorted; empty if there is no such repository."""
        found: list[str] = []
        for page in self._pages(f"{repository}/tags/list?n={_PAGE}", f"the tags of {repository}"):
            found += page.get("tags") or []
        return sorted(found)

    def repositories(self) -> list[str]:
        """The names of all repositories that the registry shows."""
        found: list[str] = []
        for page in self._pages(f"_catalog?n={_PAGE}", "its list of repositories"):
            found += page.get("repositories") or []
        return sorted(found)

    def delete(self, repository: str, digest: str) -> None:
        """Forget a manifest, and all tags of it. The space is free once the registry has collected
        its garbage. Raises ``NotInRegistry``."""
        answer = self._send("DELETE", f"{repository}/manifests/{digest}", {})
        if answer.status_code == 404:
            raise NotInRegistry(self.host, f"{repository}@{digest}", [])
        if answer.status_code == 405:
            reason = "it is not set up to delete (storage.delete.enabled)"
            raise RegistryRefused(self.host, f"to delete {repository}@{digest}", reason)
        self._checked(answer, f"to delete {repository}@{digest}")

    def _pages(self, path: str, what: str) -> Iterator[dict[str, Any]]:
        for _ in range(_MOST_PAGES):
            answer = self._send("GET", path, {})
            if answer.status_code == 404:
                return
            page = self._checked(answer, what).json()
            yield page if isinstance(page, dict) else {}
            following = answer.links.get("next", {}).get("url")
            if following is None:
                return
            path = urljoin("/v2/", following).removeprefix("/v2/")

    def _checked(self, answer: httpx.Response, what: str) -> httpx.Response:
        if answer.status_code in (401, 403):
            raise RegistryRefused(self.host, what, _said(answer))
        if not answer.is_success:
            raise RegistryUnavailable(self.host, f"for {what} it answered {_said(answer)}")
        return answer

    def _send(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        answer = self._send_once(method, path, headers)
        if answer.status_code == 401 and (authorization := self._answer_to(answer)):
            self._authorization = authorization
            answer = self._send_once(method, path, headers)
        return answer

    def _send_once(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        if self._authorization:
            headers = {**headers, "Authorization": self._authorization}
        with self._reached():
            while True:
                url = f"{self._schemes[0]}://{self.host}/v2/{path}"
                try:
                    return self._http.request(method, url, headers=headers)
                except httpx.ConnectError as error:
                    if len(self._schemes) == 1 or not _speaks_no_tls(error):
                        raise
                    del self._schemes[0]

    def _answer_to(self, answer: httpx.Response) -> str:
        """What to send as Authorization, after the registry asked for it; empty if unknown."""
        scheme, _, rest = answer.headers.get("WWW-Authenticate", "").partition(" ")
        basic = httpx.BasicAuth(*self._credentials) if self._credentials else None
        if scheme.lower() == "basic":
            return "" if basic is None else str(basic._auth_header)
        if scheme.lower() != "bearer":
            return ""
        asked = dict(_CHALLENGE.findall(rest))
        realm = asked.pop("realm", "")
        if not realm.startswith("https://") and not is_loopback(self.host):
            return ""  # credentials are not for the open
        with self._reached():
            given = self._http.get(realm, params=asked, auth=basic)
        found = self._checked(given, "credentials").json()
        token = found.get("token") or found.get("access_token")
        return f"Bearer {token}" if token else ""

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise RegistryUnavailable(self.host, str(error) or type(error).__name__) from error


def is_loopback(host: str) -> bool:
    """Whether Docker takes the registry at this place for insecure, and that for fine."""
    name = host.rpartition(":")[0] if ":" in host.rpartition("]")[2] else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _speaks_no_tls(error: httpx.ConnectError) -> bool:
    return isinstance(error.__context__, Exception) and "SSL" in f"{error} {error.__context__!r}"


def _trusted(host: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    for path in sorted((_CERTIFICATES / host).glob("*.crt")):
        context.load_verify_locations(path)
    return context


def _credentials(host: str) -> tuple[str, str] | None:
    """Those of ``docker login``, from its config file or a helper."""
    try:
        found = docker.auth.resolve_authconfig(docker.auth.load_config(), host)
    except docker.errors.DockerException as error:
        raise ConfigurationError(
            f"Docker's credentials for {host} can't be read: {error}. Log in: docker login {host}"
        ) from error
    if not found or not found.get("username"):
        return None
    return found["username"], found.get("password") or ""


def _said(answer: httpx.Response) -> str:
    try:
        errors = answer.json()["errors"]
        return "; ".join(f"{each['code']}: {each['message']}" for each in errors)
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code} {answer.reason_phrase}".strip()
