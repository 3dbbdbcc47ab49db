"""A folder with an exported function, as it is read: nothing of it is unpickled or run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nbfaas.catalog.names import check_name, version_number
from nbfaas.errors import IntegrityError, ManifestUnreadable, NotAnExport, RuntimeDiffers
from nbfaas.errors.packaging import PythonMismatch
from nbfaas.model.function import FunctionVersion
from nbfaas.model.image import ImageSpec
from nbfaas.model.manifest import FunctionManifest, content_hash_of, read_manifest
from nbfaas.model.manifest_options import restore_options

if TYPE_CHECKING:
    from nbfaas.images.builder import Images
    from nbfaas.images.built import BuiltImage

MANIFEST, PAYLOAD, SOURCES, EVENTS = "manifest.json", "payload.bin", "sources", "events"
_EXPORT_AGAIN = "Export the version again."


@dataclass(frozen=True, slots=True)
class Exported:
    """``folder`` is absolute. The payload has the hash that the manifest says."""

    folder: Path
    manifest: FunctionManifest
    payload: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.manifest.name} {self.manifest.version}"

    @property
    def spec(self) -> ImageSpec:
        """The runtime's image as it was asked for."""
        image = self.manifest.image
        sources = tuple(str(self.folder / SOURCES / name) for name in image.sources)
        return ImageSpec(image.kind, image.name, image.pip, sources, image.env)  # type: ignore[arg-type]

    @property
    def pinned(self) -> ImageSpec:
        """The same, with each package in the version that it was deployed with."""
        spec = self.spec
        pins = tuple(f"{name}=={version}" for name, version in self.manifest.image.packages.items())
        return ImageSpec(spec.kind, spec.name, pins, spec.python_sources, spec.env)

    def version(self, spec: ImageSpec) -> FunctionVersion:
        """What sandboxes of the image ``spec`` load."""
        manifest = self.manifest
        return FunctionVersion.make(
            manifest.name,
            self.payload,
            restore_options(manifest.name, manifest.options, spec, manifest.secrets),
            entry=manifest.entry,
            requires=manifest.requires,
            filename=manifest.filename,
            takes_context=manifest.takes_context,
        )


def is_export(place: str | Path) -> bool:
    """Whether it is meant as an exported folder: it is a folder."""
    return Path(place).expanduser().is_dir()


def read_export(place: str | Path) -> Exported:
    """Raises ``NotAnExport``, ``ManifestUnreadable``, ``BadDeployment``; ``IntegrityError`` if the
    payload or the manifest was changed."""
    folder = Path(place).expanduser().resolve()
    manifest = read_manifest(_read(folder, MANIFEST), str(folder / MANIFEST))
    payload = _read(folder, PAYLOAD)
    if hashlib.sha256(payload).hexdigest() != manifest.payload_hash:
        reason = "its payload has another hash than its manifest says"
        raise IntegrityError(str(folder / PAYLOAD), reason, _EXPORT_AGAIN)
    if content_hash_of(manifest) != manifest.content_hash:
        reason = "it has another content hash than it says"
        raise IntegrityError(str(folder / MANIFEST), reason, _EXPORT_AGAIN)
    where = str(folder / MANIFEST)
    check_names(manifest, where)
    if version_number(manifest.version) is None:
        raise ManifestUnreadable(where, f"its version is {manifest.version!r}")
    return Exported(folder, manifest, payload)


def check_names(manifest: FunctionManifest, where: str) -> None:
    """They become parts of paths. Raises ``ManifestUnreadable``, ``BadDeployment``."""
    check_name(manifest.name)
    for name in (manifest.function, *manifest.image.sources):
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise ManifestUnreadable(where, f"{name!r} in it is no name of a function or module")


def check_python(exported: Exported) -> None:
    """Raises ``PythonMismatch`` if its bytecode is that of another Python than this one."""
    from nbfaas.images.base import HOST_PYTHON

    if exported.manifest.image.python != HOST_PYTHON:
        raise PythonMismatch(str(exported), exported.manifest.image.python, HOST_PYTHON)


def runtime_of(images: Images, exported: Exported) -> tuple[ImageSpec, BuiltImage]:
    """The runtime's image with the packages that the function was deployed with; built if it is
    not here. Raises ``RuntimeDiffers``, ``PythonMismatch``, ``IntegrityError``, ``ImageError``."""
    check_python(exported)
    check_sources(exported)
    wanted = dict(exported.manifest.image.packages)
    spec = exported.spec
    built = images.ensure(spec)
    if built.packages != wanted and wanted:
        # A newer release has come out since: ask for those versions by number.
        spec = exported.pinned
        built = images.ensure(spec)
    if built.packages != wanted:
        raise RuntimeDiffers(str(exported), _differences(wanted, built.packages))
    return spec, built


def check_sources(exported: Exported) -> None:
    """Raises ``IntegrityError`` if they are not those that the manifest is about."""
    image = exported.manifest.image
    if not image.sources:
        return
    from nbfaas.images.sources import Sources

    if Sources(str(exported), exported.spec.python_sources).hash != image.sources_hash:
        raise IntegrityError(
            str(exported.folder / SOURCES),
            "its files have another hash than the manifest says",
            _EXPORT_AGAIN,
        )


def _differences(wanted: dict[str, str], there: dict[str, str]) -> list[str]:
    found = []
    for name in sorted({*wanted, *there}):
        one, other = wanted.get(name), there.get(name)
        if one != other:
            found.append(f"{name} is {other or 'not there'} instead of {one or 'not there'}")
    return found


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise NotAnExport(str(folder), f"there is no {name}") from None
    except OSError as error:
        raise NotAnExport(str(folder), f"{name} can't be read: {error.strerror}") from None
