"""Deployed functions to and from registries, pinned to their digests.

A version's tag (``v3``) is written once. What is pulled must have the digest and the contents that
the catalog remembers; a version that is not known yet is remembered as it comes.
"""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbfaas.catalog import Catalog, Pin, Version
from nbfaas.catalog.catalog import PULLED, PUSHED
from nbfaas.catalog.names import LATEST, check_name, split, version_number
from nbfaas.errors import (
    BadDeployment,
    ImageError,
    ImageNotFound,
    IntegrityError,
    NotAllowed,
    NotDeployed,
    NotInRegistry,
    RegistryUnavailable,
    UnknownVersion,
)
from nbfaas.remote.allowing import check_allowed
from nbfaas.remote.deploy import Show, one_at_a_time, open_catalog, open_images
from nbfaas.settings import config

if TYPE_CHECKING:
    from nbfaas.images.builder import Images
    from nbfaas.images.function_image import FunctionImage
    from nbfaas.images.registry import Registry


class RegistryNotice(UserWarning):
    """A registry could not be asked, and what is here already is used."""


@dataclass(frozen=True, slots=True)
class Distributed:
    """A version that was pushed or pulled. ``changed``: something had to be transferred; ``notice``
    says why what was here already is used, if the registry could not be asked."""

    version: Version
    pin: Pin
    changed: bool
    notice: str = ""

    def __repr__(self) -> str:
        return f"<Distributed {self.version} {self.pin.how} {self.pin.reference}>"


def check_registry() -> None:
    """Whether there is one to push to, as the settings say; it is not asked. Raises
    ``ConfigurationError``, ``BadDeployment``."""
    from nbfaas.images.registry import Address

    Address.parse(config.registry)


def push(reference: str, show: Show | None = None) -> Distributed:
    """Upload a version (``thumb:v3``, ``thumb:prod``, ``thumb``) to the registry of the settings.

    If the same function was pushed from elsewhere under this number, that image takes the place of
    the one here. Raises ``IntegrityError`` if another function was.
    """
    name, wanted = split(reference)
    catalog = open_catalog()
    version = catalog.version(name, wanted)
    with open_images(config, show) as images, _registry(images) as registry:
        if images.functions.find(version.image_id) is None:
            raise ImageNotFound(version.image_id, detail=f"the image of {version}; deploy it again")
        repository = registry.address.repository(name)
        there = registry.digest(name, version.label)
        pin = _pin(catalog, version, repository)
        if there is not None:
            if pin is None:
                return _take_over(images, catalog, registry, version, there, show)
            if pin.digest != there:
                raise _taken(version, repository, there, f", and {pin.digest} was {pin.how}")
            return Distributed(version, pin, changed=False)
        digest = registry.push(version.image_id, name, version.label, _say(show, str(version)))
    return Distributed(version, catalog.pin(version, repository, digest, PUSHED), changed=True)


def pull(reference: str, show: Show | None = None) -> Distributed:
    """Download ``thumb:v3``, ``thumb`` (the highest version) or ``thumb@sha256:…``, check it, and
    enter it into the catalog under its own version. One that asks for what ``config.allow`` does
    not give is not entered (``NotAllowed``).

    If the registry does not answer, the version that is here already is taken, and a
    ``RegistryNotice`` says so. Raises ``IntegrityError`` if it is not what was pinned.
    """
    name, _, digest = reference.partition("@")
    name, tag = split(name)
    check_name(name)
    if tag not in (None, LATEST) and version_number(str(tag)) is None:
        raise BadDeployment("version", tag, "v1, v2, …: aliases are not kept in registries")
    catalog = open_catalog()
    with open_images(config, show) as images, _registry(images) as registry:
        try:
            if not digest:
                tag, digest = _look_up(registry, name, tag)
            known = _known(catalog, name, tag)
            pin = None if known is None else _pin(
                catalog, known, registry.address.repository(name)
            )  # fmt: skip
            if known is not None and pin is not None and pin.digest != digest:
                raise IntegrityError(
                    f"{registry.address.repository(name)}:{tag}",
                    f"its tag leads to {digest}, but {pin.digest} was {pin.how}",
                    "Find out who has moved the tag. The pinned one can still be had: "
                    f"nbfaas pull {name}@{pin.digest}",
                )
            return _download(images, catalog, registry, name, tag, digest, show)
        except RegistryUnavailable as error:
            cached = _cached(images, catalog, registry, name, tag, digest)
            if cached is None:
                raise
            notice = f"{error} {cached.version} is here already, as {cached.pin.digest}."
            warnings.warn(notice, RegistryNotice, stacklevel=2)
            return Distributed(cached.version, cached.pin, changed=False, notice=notice)


def fetch(images: Images, catalog: Catalog, version: Version) -> Version:
    """A version's image that is not on this machine any more, from where it was pushed to or pulled
    from. Raises ``ImageNotFound`` if it never was."""
    from nbfaas.images.registry import Address

    failed: Exception | None = None
    for pin in catalog.pins(version):
        address = Address.parse(pin.repository.rpartition("/")[0])
        try:
            with images.registry(address) as registry:
                return _download(
                    images, catalog, registry, version.name, version.label, pin.digest, None
                ).version
        except (RegistryUnavailable, NotInRegistry) as error:
            failed = error
    if failed is not None:
        raise failed
    detail = f"the image of {version}, which was never pushed; deploy it again"
    raise ImageNotFound(version.image_id, detail=detail)


