"""The agent, as a layer that fits on top of any image with a matching Python."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cloudpickle

from nbfaas import agent
from nbfaas.images.layer import Layer, walk

HOME = "/opt/nbfaas"
SCRIPT = f"{HOME}/nbfaas_agent.py"
PRELOAD = f"{HOME}/preload.txt"
_BOOTSTRAP = f"""\
import gc

gc.disable()  # till main() has its imports: looking for garbage, where none is, takes 4 ms
from nbfaas.agent.__main__ import main

main(preload={PRELOAD!r})
""".encode()


def agent_files() -> dict[str, bytes]:
    """The agent's files by their path in the image.

    There, ``nbfaas/__init__.py`` is another one, since the agent is all there is of nbfaas.
    """
    package = Path(str(agent.__file__)).with_name("package.py")
    files = {SCRIPT: _BOOTSTRAP, f"{HOME}/nbfaas/__init__.py": package.read_bytes()}
    for name, module in (("nbfaas/agent", agent), ("cloudpickle", cloudpickle)):
        folder = Path(str(module.__file__)).parent
        for entry in walk(folder):
            if entry.suffix == ".py" and entry.is_file():
                files[f"{HOME}/{name}/{entry.relative_to(folder)}"] = entry.read_bytes()
    return files


def agent_hash() -> str:
    """12 hex digits that change whenever the agent, or the cloudpickle it uses, does."""
    digest = hashlib.sha256(str(cloudpickle.__version__).encode())
    for path, data in sorted(agent_files().items()):
        digest.update(f"\0{path}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:12]


def add_agent(layer: Layer, preload: tuple[str, ...] = ()) -> None:
    """Put the agent into a layer, and the list of modules it is to import in advance."""
    if preload:
        layer.file(PRELOAD, "\n".join(preload).encode())
    for path, data in sorted(agent_files().items()):
        layer.python(path, data)
