"""What an image's Python is, found by running it once; remembered by the image's id."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nbfaas.errors import ImageBuildFailed
from nbfaas.images.engine import Engine

_SCRIPT = """
import json, os, sys, sysconfig
from importlib.metadata import distributions
libc = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None
print(json.dumps({
    "python": "%d.%d" % sys.version_info[:2],
    "interpreter": sys.executable,
    "site": sysconfig.get_path("purelib"),
    "machine": os.uname().machine,
    "glibc": libc.split()[-1] if libc else None,
    "packages": {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]},
}))
"""
_COMMANDS = ("python3", "python", "/usr/local/bin/python3", "/opt/conda/bin/python3")


@dataclass(frozen=True, slots=True)
class Probe:
    """``site`` is the folder whose ``.pth`` files the interpreter reads. ``glibc`` is None where
    the C library is another one; ``packages`` maps names of distributions to versions."""

    python: str
    interpreter: str
    site: str
    machine: str
    glibc: str | None
    packages: dict[str, str] = field(default_factory=dict, hash=False)


def probe(engine: Engine, image: str, image_id: str, memory: Path) -> Probe:
    """Look at the Python of an image. ``memory`` is a folder for the answers of earlier times.

    Raises ``ImageBuildFailed`` if the image has no Python that runs without rights or network.
    """
    kept = memory / f"{image_id.partition(':')[2][:24]}.json"
    try:
        return Probe(**json.loads(kept.read_bytes()))
    except (OSError, ValueError, TypeError):
        pass  # never looked at, or written by another version of nbfaas
    said = ""
    for command in _COMMANDS:
        code, out, err = engine.run(image_id, [command, "-I", "-c", _SCRIPT])
        if code == 0:
            found = Probe(**json.loads(out))
            memory.mkdir(parents=True, exist_ok=True)
            partial = kept.with_suffix(f".{os.getpid()}")
            partial.write_text(json.dumps(asdict(found)))
            partial.replace(kept)
            return found
        said = err if code != 127 or not said else said
    raise ImageBuildFailed(image, "looking for a Python that runs in it", said)
