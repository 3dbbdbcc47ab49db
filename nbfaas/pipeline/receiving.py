"""Deploying what a notebook has sent that works on this server: nothing of it is unpickled."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from nbfaas.catalog.names import check_alias
from nbfaas.errors import IntegrityError, ManifestUnreadable
from nbfaas.model.function import Entry
from nbfaas.model.manifest import read_manifest
from nbfaas.model.manifest_options import restore_options
from nbfaas.pipeline.exported import (
    SOURCES,
    Exported,
    check_names,
    check_python,
    check_sources,
)
from nbfaas.remote.deploy import Deployed, NewVersion, Show, Stages, make_version

_SENT = "what the notebook has sent"
_AGAIN = "Deploy it again."


def deploy_sent(
    manifest: bytes,
    payload: bytes,
    sources: Mapping[str, bytes],
    alias: str | None,
    show: Show | None,
) -> Deployed:
    """Make a version of this data folder of it, as deploying the function here would: packages and
    number are this machine's to decide. ``sources``: files of local modules, by their paths.

    Raises ``ManifestUnreadable``, ``IntegrityError``, ``PythonMismatch``, ``BadDeployment``,
    ``NotDeployable``, and what deploying raises; then nothing was deployed.
    """
    if alias is not None:
        check_alias(alias)
    with tempfile.TemporaryDirectory(prefix="nbfaas-sent-") as folder:
        sent = _laid_out(Path(folder), manifest, payload, sources)
        new = NewVersion(sent.manifest, payload, sent.spec)
        return make_version(new, alias, Stages(), show)


def _laid_out(
    folder: Path, manifest: bytes, payload: bytes, sources: Mapping[str, bytes]
) -> Exported:
    """The same as an exported folder, checked."""
    found = read_manifest(manifest, _SENT)
    check_names(found, _SENT)
    if found.image.kind not in ("runtime", "reference"):
        raise ManifestUnreadable(_SENT, f"an image can't be of the kind {found.image.kind!r}")
    if hashlib.sha256(payload).hexdigest() != found.payload_hash:
        reason = "its payload has another hash than its manifest says"
        raise IntegrityError(f"{_SENT} as {found.name!r}", reason, _AGAIN)
    for name, data in sources.items():
        path = folder / SOURCES / _inside(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:  # a folder of another's name, or too long a name
            reason = f"{name[:200]!r} in it can't be written as a file: {error.strerror}"
            raise ManifestUnreadable(_SENT, reason) from None
    sent = Exported(folder, found, payload)
    if found.entry is Entry.FUNCTION:
        check_python(sent)
    check_sources(sent)
    # What it asks for has to have a meaning here: else it could never be loaded.
    restore_options(found.name, found.options, sent.spec, found.secrets)
    return sent


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name:
        raise ManifestUnreadable(_SENT, f"{name!r} in it is no path of a module's file")
    return name
