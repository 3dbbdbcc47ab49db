"""What the catalog holds, as data. Times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

from nbfaas.model.manifest import FunctionManifest


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a deployed function; never changed. ``image_id`` is the image on this machine
    that it was built or pulled as."""

    name: str
    number: int
    content_hash: str
    image_id: str
    agent: str
    created_at: float
    manifest: FunctionManifest = field(repr=False, hash=False, compare=False)

    @property
    def label(self) -> str:
        return f"v{self.number}"

    def __str__(self) -> str:
        return f"{self.name}:{self.label}"


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that leads to a version, since ``since``; or to two: ``weight`` is the share, from 0
    to 1, that ``other`` gets."""

    function: str
    alias: str
    version: int
    other: int | None
    weight: float
    since: float

    @property
    def versions(self) -> tuple[int, ...]:
        return (self.version,) if self.other is None else (self.version, self.other)

    def __str__(self) -> str:
        if self.other is None:
            return f"{self.alias} → v{self.version}"
        return (
            f"{self.alias} → v{self.version} {1 - self.weight:.4g}, v{self.other} {self.weight:.4g}"
        )


@dataclass(frozen=True, slots=True)
class Move:
    """One change of an alias. ``how``: set, rollback or removed."""

    alias: str
    how: str
    version: int | None
    other: int | None
    weight: float
    at: float


@dataclass(frozen=True, slots=True)
class Pin:
    """Where a version is in a registry: ``repository@digest``. ``how``: pushed or pulled."""

    repository: str
    digest: str
    how: str
    at: float

    @property
    def reference(self) -> str:
        return f"{self.repository}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A line of ``nbfaas functions``."""

    name: str
    versions: int
    latest: int
    since: float
    aliases: tuple[Alias, ...]
