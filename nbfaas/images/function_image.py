"""Function images: a runtime's image and one layer more, with the function in it.

``/opt/nbfaas/function/`` has ``manifest.json``, ``payload.bin`` (what sandboxes load; never
unpickled on the host) and ``source.py`` (for people).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbfaas.errors import ImageNotFound, IntegrityError
from nbfaas.images.agent_layer import HOME
from nbfaas.images.built import BuiltImage
from nbfaas.images.engine import LABEL, Engine
from nbfaas.images.layer import Layer
from nbfaas.images.plan import SOURCE
from nbfaas.model.manifest import FunctionManifest, content_hash_of, read_manifest

FUNCTION = f"{HOME}/function"
OWN = "dev.nbfaas."
"""The prefix of the labels of function images, besides OCI's own."""
RUNTIME_LABEL = f"{OWN}runtime"
"""What the runtime's image was called where the function's was built."""
_REPOSITORY = "nbfaas-functions/"
_HELD = re.compile(r":v[0-9]+-[0-9a-f]{12}-[0-9a-f]{6}-([0-9a-f]{12})$")
_IDENTITY = ("function", "version", "content-hash", "agent")
_DEPLOY_AGAIN = "Deploy it again, or pull another version."


@dataclass(frozen=True, slots=True)
class FunctionImage:
    """An image of this machine that holds a function. ``image_id`` is ``sha256:…``."""

    reference: str
    image_id: str
    manifest: FunctionManifest
    payload: bytes

    def __repr__(self) -> str:
        return f"<FunctionImage {self.reference} {self.image_id[:19]}>"


class FunctionImages:
    """Makes and reads function images. Methods block.

    Data folders of a machine share images. Each gives those that it uses a name of its own, and one
    that has another folder's name is not removed. ``scratch``: a folder in the data folder.
    """

    def __init__(self, engine: Engine, scratch: Path) -> None:
        self._engine = engine
        self._scratch = scratch
        self._holder = hashlib.sha256(os.path.realpath(scratch).encode()).hexdigest()[:12]

    def __repr__(self) -> str:
        return f"<FunctionImages at {self._engine!r}>"

    def build(
        self, manifest: FunctionManifest, payload: bytes, runtime: BuiltImage, *, anew: bool = False
    ) -> str:
        """Add the function to the runtime and return the id. One with the same contents, which was
        deployed from another data folder, is taken as it is, unless it is to be made ``anew`` or a
        registry has it: it may have come from there. Raises ``ImageBuildFailed``."""
        there = None if anew else self.find(reference_of(manifest))
        if there is not None and not there["RepoDigests"] and _holds(there, manifest):
            image_id = str(there["Id"])
        else:
            image_id = self._build(manifest, payload, runtime)
        self._engine.tag(image_id, self._held(manifest))
        return image_id

    def _build(self, manifest: FunctionManifest, payload: bytes, runtime: BuiltImage) -> str:
        now = datetime.now(UTC)
        with Layer(self._scratch) as layer:
            layer.file(f"{FUNCTION}/manifest.json", manifest.to_json())
            layer.file(f"{FUNCTION}/payload.bin", payload)
            layer.file(f"{FUNCTION}/source.py", manifest.source.encode())
            return self._engine.build(
                f"{manifest.name} {manifest.version}",
                runtime.image_id,
                layer,
                tag=reference_of(manifest),
                labels={
                    **labels_of(manifest),
                    "org.opencontainers.image.created": now.isoformat(timespec="seconds"),
                    RUNTIME_LABEL: runtime.reference,
                },
            )

    def find(self, reference: str) -> dict[str, Any] | None:
        """The inspection of an image, by id, tag or digest; None if it is not here."""
        return self._engine.inspect(reference)

    def read(self, reference: str) -> FunctionImage:
        """Read the function and check it against its own hashes.

        Raises ``ImageNotFound``, ``ManifestUnreadable``, ``IntegrityError``.
        """
        found = self._engine.inspect(reference)
        if found is None:
            raise ImageNotFound(reference, detail="it is not on this machine")
        files = self._engine.files(found["Id"], FUNCTION)
        manifest = read_manifest(files.get("manifest.json", b""), f"the image {reference}")
        payload = files.get("payload.bin", b"")
        what = f"the function in the image {reference}"
        if hashlib.sha256(payload).hexdigest() != manifest.payload_hash:
            reason = "its payload has another hash than its manifest says"
            raise IntegrityError(what, reason, _DEPLOY_AGAIN)
        if content_hash_of(manifest) != manifest.content_hash:
            reason = "its manifest has another content hash than it says"
            raise IntegrityError(what, reason, _DEPLOY_AGAIN)
        return FunctionImage(reference, found["Id"], manifest, payload)

    def runtime(self, image_id: str) -> str:
        """What the runtime's image was called where the function's was built; empty if nobody has
        noted it."""
        return str(self._labels(image_id).get(RUNTIME_LABEL, ""))

    def misfit(self, image: FunctionImage) -> str | None:
        """Why the runtime below a function that somebody else has put there is not the one that its
        manifest tells of; None if it is."""
        labels, manifest = self._labels(image.image_id), image.manifest
        agent, packages = labels.get(f"{LABEL}agent"), labels.get(f"{LABEL}packages", "{}")
        if agent != manifest.agent:
            return f"its runtime has the agent {agent}, the function's is {manifest.agent}"
        if json.loads(packages) != manifest.image.packages:
            return "its runtime has other packages than the function was deployed with"
        return None

    def _labels(self, image_id: str) -> dict[str, str]:
        """Those of its runtime included."""
        found = self._engine.inspect(image_id)
        return {} if found is None else dict(found["Config"]["Labels"] or {})

    def sources(self, image_id: str) -> dict[str, bytes]:
        """The local Python sources in an image, by their path; without bytecode."""
        files = self._engine.files(image_id, SOURCE)
        return {name: data for name, data in files.items() if not name.endswith(".pyc")}

    def keep(self, image: FunctionImage) -> None:
        """Give a pulled image the names that built ones have: without one it could be pruned."""
        self._engine.tag(image.image_id, reference_of(image.manifest))
        self.hold(image)

    def hold(self, image: FunctionImage) -> None:
        """Note that this data folder uses it: no other one removes it then."""
        found = self._engine.inspect(image.image_id)
        name = self._held(image.manifest)
        if found is not None and name not in (found["RepoTags"] or ()):
            self._engine.tag(image.image_id, name)

    def _held(self, manifest: FunctionManifest) -> str:
        return f"{reference_of(manifest)}-{self._holder}"

    def forget(self, reference: str) -> None:
        """Remove one name of an image, and the image if it has no other. Raises ``ImageError``."""
        self._engine.remove(reference)

    def remove(self, image_id: str) -> bool:
        """Remove all names of an image, and the image; but only this data folder's name of it, and
        return False, if another one uses it. Raises ``ImageError`` while a container does."""
        names, others = self._names(image_id)
        if others:
            for name in names:
                if (held := _HELD.search(name)) is not None and held[1] == self._holder:
                    self._engine.remove(name)
            names, others = self._names(image_id)  # the others may have gone at the same time
        if others:
            return False
        for name in names:
            self._engine.remove(name)
        return True

    def _names(self, image_id: str) -> tuple[list[str], bool]:
        """Of an image, and whether another data folder's is among them; none if it is not here."""
        found = self._engine.inspect(image_id)
        if found is None:
            return [], False
        names = [*(found["RepoTags"] or ()), *(found["RepoDigests"] or ())]
        held = [match[1] for name in names if (match := _HELD.search(name)) is not None]
        return names, any(holder != self._holder for holder in held)


