"""Deployed functions, run from their images: ``nbfaas.deployed("thumb", "prod")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from nbfaas.catalog import Catalog, Version
from nbfaas.catalog.names import split
from nbfaas.errors import IntegrityError, NotDeployable, OptionError, RunsInImageOnly
from nbfaas.model.function import FunctionOptions, FunctionVersion
from nbfaas.model.image import ImageSpec
from nbfaas.model.manifest import FunctionManifest
from nbfaas.model.manifest_options import restore_options
from nbfaas.packager.report import ShippedItem, ShippingReport
from nbfaas.remote.allowing import check_allowed
from nbfaas.remote.deploy import Deployed, open_catalog, open_images
from nbfaas.remote.function import RemoteFunction
from nbfaas.remote.options import parse_options
from nbfaas.service import current_service

if TYPE_CHECKING:
    from nbfaas.images.builder import Images
    from nbfaas.images.function_image import FunctionImage


def deployed(
    name: str, reference: str | None = None, *, key: str | None = None
) -> RemoteFunction[..., Any]:
    """A deployed function: ``deployed("thumb")`` is its latest version, ``deployed("thumb", "v2")``
    or ``deployed("thumb:v2")`` a certain one, ``deployed("thumb", "prod")`` the one an alias leads
    to. Where an alias leads to two, ``key`` decides (the same key, the same version), else chance.

    An image that is not on this machine is pulled by the digest it was pushed or pulled with
    before. Raises ``NotDeployed``, ``UnknownVersion``, ``IntegrityError``, ``RegistryUnavailable``;
    ``NotAllowed`` if it came from a registry and asks for what ``config.allow`` does not give.

    While this process works on a server, it is what that serves, and the server chooses, for each
    call anew. Raises ``ServerRefused``.
    """
    place = current_service()
    if place is None or place.there is None:
        return deployed_here(name, reference, key=key)
    if key is not None:
        raise OptionError("key", key, "a server chooses by the call")
    served: RemoteFunction[..., Any] = place.there.function(
        name if reference is None else f"{name}:{reference}"
    )
    return served


def deployed_here(
    name: str, reference: str | None = None, *, key: str | None = None
) -> DeployedFunction:
    """As ``deployed``, run by this process."""
    if reference is None:
        name, reference = split(name)
    catalog = open_catalog()
    version = catalog.version(name, reference, key)
    with open_images() as images:
        image = read_image(images, catalog, version)
    if catalog.came_from_registry(version):
        check_allowed(image.manifest)
    return DeployedFunction(version, image)


def read_image(images: Images, catalog: Catalog, version: Version) -> FunctionImage:
    """The version's image, fetched if it is not here, and checked against the catalog."""
    if images.functions.find(version.image_id) is None:
        from nbfaas.remote.distribution import fetch

        version = fetch(images, catalog, version)
    image = images.functions.read(version.image_id)
    if image.manifest.content_hash != version.content_hash:
        raise IntegrityError(
            f"the image of {version}",
            f"it has the content hash {image.manifest.content_hash[:12]} instead of "
            f"{version.content_hash[:12]}",
            "Pull it again, or deploy the function again.",
        )
    images.functions.hold(image)
    return image


class DeployedFunction(RemoteFunction[..., Any]):
    """One version of a deployed function. It has ``remote``, ``spawn``, ``map``, and can be given
    to the decorators of ``on``; it can't be called here, as its code is never loaded on the host.
    """

    def __init__(
        self, deployed: Version, image: FunctionImage, options: FunctionOptions | None = None
    ) -> None:
        self.deployed = deployed
        self._image = image
        spec = ImageSpec("function", image.image_id)
        restored = restore_options(
            deployed.name, image.manifest.options, spec, image.manifest.secrets
        )
        super().__init__(self._not_here, options or restored, deployed.name)
        self.data_schema = image.manifest.data_schema

    @property
    def manifest(self) -> FunctionManifest:
        """All that is known of it without loading it."""
        return self._image.manifest

    def version(self) -> FunctionVersion:
        if self._version is None:
            manifest = self.manifest
            self._version = FunctionVersion.make(
                self.name,
                self._image.payload,
                self.options,
                entry=manifest.entry,
                requires=manifest.requires,
                filename=manifest.filename,
                takes_context=manifest.takes_context,
            )
        return self._version

    def with_options(self, **options: Any) -> DeployedFunction:
        """The same version with other options, here only. The image can't be changed."""
        if "image" in options:
            raise NotDeployable(self.name, "its image is what was deployed", "Leave image= out.")
        return DeployedFunction(self.deployed, self._image, parse_options(self.options, options))

    def shipped(self) -> ShippingReport:
        size = len(self._image.payload)
        return ShippingReport(self.name, (ShippedItem("function", str(self.deployed), size),), size)

    def deploy(self, name: str | None = None, *, alias: str | None = None) -> Deployed:
        raise NotDeployable(
            self.name,
            "it is deployed already",
            f"Lead an alias to it: nbfaas alias {self.name} ALIAS {self.deployed.label}.",
        )

    def _not_here(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise RunsInImageOnly(self.name)

    def __reduce__(self) -> Any:
        raise RunsInImageOnly(self.name, "shipped to a sandbox")

    def _signature(self) -> str:
        return "(event)" if self.manifest.entry == "handler" else "(…)"

    def __repr__(self) -> str:
        return (
            f"<DeployedFunction {self.deployed} {self.deployed.content_hash[:12]} "
            f"in {self._image.image_id[:19]}>"
        )
