"""Deploying a function of the notebook: package, image, catalog."""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nbfaas.agent.units import format_seconds
from nbfaas.catalog import Catalog, Version
from nbfaas.catalog.names import check_alias, check_name, default_name
from nbfaas.errors import BadDeployment
from nbfaas.forking import close_in_children
from nbfaas.model.data_schema import data_schema
from nbfaas.model.function import Entry
from nbfaas.model.image import ImageSpec
from nbfaas.model.manifest import FunctionManifest, ImageManifest
from nbfaas.model.manifest_options import describe_options
from nbfaas.model.secret import secret_names
from nbfaas.packager.reproducible import Deployable, pack_reproducibly, stable_filename
from nbfaas.remote.function import HandlerFunction, RemoteFunction
from nbfaas.service import current_service
from nbfaas.settings import Settings, config

if TYPE_CHECKING:
    from nbfaas.images.builder import Images
    from nbfaas.images.built import BuiltImage

Show = Callable[[object], None]


@dataclass(frozen=True, slots=True)
class Deployed:
    """What came of a deployment. ``image`` is the tag on its machine, ``digest`` the image's id,
    which names all of its contents; ``built`` is False if there was nothing to do. ``stages`` are
    seconds: package, runtime, image, catalog. If it was deployed on a ``server``, that is its
    address, and ``served`` tells in words how it serves the function now."""

    name: str
    version: str
    content_hash: str
    image: str
    digest: str
    built: bool
    stages: dict[str, float] = field(hash=False, compare=False)
    alias: str | None = None
    server: str | None = None
    served: str = ""

    @property
    def seconds(self) -> float:
        """How long it took altogether."""
        return sum(self.stages.values())

    def __str__(self) -> str:
        what = "deployed" if self.built else "unchanged, already deployed"
        led = f", {self.alias} leads to it" if self.alias else ""
        on = f" on {self.server}" if self.server else ""
        stages = ", ".join(f"{name} {format_seconds(took)}" for name, took in self.stages.items())
        served = f". {self.served}" if self.served else ""
        took = f"in {format_seconds(self.seconds)} ({stages})"
        return f"{self.name} {self.version}{on}: {what} {took}{led}{served}"

    def __repr__(self) -> str:
        return f"<Deployed {self}>"


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A function that is to be deployed, before a runtime was made for it: its manifest has neither
    version nor packages, agent and content hash."""

    manifest: FunctionManifest
    payload: bytes = field(repr=False)
    spec: ImageSpec

    def on(self, runtime: BuiltImage) -> FunctionManifest:
        """The manifest, but for the version."""
        from nbfaas.images.agent_layer import agent_hash

        packages = dict(sorted(runtime.packages.items()))
        image = msgspec.structs.replace(
            self.manifest.image, python=runtime.python, packages=packages
        )
        return msgspec.structs.replace(self.manifest, image=image, agent=agent_hash()).sealed()


def deploy(
    function: RemoteFunction[Any, Any],
    name: str | None = None,
    *,
    alias: str | None = None,
    show: Show | None = None,
) -> Deployed:
    """See ``RemoteFunction.deploy``; ``show`` is called with the steps."""
    name = _name_for(function, name)
    if alias is not None:
        check_alias(alias)
    stages = Stages()
    with stages.of("package"):
        new = describe(function, name)
    place = current_service()
    if place is not None and place.there is not None:
        deployed: Deployed = place.there.catalog.deploy(new, alias, stages)
        return deployed
    return make_version(new, alias, stages, show or _shown_by_service(config))


def describe(function: RemoteFunction[Any, Any], name: str) -> NewVersion:
    """What is deployed. Raises what packaging raises, ``NotDeployable`` and ``ImageBuildFailed``,
    if local modules can't be read."""
    packed = _package(function)
    return NewVersion(_manifest(function, name, packed), packed.payload, function.options.image)


def make_version(new: NewVersion, alias: str | None, stages: Stages, show: Show | None) -> Deployed:
    """Find or make the version of this data folder that has these contents."""
    catalog = open_catalog()
    with open_images(show=show) as images:
        with stages.of("runtime"):
            runtime = images.ensure(new.spec)
        manifest = new.on(runtime)
        with one_at_a_time(config, manifest.name):
            found, foreign, built = standing(images, catalog, manifest.name, manifest)
            if built:
                found = _build(
                    images,
                    catalog,
                    found,
                    manifest,
                    new.payload,
                    runtime,
                    stages,
                    show,
                    anew=foreign,
                )
            elif show is not None:
                from nbfaas.images.progress import BuildProgress

                show(BuildProgress(f"{found}", 1, 1, "is there already", done=True))
    assert found is not None
    return finish(catalog, found, built, stages, alias)


def standing(
    images: Images, catalog: Catalog, name: str, manifest: FunctionManifest
) -> tuple[Version | None, bool, bool]:
    """The version that has this content already, if there is one; whether it came from a registry,
    so that nothing of its image may be taken; whether an image has to be made."""
    found = catalog.same(name, manifest.content_hash, manifest.agent)
    foreign = found is not None and catalog.came_from_registry(found)
    gone = found is None or images.functions.find(found.image_id) is None
    return found, foreign, foreign or gone


def finish(
    catalog: Catalog, found: Version, built: bool, stages: Stages, alias: str | None
) -> Deployed:
    """Lead the alias to the version that was found or built, and tell of both."""
    from nbfaas.images.function_image import reference_of

    with stages.of("catalog"):
        if catalog.came_from_registry(found):
            catalog.adopt(found)
        if alias is not None:
            catalog.set_alias(found.name, alias, found.label)
    return Deployed(
        found.name,
        found.label,
        found.content_hash,
        reference_of(found.manifest),
        found.image_id,
        built,
        stages.seconds,
        alias,
    )


