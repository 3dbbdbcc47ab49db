"""What a notebook sends to be deployed is checked before anything is built."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from manifests import a_manifest

from nbfaas.errors import BadDeployment, IntegrityError, ManifestUnreadable, NotDeployable
from nbfaas.errors.packaging import PythonMismatch
from nbfaas.images.base import HOST_PYTHON
from nbfaas.images.sources import Sources
from nbfaas.model.manifest import FunctionManifest
from nbfaas.pipeline.receiving import deploy_sent

PAYLOAD = b"never opened"


def sent(**changes: Any) -> FunctionManifest:
    manifest = a_manifest()
    image = msgspec.structs.replace(manifest.image, python=HOST_PYTHON)
    given = {"version": "", "payload_hash": hashlib.sha256(PAYLOAD).hexdigest(), "image": image}
    return msgspec.structs.replace(manifest, **{**given, **changes})


def refused(manifest: FunctionManifest, sources: dict[str, bytes] | None = None) -> str:
    """The message, by type: it ends before anything looks for Docker."""
    kinds = (BadDeployment, IntegrityError, ManifestUnreadable, NotDeployable, PythonMismatch)
    with pytest.raises(kinds) as caught:
        deploy_sent(manifest.to_json(), PAYLOAD, sources or {}, None, None)
    return f"{type(caught.value).__name__}: {caught.value}"


def changed(manifest: FunctionManifest, part: str, **changes: Any) -> FunctionManifest:
    inner = msgspec.structs.replace(getattr(manifest, part), **changes)
    return msgspec.structs.replace(manifest, **{part: inner})


def test_what_arrived_otherwise_than_it_was_sent_is_refused():
    assert "IntegrityError: what the notebook has sent as 'thumb'" in refused(
        sent(payload_hash="0" * 64)
    )
    with pytest.raises(ManifestUnreadable):
        deploy_sent(b"{}", PAYLOAD, {}, None, None)


def test_names_stay_within_their_folder():
    assert "BadDeployment: name='../thumb'" in refused(sent(name="../thumb"))
    assert "is no name of a function or module" in refused(sent(function="a/b"))
    for name in ("../evil.py", "/etc/evil.py", "a/../../evil.py", "", "a\0b"):
        assert "is no path of a module's file" in refused(sent(), {name: b""})
    assert "is no name of a function or module" in refused(
        changed(sent(), "image", sources=("../mine",))
    )


@pytest.mark.parametrize("names", [("a", "a/b.py"), ("a/b.py", "a"), ("x" * 300,)])
def test_files_that_cannot_be_beside_each_other_are_refused(names: tuple[str, ...]):
    assert "can't be written as a file" in refused(sent(), dict.fromkeys(names, b""))


def test_modules_that_are_not_those_of_the_manifest_are_refused(tmp_path: Path):
    (tmp_path / "mine.py").write_text("VALUE = 1\n")
    there = Sources("python", (str(tmp_path / "mine.py"),))
    manifest = changed(sent(), "image", sources=("mine.py",), sources_hash=there.hash)
    assert there.files == {"mine.py": b"VALUE = 1\n"}
    assert "have another hash than the manifest says" in refused(manifest, {"mine.py": b"other"})


def test_what_would_have_no_meaning_here_is_refused():
    assert "PythonMismatch" in refused(changed(sent(), "image", python="3.2"))
    assert "an image can't be of the kind 'function'" in refused(
        changed(sent(), "image", kind="function")
    )
    with pytest.raises(BadDeployment, match="alias='v1'"):
        deploy_sent(sent().to_json(), PAYLOAD, {}, "v1", None)
