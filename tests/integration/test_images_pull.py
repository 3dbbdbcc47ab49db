"""Images from a registry: a small one on this machine, and one that never answers."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import tarfile
import time
from collections.abc import Iterator
from typing import ClassVar

import pytest
from web_answers import Answers, serving

from nbfaas.errors import ImageNotFound, PythonMismatch
from nbfaas.images.builder import Images
from nbfaas.images.progress import BuildProgress
from nbfaas.model.image import ImageSpec
from nbfaas.settings import Settings

pytestmark = pytest.mark.docker
_TYPES = "application/vnd.docker."


def _layer() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    return file.getvalue()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Registry(Answers):
    """Serves one image, ``old:1``, which says that it has Python 3.8."""

    layer = _layer()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PYTHON_VERSION=3.8.20"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{_TYPES}distribution.manifest.v2+json",
            "config": {
                "mediaType": f"{_TYPES}container.image.v1+json",
                "size": len(config),
                "digest": _digest(config),
            },
            "layers": [
                {
                    "mediaType": f"{_TYPES}image.rootfs.diff.tar",
                    "size": len(layer),
                    "digest": _digest(layer),
                }
            ],
        }
    ).encode()
    files: ClassVar[dict[str, tuple[str, bytes]]] = {
        "/v2/": ("application/json", b"{}"),
        "/v2/old/manifests/1": (f"{_TYPES}distribution.manifest.v2+json", manifest),
        f"/v2/old/manifests/{_digest(manifest)}": (
            f"{_TYPES}distribution.manifest.v2+json",
            manifest,
        ),
        f"/v2/old/blobs/{_digest(config)}": ("application/octet-stream", config),
        f"/v2/old/blobs/{_digest(layer)}": ("application/octet-stream", layer),
    }

    def do_GET(self) -> None:
        kind, data = self.files.get(self.path, ("", b""))
        headers = {"Content-Type": kind, "Docker-Content-Digest": _digest(data)}
        self.answer(200 if kind else 404, data, headers)

    do_HEAD = do_GET


@pytest.fixture
def registry() -> Iterator[str]:
    with serving(Registry) as host:
        yield host


def test_an_image_is_pulled_and_then_judged(registry, client, tmp_path):
    said: list[BuildProgress] = []
    reference = f"{registry}/old:1"
    images = Images(client, Settings(data_dir=str(tmp_path)), said.append)
    with pytest.raises(PythonMismatch, match=r"has Python 3\.8"):
        images.ensure(ImageSpec("reference", reference))
    client.images.remove(reference)
    assert [progress.message for progress in said] == [f"pulling {reference}"]


def test_an_image_that_the_registry_lacks_is_not_found(registry, client, tmp_path):
    images = Images(client, Settings(data_dir=str(tmp_path)))
    with pytest.raises(ImageNotFound, match="new:1"):
        images.ensure(ImageSpec("reference", f"{registry}/new:1"))


def test_nothing_is_pulled_where_the_user_said_so(registry, client, tmp_path):
    images = Images(client, Settings(data_dir=str(tmp_path), pull=False))
    with pytest.raises(ImageNotFound, match=r"nbfaas\.config\.pull is off"):
        images.ensure(ImageSpec("reference", f"{registry}/old:1"))


def test_a_registry_that_never_answers_is_given_up_within_seconds(client, tmp_path):
    images = Images(client, Settings(data_dir=str(tmp_path)))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reference = f"localhost:{silent.getsockname()[1]}/a/b:1"
        began = time.monotonic()
        with pytest.raises(ImageNotFound, match="did not answer within 4 s"):
            images.ensure(ImageSpec("reference", reference))
        assert time.monotonic() - began < 15
