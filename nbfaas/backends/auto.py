"""Which backend to use, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbfaas.backends.base import Backend
from nbfaas.backends.docker_options import BUILD_ROLE, OWNER_LABEL, ROLE_LABEL
from nbfaas.backends.owner import Owner
from nbfaas.errors import BackendUnavailable
from nbfaas.settings import Settings


async def choose_backend(
    settings: Settings, notify: Callable[[Any], None] | None = None
) -> tuple[Backend, str]:
    """Open the backend that ``settings.backend`` asks for; return it, and a sentence for the user.

    ``notify`` is told of the steps of image builds. Raises ``BackendUnavailable`` if Docker was
    asked for by name and does not answer.
    """
    if settings.backend == "process":
        return await _process(settings, "as nbfaas.config.backend asks")

    labels = {OWNER_LABEL: str(Owner.current()), ROLE_LABEL: BUILD_ROLE}

    def make_images(client: Any) -> Any:
        from nbfaas.images.builder import Images

        return Images(client, settings, notify, labels)

    from nbfaas.backends.docker import DockerBackend

    backend = DockerBackend(settings, make_images)
    try:
        await backend.open()
    except BackendUnavailable as error:
        await backend.close()
        if settings.backend == "docker":
            raise
        return await _process(settings, f"because {error}")
    return backend, "Functions run in Docker containers on this machine."


async def _process(settings: Settings, because: str) -> tuple[Backend, str]:
    from nbfaas.backends.process import ProcessBackend

    backend = ProcessBackend(settings)
    await backend.open()
    return backend, (
        "Functions run in processes of this machine, NOT isolated from your files, network and "
        f"other processes, {because.rstrip('.')}."
    )
