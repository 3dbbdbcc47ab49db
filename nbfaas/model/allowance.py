"""What versions that came from a registry may ask of this machine. Pure, but for links of folders.

Whoever may push to a registry writes manifests; whoever runs what was pulled says here what these
get. What was deployed on this machine is not asked about.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from nbfaas.errors.base import ConfigurationError
from nbfaas.errors.simulator import nearest
from nbfaas.model.event_types import EVERY, is_covered, types_of
from nbfaas.model.manifest import FunctionManifest
from nbfaas.model.trigger_spec import TriggerSpec

_WILD = "*?["


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """By default nothing."""

    network: Annotated[
        bool,
        Meta(
            description="Whether they may have the network, queues, URLs as destinations, and "
            "routes without a token."
        ),
    ] = False
    volumes: Annotated[
        tuple[str, ...],
        Meta(
            description="Folders and named volumes that they may mount, and folders that they may "
            "watch: /data, /data/* for each folder in it, or a volume's name."
        ),
    ] = ()
    secrets: Annotated[
        tuple[str, ...],
        Meta(description="Environment variables that they may have as secrets; SHOP_* for some."),
    ] = ()
    events: Annotated[
        tuple[str, ...],
        Meta(
            description="Types of events on the bus that they may be triggered by, or send their "
            "results as; order.* for some, * for all."
        ),
    ] = ()
    destinations: Annotated[
        tuple[str, ...],
        Meta(
            description="Other functions that they may send their results or failures to; report-* "
            "for some."
        ),
    ] = ()
    trust: Annotated[
        bool,
        Meta(
            description="Whether results may be of the types that they name, which are unpickled "
            "outside of sandboxes."
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that a manifest asks for, in words, and the key that would allow it, with what its
    list would need; None for keys that are true."""

    what: str
    key: str
    value: str | None = None


def allowance(given: Mapping[str, Any]) -> Allowance:
    """Raises ``ConfigurationError``."""
    for key in given:
        if key not in Allowance.__struct_fields__:
            known = nearest(key, Allowance.__struct_fields__)
            raise ConfigurationError(f"allow: there is no such key as {key!r}; {known}")
    try:
        return msgspec.convert(dict(given), Allowance)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"allow: {error}") from None


def not_allowed(manifest: FunctionManifest, allowed: Allowance) -> list[Ask]:
    """What it asks for beyond that."""
    found: dict[tuple[str, str], Ask] = {}
    for ask in _asks(manifest, allowed):
        found.setdefault((ask.key, ask.value or ask.what), ask)
    return list(found.values())


def keys_for(asks: Iterable[Ask]) -> str:
    """What would allow them all, as TOML: ``network = true, volumes = ["/data"]``."""
    found: dict[str, list[str]] = {}
    for ask in asks:
        values = found.setdefault(ask.key, [])
        if ask.value is not None and ask.value not in values:
            values.append(ask.value)
    return ", ".join(f"{key} = {json.dumps(values or True)}" for key, values in found.items())


def _asks(manifest: FunctionManifest, allowed: Allowance) -> Iterator[Ask]:
    options = manifest.options
    if options.network and not allowed.network:
        yield Ask("the network", "network")
    for volume in options.volumes:
        if not _may_mount(volume.source, allowed.volumes):
            kind = "folder" if volume.source.startswith("/") else "volume"
            reads = " to read" if volume.read_only else ""
            yield Ask(f"the {kind} {volume.source}{reads}", "volumes", volume.source)
    for name in manifest.secrets:
        if not any(fnmatchcase(name, pattern) for pattern in allowed.secrets):
            yield Ask(f"the variable {name} as a secret", "secrets", name)
    if options.trust and not allowed.trust:
        yield Ask(f"results of the types {', '.join(options.trust)}", "trust")
    for spec in manifest.triggers:
        yield from _asks_of_trigger(spec, manifest.name, allowed)


def _asks_of_trigger(spec: TriggerSpec, name: str, allowed: Allowance) -> Iterator[Ask]:
    """``name``: of the function whose trigger it is."""
    if spec.kind == "queue" and not allowed.network:
        yield Ask(f"a queue (trigger {spec.name})", "network")
    if spec.kind == "file" and spec.arguments:
        folder = _folder_of(str(spec.arguments[0]))
        if not _may_mount(folder, allowed.volumes):
            yield Ask(f"to watch {folder} (trigger {spec.name})", "volumes", folder)
    if spec.kind == "http" and spec.options.get("auth", True) is not True and not allowed.network:
        yield Ask(f"a route without a token (trigger {spec.name})", "network")
    if spec.kind == "event":
        for kind in sorted(types_of(spec.arguments[0] if spec.arguments else None)):
            if not is_covered(kind, allowed.events):
                which = "all events" if kind == EVERY else f"the events {kind}"
                yield Ask(f"{which} on the bus (trigger {spec.name})", "events", kind)
    for destination in (spec.on_success, spec.on_failure):
        if destination is None:
            continue
        if destination.kind == "url" and not allowed.network:
            yield Ask(f"to send to {destination.to} (trigger {spec.name})", "network")
        if destination.kind == "type" and not is_covered(destination.to, allowed.events):
            yield Ask(
                f"to send events {destination.to} (trigger {spec.name})", "events", destination.to
            )
        if destination.kind == "function":
            other = destination.to.partition(":")[0]
            if other != name and not any(fnmatchcase(other, each) for each in allowed.destinations):
                what = f"to send to the function {other} (trigger {spec.name})"
                yield Ask(what, "destinations", other)


def _may_mount(source: str, patterns: tuple[str, ...]) -> bool:
    """A folder has to be allowed as it is called, and as where its links lead."""
    if not source.startswith("/"):
        return any(fnmatchcase(source, each) for each in patterns if not each.startswith("/"))
    folders = [each.rstrip("/") or "/" for each in patterns if each.startswith("/")]
    return all(
        _is_allowed(path, folders) for path in (os.path.normpath(source), os.path.realpath(source))
    )


def _is_allowed(path: str, patterns: list[str]) -> bool:
    """Whether it is named itself, or fits a pattern, and no folder that it is in fits one: what may
    write there could put a link in its place, at any time after it was looked at."""
    if path in patterns:
        return True
    inside = any(_fits(str(parent), patterns) for parent in PurePath(path).parents)
    return _fits(path, patterns) and not inside


def _fits(path: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(path, each) for each in patterns)


def _folder_of(pattern: str) -> str:
    """The folder that a pattern of files is watched in: what comes before the first wildcard."""
    parts: list[str] = []
    for part in os.path.abspath(os.path.expanduser(pattern)).split("/")[:-1]:
        if any(character in part for character in _WILD):
            break
        parts.append(part)
    return "/".join(parts) or "/"
