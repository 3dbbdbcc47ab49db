"""Exporting a deployed version as a folder that is tested and deployed without a notebook."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nbfaas.agent.event import Event
from nbfaas.catalog import Catalog, Version
from nbfaas.catalog.names import LATEST, split, version_number
from nbfaas.delivery.entry import KeptEvent
from nbfaas.delivery.reader import Reader
from nbfaas.errors import BadDeployment, IntegrityError, NotDeployable, NothingToTest
from nbfaas.errors.serve import NotOnServer
from nbfaas.events.project import events_folder
from nbfaas.model.manifest import FunctionManifest
from nbfaas.pipeline.cases import EXPECTED, Case, find_cases
from nbfaas.pipeline.exported import EVENTS, MANIFEST, PAYLOAD, SOURCES
from nbfaas.pipeline.rendering import IGNORED, ci_script, dockerfile, readme, requirements
from nbfaas.pipeline.writing import write_folder
from nbfaas.remote.deploy import Show, open_catalog, open_images
from nbfaas.remote.deployed import read_image
from nbfaas.service import current_service
from nbfaas.settings import config

_CI = "ci.sh"
_STRANGE = re.compile(r"[^\w.@+-]+")


@dataclass(frozen=True, slots=True)
class Export:
    """What was written. ``saved``: the names of the project's events, ``real``: of those that were
    accepted and delivered."""

    version: Version
    folder: Path
    files: tuple[str, ...]
    saved: tuple[str, ...]
    real: tuple[str, ...]

    def __str__(self) -> str:
        events = f"{len(self.saved)} saved events, {len(self.real)} real ones"
        return f"{self.version} → {self.folder}: {len(self.files)} files, {events}"

    def __repr__(self) -> str:
        return f"<Export {self}>"


def export(
    reference: str,
    folder: str | Path,
    *,
    events: int = 0,
    names: Sequence[str] = (),
    show: Show | None = None,
) -> Export:
    """Write ``thumb``, ``thumb:v3`` or ``thumb:prod`` to ``folder``: image recipe, source, payload,
    manifest, packages, events to test with, and a recipe for CI.

    The events are those of the project that the function's triggers take, or of which it has
    expectations (those of ``names``, if given), and as many as ``events`` of the latest that were
    delivered to it, from this data folder's store: real data.

    Raises ``ExportRefused`` if files are there that no export has written; ``NotDeployed``,
    ``UnknownVersion``, ``BadDeployment``, ``UnknownSavedEvent``, ``SavedEventUnusable``,
    ``BadExpectation``, ``EventStoreError``, and what reading the image raises; ``NotOnServer``
    while this process works on a server.
    """
    try:
        operator.index(events)
    except TypeError:
        wanted = "how many of the latest that were delivered; names=[…] chooses saved ones"
        raise BadDeployment("events", events, wanted) from None
    place = current_service()
    if place is not None and place.server is not None:
        fix = "Where the server runs, nbfaas export writes what is deployed there."
        raise NotOnServer("exporting", place.server, fix)
    catalog = open_catalog()
    version = _version(catalog, reference)
    with open_images(config, show) as images:
        image = read_image(images, catalog, version)
        base = images.functions.runtime(image.image_id)
        sources = images.functions.sources(image.image_id) if image.manifest.image.sources else {}
    manifest = image.manifest
    if not base:
        fix = f"Remove it (nbfaas rm {version}) and deploy it again."
        raise NotDeployable(manifest.name, "an older nbfaas did not note its runtime", fix)
    from nbfaas.images.function_image import RUNTIME_LABEL, labels_of

    labels = {**labels_of(manifest), RUNTIME_LABEL: base}
    saved = _saved(manifest, names)
    real = _real(manifest, events, {case.name for case in saved})
    files = {
        MANIFEST: manifest.to_json(),
        PAYLOAD: image.payload,
        "source.py": manifest.source.encode(),
        "requirements.txt": requirements(manifest).encode(),
        "Dockerfile": dockerfile(manifest, base, labels).encode(),
        ".dockerignore": IGNORED.encode(),
        "README.md": readme(manifest, [case.name for case in saved], list(real)).encode(),
        _CI: ci_script(manifest).encode(),
        **{f"{SOURCES}/{_inside(name)}": data for name, data in sources.items()},
        **{f"{EVENTS}/{name}.json": data for name, data in real.items()},
    }
    for case in saved:
        files[f"{EVENTS}/{case.path.name}"] = case.path.read_bytes()
        if case.expectation_path.is_file():
            name = f"{EVENTS}/{EXPECTED}/{manifest.function}/{case.path.name}"
            files[name] = case.expectation_path.read_bytes()
    target = Path(folder).expanduser().absolute()
    write_folder(target, files, frozenset({_CI}))
    names_saved = tuple(case.name for case in saved)
    return Export(version, target, tuple(sorted(files)), names_saved, tuple(real))


def _version(catalog: Catalog, reference: str) -> Version:
    name, which = split(reference)
    if which not in (None, LATEST) and version_number(str(which)) is None:
        alias = catalog.alias(name, str(which))
        if alias.other is not None:
            wanted = f"{alias}: it leads to two versions; name one of them"
            raise BadDeployment("version", which, wanted)
    return catalog.version(name, which)


def _saved(manifest: FunctionManifest, names: Sequence[str]) -> list[Case]:
    """The project's events that concern the function; none is no error."""
    try:
        return find_cases(events_folder(), manifest.function, manifest.triggers, names)[0]
    except NothingToTest:
        return []


def _real(manifest: FunctionManifest, most: int, taken: set[str]) -> dict[str, bytes]:
    """The latest events that were delivered because of the function's triggers, by the name that
    their file gets."""
    path = Path(config.data_dir, "events", f"{config.event_store}.db")
    if most < 1 or not path.exists():
        return {}
    reader = Reader(path, lambda error: None)
    found: dict[int, KeptEvent] = {}
    try:
        for spec in manifest.triggers:
            found |= {each.number: each for each in reader.history(spec.name, most)}
    finally:
        reader.close()
    latest = [found[number] for number in sorted(found, reverse=True)[:most]]
    real = {}
    for kept in latest:
        event = Event.from_dict(kept.event)
        name = _STRANGE.sub("-", f"{event.type}-{event.id}").strip("-.")[:100].rstrip("-.")
        if name not in taken:
            text = json.dumps(event.to_dict(), indent=2, ensure_ascii=False)
            real[name] = f"{text}\n".encode()
    return dict(sorted(real.items()))


def _inside(name: str) -> str:
    """A path from an image, which anybody may have pushed."""
    parts = Path(name).parts
    if not parts or name.startswith("/") or ".." in parts:
        raise IntegrityError("the image", f"it has a source called {name!r}", "Do not use it.")
    return name