def reference_of(manifest: FunctionManifest) -> str:
    """``nbfaas-functions/thumb:v3-0123456789ab-012345``. Data folders share a Docker daemon, and
    each has a v3 of its own, so the hashes of content and agent are part of the name."""
    content = f"{manifest.content_hash[:12]}-{manifest.agent[:6]}"
    return f"{_REPOSITORY}{manifest.name}:{manifest.version}-{content}"


def _holds(found: dict[str, Any], manifest: FunctionManifest) -> bool:
    labels = found["Config"]["Labels"] or {}
    wanted = labels_of(manifest)
    return all(labels.get(f"{OWN}{key}") == wanted[f"{OWN}{key}"] for key in _IDENTITY)


def labels_of(manifest: FunctionManifest) -> dict[str, str]:
    """What an image says of the function in it, whenever and on whatever it was built."""
    return {
        "org.opencontainers.image.title": manifest.name,
        "org.opencontainers.image.description": f"The function {manifest.function}, by nbfaas.",
        "org.opencontainers.image.version": manifest.version,
        "org.opencontainers.image.revision": manifest.content_hash,
        "org.opencontainers.image.base.name": manifest.image.name,
        f"{OWN}function": manifest.name,
        f"{OWN}version": manifest.version,
        f"{OWN}content-hash": manifest.content_hash,
        f"{OWN}agent": manifest.agent,
        f"{OWN}manifest": f"{FUNCTION}/manifest.json",
        f"{OWN}manifest-schema": str(manifest.schema),
        f"{OWN}python": manifest.image.python,
        f"{OWN}nbfaas": manifest.nbfaas,
    }
