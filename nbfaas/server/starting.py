"""What a server needs before it can start, and what its configuration says about that."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from nbfaas.errors import BackendUnavailable, DataFolderUnusable, EventStoreHeld
from nbfaas.errors.serve import ServerConfigError
from nbfaas.server.config import ServerConfig
from nbfaas.settings import config as settings

if TYPE_CHECKING:
    from nbfaas.service import Service
    from nbfaas.triggers.engine import EventEngine

_START_DOCKER = (
    "Start Docker Engine, and see that this user may use its socket and that DOCKER_HOST, if it is "
    "set, is right. Where functions may run with the rights of this server, NOT isolated, write "
    'backend = "process".'
)


def check_data_folder(file: str) -> None:
    """Make the folder if need be. Raises ``DataFolderUnusable``."""
    path = Path(settings.data_dir)
    fix = f"Choose one that this server may write to: data_dir in {file}, or NBFAAS_DATA_DIR."
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass  # so it can be written to
    except OSError as error:
        raise DataFolderUnusable(str(path), error.strerror or str(error), fix) from None


def open_engine(service: Service, config: ServerConfig, file: str) -> EventEngine:
    """The backend and the event store are open then. Raises ``ServerConfigError`` without Docker,
    unless it is not asked for, and ``EventStoreHeld``; both tell the keys of the configuration."""
    try:
        return service.events
    except BackendUnavailable as error:
        problem = f"{config.backend} needs Docker, and {error.reason.rstrip('.')}. {_START_DOCKER}"
        raise ServerConfigError(file, "backend", problem) from error
    except EventStoreHeld as held:
        own = f'event_store = "another-name", or another data_dir, in {file}'
        raise EventStoreHeld(held.path, held.holder, held.by_this_process, own) from None
