"""What is deployed, as rows for listings; the differences between versions; removing them."""

from __future__ import annotations

import difflib
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from nbfaas.agent.units import format_bytes
from nbfaas.catalog import Alias, Catalog, Move, Version
from nbfaas.catalog.names import split, version_number
from nbfaas.errors import ImageError
from nbfaas.remote.deploy import open_catalog, open_images

if TYPE_CHECKING:
    from nbfaas.images.builder import Images

FUNCTION_HEADINGS = ("FUNCTION", "LATEST", "VERSIONS", "SINCE", "ALIASES")
VERSION_HEADINGS = ("VERSION", "CONTENT", "DEPLOYED", "ALIASES", "PAYLOAD", "IMAGE", "REGISTRY")
MOVE_HEADINGS = ("WHEN", "ALIAS", "", "LEADS TO")


def function_rows(catalog: Catalog) -> list[tuple[str, ...]]:
    return [
        (
            each.name,
            f"v{each.latest}",
            str(each.versions),
            when(each.since),
            ", ".join(map(str, each.aliases)),
        )
        for each in catalog.functions()
    ]


def version_rows(catalog: Catalog, name: str) -> list[tuple[str, ...]]:
    """The newest first. ALIASES tell since when they lead there, REGISTRY where it was pushed to or
    pulled from, and when."""
    led = catalog.aliases(name)
    return [
        (
            version.label,
            version.content_hash[:12],
            when(version.created_at),
            ", ".join(_led(alias, version) for alias in led if version.number in alias.versions),
            format_bytes(version.manifest.payload_size),
            version.image_id.removeprefix("sha256:")[:12],
            ", ".join(
                f"{pin.how} {pin.repository}@{pin.digest[:19]} {when(pin.at)}"
                for pin in catalog.pins(version)
            ),
        )
        for version in catalog.versions(name)
    ]


def move_rows(moves: list[Move]) -> list[tuple[str, ...]]:
    return [
        (
            when(move.at),
            move.alias,
            move.how,
            ""
            if move.version is None
            else str(Alias("", "", move.version, move.other, move.weight, move.at))
            .partition("→")[2]
            .strip(),
        )
        for move in moves
    ]


def difference(first: Version, second: Version) -> str:
    """A unified diff of two versions: source, then options, packages and triggers. Empty if
    neither differs."""
    parts: list[str] = []
    for what, one, other in (
        ("source.py", first.manifest.source, second.manifest.source),
        ("manifest", _settings(first), _settings(second)),
    ):
        parts += difflib.unified_diff(
            one.splitlines(),
            other.splitlines(),
            f"{first} {what}",
            f"{second} {what}",
            lineterm="",
        )
    if not parts and first.content_hash != second.content_hash:
        return "The sources are equal; what the function refers to, such as a global, differs."
    return "\n".join(parts)


def remove(reference: str) -> tuple[str, ...]:
    """Remove an alias (``thumb:prod``), a version (``thumb:v3``) or all versions (``thumb``), with
    their images on this machine; return what was removed. Registries keep what they have.

    Raises ``VersionInUse``, ``NotDeployed``, ``UnknownVersion``.
    """
    name, which = split(reference)
    catalog = open_catalog()
    if which is not None and version_number(which) is None and which != "latest":
        catalog.remove_alias(name, which)
        return (f"alias {name}:{which}",)
    gone = catalog.remove(name, which)
    with open_images() as images:
        return tuple(f"{version}{_remove_image(images, version)}" for version in gone)


def _remove_image(images: Images, version: Version) -> str:
    """Empty, or why the image stays."""
    try:
        if not images.functions.remove(version.image_id):
            return " (its image stays: another data folder of this machine uses it)"
    except ImageError:
        return f" (its image is in use, and stays: docker rmi {version.image_id[:19]})"
    return ""


def when(at: float) -> str:
    """Local time: ``2026-11-23 14:03``."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")


def _led(alias: Alias, version: Version) -> str:
    share = ""
    if alias.other is not None:
        weight = alias.weight if version.number == alias.other else 1 - alias.weight
        share = f" {100 * weight:.4g} %"
    return f"{alias.alias}{share} since {when(alias.since)}"


def _settings(version: Version) -> str:
    """What is in the manifest besides the source and what names the version."""
    manifest = version.manifest
    shown = {
        name: getattr(manifest, name)
        for name in ("entry", "requires", "options", "image", "triggers", "secrets", "payload_hash")
    }
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()
