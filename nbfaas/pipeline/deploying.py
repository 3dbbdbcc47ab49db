"""Deploying an exported folder: the same content hash as where it was exported from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nbfaas.catalog import Catalog, Version
from nbfaas.catalog.names import check_alias, check_name
from nbfaas.errors import IntegrityError, NotDeployed, UnknownVersion
from nbfaas.pipeline.exported import Exported, read_export, runtime_of
from nbfaas.remote.deploy import (
    Deployed,
    Show,
    Stages,
    build_version,
    finish,
    one_at_a_time,
    open_catalog,
    open_images,
    standing,
)
from nbfaas.settings import config

if TYPE_CHECKING:
    from nbfaas.images.builder import Images


def deploy_export(
    folder: str | Path,
    name: str | None = None,
    *,
    alias: str | None = None,
    image: str | None = None,
    show: Show | None = None,
) -> Deployed:
    """Make the exported version one of this machine's, with its image.

    It keeps its number; under another ``name`` it gets the next one there. What is deployed already
    is not built again. ``image`` is one that ``docker build`` has made of the folder: it is
    checked, and entered into the catalog as it is. Raises ``IntegrityError`` if the number has
    other contents here, what ``read_export`` and ``runtime_of`` raise, and what deploying raises.
    """
    exported = read_export(folder)
    name = exported.manifest.name if name is None else check_name(name)
    if alias is not None:
        check_alias(alias)
    stages = Stages()
    catalog = open_catalog()
    with open_images(config, show) as images:
        if image is not None:
            with stages.of("image"), one_at_a_time(config, name):
                adopted = _adopt(images, catalog, exported, image)
            return finish(catalog, adopted, True, stages, alias)
        from nbfaas.images.agent_layer import agent_hash

        with stages.of("runtime"):
            _, runtime = runtime_of(images, exported)
        manifest = msgspec.structs.replace(exported.manifest, name=name, agent=agent_hash())
        with one_at_a_time(config, name):
            found, foreign, built = standing(images, catalog, name, manifest)
            if built:
                label = _label(catalog, exported, name) if found is None else found.label
                manifest = msgspec.structs.replace(manifest, version=label)
                payload = exported.payload
                found = build_version(
                    images, catalog, manifest, payload, runtime, stages, show, anew=foreign
                )
    assert found is not None
    return finish(catalog, found, built, stages, alias)


def _label(catalog: Catalog, exported: Exported, name: str) -> str:
    """The number that it gets."""
    manifest = exported.manifest
    if name == manifest.name:
        try:
            there = catalog.version(name, manifest.version)
        except (NotDeployed, UnknownVersion):
            return manifest.version
        if there.content_hash != manifest.content_hash:
            reason = f"{there} has the content hash {there.content_hash[:12]} here, the exported "
            reason += f"one has {manifest.content_hash[:12]}"
            raise IntegrityError(str(exported), reason, "Deploy it under another name: --name.")
    return f"v{catalog.next_number(name)}"


def _adopt(images: Images, catalog: Catalog, exported: Exported, reference: str) -> Version:
    """Enter an image that was built elsewhere, once it is known to hold what was exported."""
    image = images.functions.read(reference)
    wanted = exported.manifest
    for what, one, other in (
        ("content hash", wanted.content_hash, image.manifest.content_hash),
        ("name and version", (wanted.name, wanted.version),
         (image.manifest.name, image.manifest.version)),
    ):  # fmt: skip
        if one != other:
            reason = f"its {what} is {other}, the exported one's is {one}"
            raise IntegrityError(f"the image {reference}", reason, "Build it again: docker build.")
    misfit = images.functions.misfit(image)
    if misfit is not None:
        fix = "Build it on the Dockerfile's own BASE, or deploy without --image."
        raise IntegrityError(f"the image {reference}", misfit, fix)
    version = catalog.add(image.manifest, image.image_id)
    images.functions.keep(image)
    return version
