"""Manifests for tests that need no image."""

from __future__ import annotations

from nbfaas.model.function import FunctionOptions
from nbfaas.model.manifest import FunctionManifest, ImageManifest
from nbfaas.model.manifest_options import describe_options


def a_manifest(name: str = "thumb", number: int = 1, content: str = "a") -> FunctionManifest:
    """Equal ``content``, equal content hash."""
    return FunctionManifest(
        name=name,
        version=f"v{number}",
        function=name,
        entry="function",
        options=describe_options(FunctionOptions()),
        image=ImageManifest("runtime", "python", "3.11"),
        payload_hash=content * 64,
        payload_size=1,
        agent="0123456789ab",
    ).sealed()
