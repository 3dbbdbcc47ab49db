"""The images of functions that tests deploy: found, and removed, by a prefix of the names."""

from __future__ import annotations

import os
import time
from typing import Any

import docker

from nbfaas.images.function_image import OWN

LABEL = f"{OWN}function"
PREFIX = f"t{os.getpid()}-"
"""What functions are deployed as in tests begins with it: others use the same daemon."""


def images_of(client: docker.DockerClient, prefix: str = PREFIX) -> list[dict[str, Any]]:
    """Summaries of the function images that this test process has deployed or pulled."""
    found = client.api.images(filters={"label": LABEL})
    return [each for each in found if each["Labels"][LABEL].startswith(prefix)]


def remove_images(client: docker.DockerClient, prefix: str = PREFIX) -> None:
    """Once the sandboxes that use them, and were told to end, have done so."""
    deadline = time.monotonic() + 30
    while found := images_of(client, prefix):
        for image in found:
            try:
                client.api.remove_image(image["Id"], force=True)
            except docker.errors.APIError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
