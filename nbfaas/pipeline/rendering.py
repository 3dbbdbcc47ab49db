"""The texts of an exported folder. Pure: the same version and events, the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files

from nbfaas.errors import IntegrityError
from nbfaas.model.manifest import FunctionManifest

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]*")
_PLACE = re.compile(r"\{\{(\w+)\}\}")
IGNORED = "*\n!manifest.json\n!payload.bin\n!source.py\n"


def dockerfile(manifest: FunctionManifest, base: str, labels: dict[str, str]) -> str:
    """``base`` is the reference of the runtime's image; it is what a label of an image says, which
    anybody may have pushed. Raises ``IntegrityError``."""
    if not _REFERENCE.fullmatch(base):
        raise IntegrityError("the image", f"it has a runtime called {base!r}", "Do not use it.")
    lines = [f"LABEL {key}={_quoted(value)}" for key, value in sorted(labels.items())]
    return _filled(
        "Dockerfile",
        name=manifest.name,
        version=manifest.version,
        python=manifest.image.python,
        base=base,
        labels="\n".join(lines),
    )


def ci_script(manifest: FunctionManifest) -> str:
    return _filled("ci.sh", name=manifest.name, version=manifest.version)


def requirements(manifest: FunctionManifest) -> str:
    """Pinned, for people and for tools that look for vulnerable packages."""
    image = manifest.image
    lines = [f"# What {manifest.name} {manifest.version} runs with, on Python {image.python}."]
    lines += [f"{name}=={version}" for name, version in sorted(image.packages.items())]
    return "\n".join(lines) + "\n"


def readme(manifest: FunctionManifest, saved: Sequence[str], real: Sequence[str]) -> str:
    """``saved`` and ``real``: the names of events, by where they come from."""
    image = manifest.image
    runtime = " + ".join([image.name, *image.pip, *image.sources])
    sources = ", ".join(f"`{name}`" for name in image.sources)
    return _filled(
        "README.md",
        name=manifest.name,
        version=manifest.version,
        function=manifest.function,
        content_hash=manifest.content_hash,
        python=image.python,
        runtime=runtime,
        packages=f"{len(image.packages)}, in `requirements.txt`" if image.packages else "none",
        triggers="; ".join(f"`{each}` ({each.name})" for each in manifest.triggers) or "none",
        secrets=", ".join(f"`{name}`" for name in manifest.secrets) or "none",
        sources=f"| `sources/` | local modules: {sources} |\n" if sources else "",
        events=_events(saved, real),
    )


def _events(saved: Sequence[str], real: Sequence[str]) -> str:
    lines = [f"- `{name}`: saved in the project" for name in saved]
    lines += [f"- `{name}`: a real one, as it was accepted. Look at its data" for name in real]
    if lines:
        return "\n".join(lines)
    return (
        "None yet. Each file `events/NAME.json` is a CloudEvent, as the simulator saves it; "
        "`nbfaas test . --update` then writes what comes of it as what is expected."
    )


def _quoted(value: str) -> str:
    """As a Dockerfile wants it."""
    return json.dumps(value, ensure_ascii=False).replace("$", "\\$")


def _filled(file: str, /, **values: str) -> str:
    text = (files("nbfaas.pipeline") / "files" / file).read_text("utf-8")
    return _PLACE.sub(lambda place: values[place[1]], text)
