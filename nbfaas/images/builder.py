"""``Images``: makes sure that an image exists, building it from layers if need be."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nbfaas.errors import ImageNotFound, PythonMismatch
from nbfaas.forking import close_in_children
from nbfaas.images.agent_layer import add_agent, agent_hash
from nbfaas.images.base import HOST_PYTHON, Base, Bases
from nbfaas.images.built import BuiltImage, ImageInfo
from nbfaas.images.engine import LABEL, Engine
from nbfaas.images.function_image import FunctionImages
from nbfaas.images.layer import Layer
from nbfaas.images.packages import Packages, Resolution
from nbfaas.images.plan import ADDED, SITE, SOURCE, Plan, layer_key
from nbfaas.images.probe import Probe, probe
from nbfaas.images.progress import Notify, Steps
from nbfaas.images.runtimes import Runtime, runtimes
from nbfaas.images.sources import Sources
from nbfaas.model.image import ImageSpec
from nbfaas.settings import Settings

if TYPE_CHECKING:
    import docker

    from nbfaas.images.registry import Address, Registry


class Images:
    """Builds, lists and removes images. Methods block; they may be called from any thread.

    Equal images are built once, whichever thread or process asks first: tags are named by content,
    and a lock file in ``settings.data_dir`` lets one build at a time have a tag.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        settings: Settings,
        notify: Notify | None = None,
        container_labels: Mapping[str, str] | None = None,
    ) -> None:
        """``container_labels`` are put on the short-lived containers of builds, so that those of a
        killed process can be told and swept; ``notify`` is called from the building thread."""
        self._folder = Path(settings.data_dir, "images")
        self._engine = Engine(client, container_labels or {})
        self._bases = Bases(self._engine, settings, self._folder)
        self._notify = notify

    def __repr__(self) -> str:
        return f"<Images at {self._engine!r}, caches in {self._folder}>"

    def ensure(self, spec: ImageSpec) -> BuiltImage:
        """Return the image, building what of it is missing. A hit takes some milliseconds.

        Raises ``ImageNotFound``, ``PythonMismatch``, ``ImageBuildFailed``, ``BackendUnavailable``.
        """
        if spec.kind == "function":
            return self._function_image(spec)
        runtime = self._runtime(spec)
        requirements = runtime.requirements if runtime else ()
        preload = runtime.preload if runtime else ()
        sources = Sources(str(spec), spec.python_sources)
        agent = agent_hash()
        quiet: Callable[[str], None] = Steps(str(spec), 1, self._notify).say
        base = self._base(spec, quiet)

        def plan_on(base: Base) -> Plan:
            content = sources.hash if spec.python_sources else ""
            return Plan(spec, base.identity, requirements, content, agent, preload)

        plan = plan_on(base)
        if (found := self._built(plan.tag)) is not None:
            return found
        with self._lock(plan.tag):
            if (found := self._built(plan.tag)) is not None:
                return found  # another thread or process has built it meanwhile
            steps = Steps(str(spec), plan.steps, self._notify)
            steps.begin(f"base: {base.name}")
            with self._lock("base"):
                base = self._bases.obtain(self._base(spec, quiet), steps.say)
            plan = plan_on(base)
            if (found := self._built(plan.tag)) is None:
                self._build(plan, base, sources, steps)
                found = self._built(plan.tag)
            if found is None:
                raise ImageNotFound(plan.tag, detail="it was built, and removed at once")
            steps.finish(f"{found.reference} is ready")
            return found

    def list(self) -> list[ImageInfo]:
        """The images that nbfaas has built on this machine, the newest first."""
        agent = agent_hash()
        found = [
            ImageInfo.from_summary(tag, image, agent)
            for image in self._engine.images()
            for tag in image["RepoTags"]
            if tag.startswith("nbfaas/")
        ]
        return sorted(found, key=lambda info: info.created, reverse=True)

    def remove(self, name: str) -> tuple[str, ...]:
        """Remove images by the name of their runtime, or one by its tag; return the tags removed.

        Layers that nothing else needs go with them. Raises ``ImageNotFound`` if there is none, and
        ``ImageError`` while a container uses one.
        """
        images = self.list()
        chosen = [image.reference for image in images if name in (image.reference, image.runtime)]
        if not chosen:
            raise ImageNotFound(name, tuple(sorted({image.runtime for image in images})))
        for reference in chosen:
            self._engine.remove(reference)
        return tuple(chosen)

    @property
    def functions(self) -> FunctionImages:
        """The images of deployed functions, at the same daemon."""
        return FunctionImages(self._engine, self._folder)

    def registry(self, address: Address) -> Registry:
        """A registry that this daemon pushes to and pulls from; to be closed (``with``)."""
        from nbfaas.images.registry import Registry

        return Registry(self._engine, address)

    def _function_image(self, spec: ImageSpec) -> BuiltImage:
        found = self._built(spec.name)
        if found is None:
            detail = "the image of a deployed function; deploy or pull it again"
            raise ImageNotFound(spec.name, detail=detail)
        return found

    def _runtime(self, spec: ImageSpec) -> Runtime | None:
        if spec.kind == "reference":
            return None
        known = runtimes()
        if spec.name not in known:
            raise ImageNotFound(spec.name, tuple(known))
        return known[spec.name]

    def _base(self, spec: ImageSpec, say: Callable[[str], None]) -> Base:
        if spec.kind == "runtime":
            return self._bases.present()
        try:
            return self._bases.reference(spec.name, say)
        except ImageNotFound as error:
            raise ImageNotFound(spec.name, tuple(runtimes()), error.detail) from None

    def _built(self, tag: str) -> BuiltImage | None:
        found = self._engine.inspect(tag)
        return None if found is None else BuiltImage.from_inspection(tag, found)

    def _build(self, plan: Plan, base: Base, sources: Sources, steps: Steps) -> None:
        spec, name = plan.spec, str(plan.spec)
        image = str(base.image_id)
        there = probe(self._engine, base.name, image, self._folder / "probes")
        if there.python != HOST_PYTHON:
            raise PythonMismatch(base.name, there.python, HOST_PYTHON)
        packages = Packages(name, self._folder, there)
        have, installed = dict(there.packages), dict[str, str]()
        wanted: tuple[str, ...] = ()
        for more, target in ((plan.requirements, SITE), (spec.pip, ADDED)):
            if more:
                wanted += more
                steps.begin(f"resolving {', '.join(more)}")
                resolution = packages.resolve(wanted, have)
                image = self._packages_layer(name, image, packages, resolution, target, steps)
                have |= resolution.packages
                installed |= resolution.packages
        if plan.sources:
            steps.begin("adding local Python sources")
            image = self._layer(
                name, image, "sources", plan.sources, lambda layer: sources.fill(layer, SOURCE)
            )
        steps.begin("adding the agent")
        self._finish(plan, image, there, installed)

    def _packages_layer(
        self,
        name: str,
        parent: str,
        packages: Packages,
        resolution: Resolution,
        target: str,
        steps: Steps,
    ) -> str:
        def fill(layer: Layer) -> None:
            steps.say(f"installing {resolution}: {', '.join(sorted(resolution.packages))}")
            with packages.install(resolution) as folder:
                steps.say(f"adding {resolution} to the image")
                layer.tree(target, folder)

        if not resolution.lines:
            return parent
        return self._layer(name, parent, target, resolution.hash, fill)

    def _layer(
        self, name: str, parent: str, kind: str, content: str, fill: Callable[[Layer], None]
    ) -> str:
        """The id of ``parent`` plus a layer, built unless there is one with this content."""
        key = layer_key(parent, kind, content)
        with self._lock(key):
            found = self._engine.find_layer(key)
            if found is not None:
                return found
            with Layer(self._folder) as layer:
                fill(layer)
                return self._engine.build(name, parent, layer, labels={f"{LABEL}layer": key})

    def _finish(self, plan: Plan, parent: str, there: Probe, installed: dict[str, str]) -> None:
        with Layer(self._folder) as layer:
            add_agent(layer, plan.preload)
            if (path_file := plan.path_file(there)) is not None:
                layer.file(*path_file)
            self._engine.build(
                str(plan.spec),
                parent,
                layer,
                tag=plan.tag,
                labels=plan.labels(there, installed),
                env=dict(plan.spec.env),
                entrypoint=plan.entrypoint(there),
            )

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        """Hold the lock of this name against all threads and processes with this data folder."""
        folder = self._folder / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / re.sub(r"[^\w.-]", "_", name), "ab") as file:
            close_in_children(file)
            fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed, even by a crash
            yield
