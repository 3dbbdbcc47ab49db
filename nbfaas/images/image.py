"""``Image``: says what a function's image shall have. Nothing is built before it is used."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from nbfaas.errors import ImageNotFound, OptionError
from nbfaas.images.runtimes import read_requirements, runtimes
from nbfaas.model.image import DEFAULT_RUNTIME, ImageSpec

# PEP 508, by its outline: a name, extras, then versions, a URL or a marker. uv judges the rest.
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[^\]]*\])?\s*(?:(?:[<>=!~]=|[<>;(@]).*)?"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::\d+)?/)?"
_REFERENCE = re.compile(
    rf"(?:{_HOST}{_COMPONENT}(?:/{_COMPONENT})*(?::\w[\w.-]{{0,127}})?(?:@sha256:[0-9a-f]{{64}})?"
    r"|sha256:[0-9a-f]{64})",
    re.ASCII,
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Image:
    """An image to be, immutable: each method returns another one.

    ``Image.python().pip_install("pandas").env({"MODE": "dev"})``
    """

    __slots__ = ("_spec",)

    def __init__(self, spec: ImageSpec) -> None:
        self._spec = spec

    @classmethod
    def runtime(cls, name: str) -> Image:
        """A runtime of nbfaas by its name (``nbfaas images ls``). Raises ``ImageNotFound``."""
        known = runtimes()
        if name not in known:
            raise ImageNotFound(str(name), tuple(known))
        return cls(ImageSpec("runtime", name))

    @classmethod
    def python(cls) -> Image:
        """This notebook's Python version and its standard library."""
        return cls.runtime(DEFAULT_RUNTIME)

    @classmethod
    def scientific(cls) -> Image:
        """``python`` with numpy, pandas, scipy, scikit-learn and pillow."""
        return cls.runtime("scientific")

    @classmethod
    def from_reference(cls, reference: str) -> Image:
        """Any image that has this notebook's Python minor version: ``"python:3.11-slim"``."""
        if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
            raise OptionError(
                "image", reference, "a Docker reference looks like 'python:3.11-slim'"
            )
        return cls(ImageSpec("reference", reference))

    def pip_install(self, *packages: str) -> Image:
        """Add packages, written as for pip: ``"pandas"``, ``"numpy>=2"``, ``"pkg @ https://…"``."""
        for package in packages:
            if not isinstance(package, str) or not _REQUIREMENT.fullmatch(package.strip()):
                raise OptionError(
                    "pip_install", package, "name one package per string, as in 'pandas>=2'"
                )
        more = tuple(package.strip() for package in packages)
        return self._with(pip=_without_repeats(self._spec.pip + more))

    def pip_install_from_requirements(self, path: str | os.PathLike[str]) -> Image:
        """Add the packages that a requirements file names, one a line. The file is read now."""
        try:
            lines = read_requirements(Path(path))
        except (OSError, UnicodeDecodeError) as error:
            raise OptionError("requirements", str(path), f"it can't be read: {error}") from None
        return self.pip_install(*lines)

    def add_local_python_source(self, *sources: str) -> Image:
        """Add modules of yours that pip does not know: names as in ``import``, or paths of files or
        package folders. Their content is read when the image is built."""
        found = tuple(_source_path(source) for source in sources)
        return self._with(python_sources=_without_repeats(self._spec.python_sources + found))

    def env(self, variables: Mapping[str, str]) -> Image:
        """Set environment variables in the image. Not for secrets: images show them to everyone."""
        for name, value in variables.items():
            if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
                raise OptionError("env", name, "names are made of letters, digits and underscores")
            if not isinstance(value, str) or "\0" in value:
                raise OptionError(f"env[{name!r}]", value, "give a string without NUL")
        merged = dict(self._spec.env) | dict(variables)
        return self._with(env=tuple(sorted(merged.items())))

    @property
    def spec(self) -> ImageSpec:
        """The same, as data."""
        return self._spec

    def _with(self, **changes: tuple[str, ...] | tuple[tuple[str, str], ...]) -> Image:
        return Image(replace(self._spec, **changes))  # type: ignore[arg-type]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Image) and self._spec == other._spec

    def __hash__(self) -> int:
        return hash(self._spec)

    def __repr__(self) -> str:
        spec = self._spec
        if spec.kind == "reference":
            text = f"Image.from_reference({spec.name!r})"
        elif spec.name in ("python", "scientific"):
            text = f"Image.{spec.name}()"
        else:
            text = f"Image.runtime({spec.name!r})"
        if spec.pip:
            text += f".pip_install({', '.join(map(repr, spec.pip))})"
        if spec.python_sources:
            text += f".add_local_python_source({', '.join(map(repr, spec.python_sources))})"
        return text + (f".env({dict(spec.env)!r})" if spec.env else "")


def to_spec(value: str | Image | ImageSpec | None) -> ImageSpec:
    """What ``image=`` accepts: nothing, a runtime's name, a Docker reference, an ``Image``.

    Raises ``OptionError`` for anything else. Whether the image exists is not looked up here.
    """
    if value is None:
        return ImageSpec()
    if isinstance(value, ImageSpec):
        return value
    if isinstance(value, Image):
        return value.spec
    if not isinstance(value, str):
        raise OptionError("image", value, "give a runtime's name, a Docker reference or an Image")
    if value in runtimes():
        return ImageSpec("runtime", value)
    return Image.from_reference(value).spec


def _without_repeats(items: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _source_path(source: str) -> str:
    if not isinstance(source, str):
        raise OptionError("add_local_python_source", source, "give the name or path of a module")
    path = Path(source).expanduser()
    if os.sep in source or source.endswith(".py") or source in (".", ".."):
        if path.suffix != ".py" and not path.is_dir():
            raise OptionError("add_local_python_source", source, "no such module file or folder")
        if not path.exists():
            raise OptionError("add_local_python_source", source, "there is no such file")
        return str(path.resolve())
    if "." in source:
        raise OptionError(
            "add_local_python_source", source, f"add the whole package: {source.split('.')[0]!r}"
        )
    try:
        spec = importlib.util.find_spec(source)
    except (ImportError, ValueError):
        spec = None
    if spec is not None and spec.submodule_search_locations:
        return str(Path(next(iter(spec.submodule_search_locations))).resolve())
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise OptionError(
            "add_local_python_source",
            source,
            "no Python module of this name can be imported here; give its path instead",
        )
    return str(Path(spec.origin).resolve())