def _take_over(
    images: Images,
    catalog: Catalog,
    registry: Registry,
    version: Version,
    digest: str,
    show: Show | None,
) -> Distributed:
    """Images that were built twice differ in their times only, and each machine runs the one that
    the registry has. Nobody can tell by the hashes what lies below the function there, so it gets
    what is allowed to what was pulled."""
    repository = registry.address.repository(version.name)
    registry.pull(version.name, digest, _say(show, str(version)))
    image = images.functions.read(f"{repository}@{digest}")
    there = image.manifest
    wanted = (version.name, version.label, version.content_hash, version.agent)
    if (there.name, there.version, there.content_hash, there.agent) != wanted:
        images.functions.forget(f"{repository}@{digest}")
        raise _taken(version, repository, digest)
    before = version.image_id
    with one_at_a_time(config, version.name):
        if image.image_id != before:
            with contextlib.suppress(ImageError):  # it is in use, and stays
                images.functions.remove(before)
        images.functions.keep(image)
        version = catalog.add(there, image.image_id)
    own = image.image_id == before and not catalog.came_from_registry(version)
    how = PUSHED if own else PULLED
    pin = catalog.pin(version, repository, digest, how)
    return Distributed(version, pin, changed=False)


def _taken(version: Version, repository: str, digest: str, more: str = "") -> IntegrityError:
    return IntegrityError(
        f"{repository}:{version.label}",
        f"the registry has {digest} under this version already{more}",
        "Pull that one, or deploy under another name: a version is never overwritten.",
    )


def _download(
    images: Images,
    catalog: Catalog,
    registry: Registry,
    name: str,
    tag: str | None,
    digest: str,
    show: Show | None,
) -> Distributed:
    repository = registry.address.repository(name)
    reference = f"{repository}@{digest}"
    changed = images.functions.find(reference) is None
    if changed:
        registry.pull(name, digest, _say(show, f"{name} {tag or ''}".strip()))
    image = images.functions.read(reference)
    manifest = image.manifest
    if manifest.name != name or (tag is not None and manifest.version != tag):
        raise IntegrityError(
            f"{reference}{f' ({tag})' if tag else ''}",
            f"it holds {manifest.name} {manifest.version}",
            "Find out who has moved the tag.",
        )
    own = _is_own(catalog, name, image, digest)
    if not own:
        try:
            check_allowed(manifest)
        except NotAllowed:
            if changed:
                images.functions.forget(reference)
            raise
    images.functions.keep(image)
    with one_at_a_time(config, name):
        version = catalog.add(manifest, image.image_id)
    there = _pin(catalog, version, repository)
    if there is None or there.digest != digest:
        there = catalog.pin(version, repository, digest, PUSHED if own else PULLED)
    return Distributed(version, there, changed)


def _look_up(registry: Registry, name: str, tag: str | None) -> tuple[str, str]:
    """The tag and its digest; of the highest version, if none is asked for."""
    tags = registry.tags(name)
    if tag is None or tag == LATEST:
        numbers = [number for each in tags if (number := version_number(each)) is not None]
        tag = f"v{max(numbers)}" if numbers else LATEST
    digest = registry.digest(name, tag)
    if digest is None:
        known = [f"{name}:{each}" for each in tags] or registry.functions()
        raise NotInRegistry(str(registry.address), f"{name}:{tag}", known)
    return tag, digest


def _cached(
    images: Images,
    catalog: Catalog,
    registry: Registry,
    name: str,
    tag: str | None,
    digest: str,
) -> Distributed | None:
    """What the registry would have been asked for, if it is here."""
    repository = registry.address.repository(name)
    try:
        candidates = catalog.versions(name)
    except NotDeployed:
        return None
    for version in candidates:
        pin = _pin(catalog, version, repository)
        right = version.label == tag if tag not in (None, LATEST) else True
        if digest:
            right = pin is not None and pin.digest == digest
        if right and pin is not None and images.functions.find(version.image_id) is not None:
            return Distributed(version, pin, changed=False)
    return None


def _is_own(catalog: Catalog, name: str, image: FunctionImage, digest: str) -> bool:
    """Whether the image is one that was made here, and so may have what it asks for. What others
    have made of the same function may have something else below it."""
    known = _known(catalog, name, image.manifest.version)
    if known is None or catalog.came_from_registry(known):
        return False
    return image.image_id == known.image_id or any(
        pin.digest == digest for pin in catalog.pins(known)
    )


def _known(catalog: Catalog, name: str, tag: str | None) -> Version | None:
    try:
        return None if tag is None else catalog.version(name, tag)
    except (NotDeployed, UnknownVersion):
        return None


def _pin(catalog: Catalog, version: Version, repository: str) -> Pin | None:
    return next((pin for pin in catalog.pins(version) if pin.repository == repository), None)


def _registry(images: Images) -> Registry:
    from nbfaas.images.registry import Address

    return images.registry(Address.parse(config.registry))


def _say(show: Show | None, name: str) -> Show:
    from nbfaas.images.progress import BuildProgress

    def say(message: object) -> None:
        if show is not None:
            show(BuildProgress(name, 1, 1, str(message)))

    return say