class Stages:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            self.seconds[name] = self.seconds.get(name, 0.0) + took


def open_catalog(settings: Settings = config) -> Catalog:
    """The catalog of this data folder."""
    return Catalog(Path(settings.data_dir, "catalog.db"))


@contextmanager
def open_images(settings: Settings = config, show: Show | None = None) -> Iterator[Images]:
    """Images at the Docker Engine; ``show`` is told of builds. Raises ``BackendUnavailable``."""
    from nbfaas.backends.docker_options import BUILD_ROLE, OWNER_LABEL, ROLE_LABEL
    from nbfaas.backends.owner import Owner
    from nbfaas.images.connect import connected

    labels = {OWNER_LABEL: str(Owner.current()), ROLE_LABEL: BUILD_ROLE}
    with connected(settings, show, labels) as images:
        yield images


def _build(
    images: Images,
    catalog: Catalog,
    lost: Version | None,
    manifest: FunctionManifest,
    payload: bytes,
    runtime: BuiltImage,
    stages: Stages,
    show: Show | None,
    *,
    anew: bool,
) -> Version:
    """``lost`` is the version with these contents whose image was removed, or came from a registry;
    it is made again."""
    number = catalog.next_number(manifest.name) if lost is None else lost.number
    manifest = msgspec.structs.replace(manifest, version=f"v{number}")
    return build_version(images, catalog, manifest, payload, runtime, stages, show, anew=anew)


def build_version(
    images: Images,
    catalog: Catalog,
    manifest: FunctionManifest,
    payload: bytes,
    runtime: BuiltImage,
    stages: Stages,
    show: Show | None,
    *,
    anew: bool,
) -> Version:
    """Make the image of a version, and note it under the number that its manifest has. To be called
    under ``one_at_a_time``. ``anew``: though there is one, of somebody else's making."""
    if show is not None:
        from nbfaas.images.progress import BuildProgress

        name = f"{manifest.name} {manifest.version}"
        show(BuildProgress(name, 1, 1, f"adding the function to {runtime.reference}"))
    with stages.of("image"):
        image_id = images.functions.build(manifest, payload, runtime, anew=anew)
    with stages.of("catalog"):
        return catalog.add(manifest, image_id)


def _package(function: RemoteFunction[Any, Any]) -> Deployable:
    if isinstance(function, HandlerFunction):
        return Deployable(function._source.encode(), (), function._source)
    return pack_reproducibly(function._function, function.name)


def _manifest(
    function: RemoteFunction[Any, Any], name: str, packed: Deployable
) -> FunctionManifest:
    import cloudpickle

    is_handler = isinstance(function, HandlerFunction)
    return FunctionManifest(
        name=name,
        version="",
        function=function.name,
        entry=Entry.HANDLER if is_handler else Entry.FUNCTION,
        filename=stable_filename(function._filename) if is_handler else "",  # type: ignore[attr-defined]
        requires=packed.requires,
        options=describe_options(function.options),
        image=_describe_image(function.options.image),
        triggers=tuple(each.spec for each in function.triggers if each.spec is not None),
        secrets=secret_names(function.options.secrets),
        takes_context=not is_handler and function._binding().takes_context,
        data_schema=None if is_handler else data_schema(function._function),
        doc="" if is_handler else inspect.getdoc(function._function) or "",
        payload_hash=hashlib.sha256(packed.payload).hexdigest(),
        payload_size=len(packed.payload),
        source=packed.source,
        cloudpickle=str(cloudpickle.__version__),
        nbfaas=str(getattr(sys.modules["nbfaas"], "__version__", "")),
    )


def _describe_image(spec: ImageSpec) -> ImageManifest:
    from nbfaas.images.sources import Sources

    sources = Sources(str(spec), spec.python_sources)
    return ImageManifest(
        kind=spec.kind,
        name=spec.name,
        python="{}.{}".format(*sys.version_info),
        pip=spec.pip,
        sources=tuple(sorted(Path(path).name for path in spec.python_sources)),
        sources_hash=sources.hash if spec.python_sources else "",
        env=spec.env,
    )


def _name_for(function: RemoteFunction[Any, Any], name: str | None) -> str:
    if name is not None:
        return check_name(name)
    derived = default_name(function.name)
    if not derived:
        raise BadDeployment("name", function.name, "give one: function.deploy('thumb')")
    return check_name(derived)


def _shown_by_service(settings: Settings) -> Show | None:
    """Where builds are shown for calls too, if there is such a place yet."""
    if not settings.show_progress:
        return None
    service = current_service()
    if service is not None and not service.failed:
        return lambda progress: _notify(service.notify, progress)
    return lambda progress: _notify(
        lambda line: print(f"nbfaas: {line}", file=sys.stderr), progress
    )


def _notify(notify: Callable[[str], None], progress: Any) -> None:
    if not progress.done:
        notify(str(progress))


@contextmanager
def one_at_a_time(settings: Settings, name: str) -> Iterator[None]:
    """Hold the lock under which a function gets its versions, against all threads and processes
    with this data folder: numbers are given in order."""
    folder = Path(settings.data_dir, "images", "locks")
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"deploy-{name}", "ab") as file:
        close_in_children(file)
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed, even by a crash
        yield
