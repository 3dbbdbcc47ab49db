"""Which image a runtime is built on.

In this order: the user's setting; ``python:X.Y-slim`` of this interpreter's X.Y if it is on this
machine; the image made from this very interpreter if it has been made before; ``python:X.Y-slim``
from its registry if one answers within seconds; an image made from this very interpreter.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbfaas.errors import ImageNotFound, PythonMismatch
from nbfaas.images import interpreter
from nbfaas.images.engine import LABEL, Engine
from nbfaas.images.layer import Layer
from nbfaas.settings import Settings

HOST_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True)
class Base:
    """``identity`` names the content; ``image_id`` is None while it has yet to be made."""

    name: str
    identity: str
    image_id: str | None


class Bases:
    """Finds, pulls or makes base images."""

    def __init__(self, engine: Engine, settings: Settings, scratch: Path) -> None:
        self._engine = engine
        self._settings = settings
        self._scratch = scratch
        self._unreachable: str | None = None

    def __repr__(self) -> str:
        return f"<Bases for Python {HOST_PYTHON}>"

    def present(self) -> Base:
        """The base that would be used without asking a registry, except for the user's setting."""
        if self._settings.base_image:
            return self.reference(self._settings.base_image, _quiet)
        slim = f"python:{HOST_PYTHON}-slim"
        found = self._engine.inspect(slim)
        if found is not None:
            return Base(slim, found["Id"], found["Id"])
        identity = f"interpreter-{interpreter.interpreter_key()}"
        return Base("this interpreter", identity, self._engine.find_layer(identity))

    def obtain(self, present: Base, say: Callable[[str], None]) -> Base:
        """Make sure the base exists; ``present`` is what the method of that name returned.

        Raises ``ImageNotFound``, ``ImageBuildFailed``.
        """
        if present.image_id is not None:
            return present
        slim = f"python:{HOST_PYTHON}-slim"
        if self._settings.pull and self._unreachable is None:
            try:
                return self.reference(slim, say)
            except ImageNotFound as error:
                self._unreachable = str(error)  # not asked again for the life of this process
        if not interpreter.available():
            raise ImageNotFound(
                slim, detail="and only a Linux interpreter can be made into an image"
            )
        say(f"making an image from this interpreter, Python {HOST_PYTHON}")
        with Layer(self._scratch) as layer:
            interpreter.fill(layer)
            made = self._engine.build(
                present.name,
                None,
                layer,
                labels={f"{LABEL}layer": present.identity, f"{LABEL}python": HOST_PYTHON},
                env=interpreter.ENVIRONMENT,
            )
        return Base(present.name, present.identity, made)

    def reference(self, reference: str, say: Callable[[str], None]) -> Base:
        """An image by its name, local or pulled. Raises ``ImageNotFound``, ``PythonMismatch``."""
        found = self._engine.inspect(reference)
        if found is None:
            if not self._settings.pull:
                raise ImageNotFound(reference, detail="and nbfaas.config.pull is off")
            found = self._engine.pull(reference, say)
        declared = _declared_python(found)
        if declared is not None and declared != HOST_PYTHON:
            raise PythonMismatch(reference, declared, HOST_PYTHON)
        return Base(reference, found["Id"], found["Id"])


def _declared_python(inspection: dict[str, object]) -> str | None:
    """The minor version that an image says it has, as the official images do."""
    config = inspection.get("Config")
    config = config if isinstance(config, dict) else {}
    label = (config.get("Labels") or {}).get(f"{LABEL}python")
    for line in config.get("Env") or ():
        name, _, value = line.partition("=")
        if name == "PYTHON_VERSION" and label is None:
            label = ".".join(value.split(".")[:2])
    return str(label) if label else None


def _quiet(message: str) -> None:
    del message
