"""What the registry of the settings has, and forgetting what is not needed there any more."""

from __future__ import annotations

from dataclasses import dataclass

from nbfaas.catalog.names import check_name, version_number
from nbfaas.errors import BadDeployment, NotDeployed, NotInRegistry
from nbfaas.remote.deploy import open_catalog, open_images
from nbfaas.settings import config


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """A version in a registry. ``aliases`` are those of this catalog that lead to it."""

    name: str
    version: str
    digest: str
    aliases: tuple[str, ...] = ()


def list_registry(name: str | None = None) -> list[RegistryEntry]:
    """All versions there, the newest first; of all functions, unless ``name`` is given."""
    from nbfaas.images.registry import Address

    address = Address.parse(config.registry)
    with open_images() as images, images.registry(address) as registry:
        names = registry.functions() if name is None else [check_name(name)]
        entries = []
        for each in names:
            numbers = [n for tag in registry.tags(each) if (n := version_number(tag)) is not None]
            for number in sorted(numbers, reverse=True):
                if (digest := registry.digest(each, f"v{number}")) is not None:
                    label = f"v{number}"
                    entries.append(RegistryEntry(each, label, digest, _aliases(each, number)))
        return entries


def prune_registry(name: str, keep: int, *, dry_run: bool = False) -> list[RegistryEntry]:
    """Delete all versions of a function there but the newest ``keep`` and those that aliases of
    this catalog lead to; return what was deleted. Raises ``NotInRegistry``, ``RegistryRefused``."""
    from nbfaas.images.registry import Address

    if keep < 1:
        raise BadDeployment("keep", keep, "at least 1: the newest version is never deleted")
    address = Address.parse(config.registry)
    entries = list_registry(name)
    if not entries:
        raise NotInRegistry(str(address), name, [])
    kept = [entry for at, entry in enumerate(entries) if at < keep or entry.aliases]
    # Deleting is by digest, so what shares one with what is kept stays.
    digests = {entry.digest for entry in kept}
    gone = [entry for entry in entries if entry not in kept and entry.digest not in digests]
    if gone and not dry_run:
        with open_images() as images, images.registry(address) as registry:
            for digest in dict.fromkeys(entry.digest for entry in gone):
                registry.delete(name, digest)
    return gone


def _aliases(name: str, number: int) -> tuple[str, ...]:
    try:
        led = open_catalog().aliases(name)
    except NotDeployed:
        return ()
    return tuple(alias.alias for alias in led if number in alias.versions)
