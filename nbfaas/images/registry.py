"""Registries: function images are pushed under their versions and pulled by their digests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from nbfaas.errors import (
    BadDeployment,
    ConfigurationError,
    ImageError,
    IntegrityError,
    NbfaasError,
    NotInRegistry,
    RegistryRefused,
    RegistryUnavailable,
)
from nbfaas.images.engine import Engine
from nbfaas.images.registry_api import RegistryApi

_ADDRESS = re.compile(
    r"(?P<host>localhost(?::\d+)?|\[[0-9a-fA-F:]+\]:\d+|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d+)?"
    r"|[A-Za-z0-9-]+:\d+)(?P<prefix>(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)/?"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Address:
    """``host`` is ``localhost:5000``, ``prefix`` is empty or ends with a slash."""

    host: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """``localhost:5000/functions``. Raises ``BadDeployment``; ``ConfigurationError`` if it is
        empty, as the setting is at first."""
        if not text:
            raise ConfigurationError(
                "no registry is set: nbfaas.config.registry = 'localhost:5000/functions', or "
                "NBFAAS_REGISTRY in the environment."
            )
        match = _ADDRESS.fullmatch(text)
        if match is None:
            raise BadDeployment(
                "registry", text, "host:port/prefix, as in localhost:5000/functions"
            )
        prefix = match["prefix"].strip("/")
        return cls(match["host"], f"{prefix}/" if prefix else "")

    def __str__(self) -> str:
        return f"{self.host}/{self.prefix}".rstrip("/")

    def repository(self, name: str) -> str:
        """Of a function, as Docker calls it."""
        return f"{self.host}/{self.prefix}{name}"


class Registry:
    """One registry. Methods block, and raise ``RegistryUnavailable`` and ``RegistryRefused``."""

    def __init__(self, engine: Engine, address: Address) -> None:
        self.address = address
        self._engine = engine
        self._api = RegistryApi(address.host)

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *error: object) -> None:
        self._api.__exit__(*error)

    def __repr__(self) -> str:
        return f"<Registry {self.address}>"

    def digest(self, name: str, tag: str) -> str | None:
        """The digest that a function's tag leads to; None if there is none."""
        return self._api.digest(f"{self.address.prefix}{name}", tag)

    def tags(self, name: str) -> list[str]:
        return self._api.tags(f"{self.address.prefix}{name}")

    def functions(self) -> list[str]:
        """The names of all repositories below the prefix that could be functions."""
        prefix = self.address.prefix
        found = (name for name in self._api.repositories() if name.startswith(prefix))
        return [name.removeprefix(prefix) for name in found if "/" not in name[len(prefix) :]]

    def delete(self, name: str, digest: str) -> None:
        self._api.delete(f"{self.address.prefix}{name}", digest)

    def push(self, image_id: str, name: str, tag: str, say: Say) -> str:
        """Upload the image, and return the digest of its manifest there."""
        repository = self.address.repository(name)
        say(f"pushing {repository}:{tag}")
        digest = ""
        for line in self._engine.push(image_id, repository, tag):
            self._raise_what_it_says(line, f"{repository}:{tag}", "to take")
            digest = (line.get("aux") or {}).get("Digest") or digest
        there = self.digest(name, tag)
        if not _DIGEST.fullmatch(digest) or there != digest:
            raise IntegrityError(
                f"{repository}:{tag}",
                f"{digest or 'nothing'} was pushed, and {there} is there",
                "Somebody pushed at the same time; push again.",
            )
        return digest

    def pull(self, name: str, digest: str, say: Say) -> str:
        """Download the image with this digest, and return its id. What the registry sends is
        checked by the Docker Engine, layer by layer. Raises ``IntegrityError``, ``NotInRegistry``.
        """
        if not _DIGEST.fullmatch(digest):
            raise BadDeployment("digest", digest, "sha256: and 64 hex digits")
        repository = self.address.repository(name)
        reference = f"{repository}@{digest}"
        say(f"pulling {reference}")
        for line in self._engine.download(repository, digest):
            self._raise_what_it_says(line, reference, "to give")
        found = self._engine.inspect(reference)
        if found is None or reference not in (found.get("RepoDigests") or ()):
            raise IntegrityError(reference, "the image that came has another digest", _AGAIN)
        return str(found["Id"])

    def _raise_what_it_says(self, line: dict[str, Any], reference: str, what: str) -> None:
        if "error" in line:
            raise explained(str(line["error"]), self.address.host, reference, what)


_AGAIN = "Push it again from where it was deployed, or pull another version."
_BROKEN = ("verification failed", "unexpected eof", "checksum", "digest invalid", "content digest",
           "size validation failed", "invalid tar header", "gzip")  # fmt: skip
_REFUSED = ("unauthorized", "no basic auth", "denied", "authentication required", "forbidden")
_MISSING = ("manifest unknown", "not found", "does not exist", "name unknown")
_AWAY = ("refused", "no such host", "timeout", "dial tcp", "x509", "http response to https",
         "eof", "reset by peer", "received unexpected http status", "unavailable")  # fmt: skip


def explained(said: str, host: str, reference: str, what: str) -> NbfaasError:
    """What the Docker Engine says of a registry, as an error of ours."""

    def any_of(words: Iterable[str]) -> bool:
        return any(word in said.lower() for word in words)

    if any_of(_BROKEN):
        return IntegrityError(reference, f"Docker says: {said}", _AGAIN)
    if "connection refused" not in said.lower() and any_of(_REFUSED):
        return RegistryRefused(host, f"{what} {reference}", said)
    if any_of(_MISSING):
        return NotInRegistry(host, reference, [])
    if any_of(_AWAY):
        return RegistryUnavailable(host, said)
    return ImageError(f"image {reference!r}: Docker says: {said}")
