"""A damaged file: leaving it exactly as it is, or putting it aside."""

from __future__ import annotations

import time
from pathlib import Path

from nbfaas.database.transaction import Connection


def close_untouched(connection: Connection) -> None:
    """Close the connection to a damaged file, without moving the -wal's contents into it."""
    import apsw

    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.close()


def set_aside(path: Path, now: float) -> Path:
    """Rename the file with its -wal and -shm, and return its new name: ``….damaged-<when>``."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    name = f"{path.name}.damaged-{stamp}"
    number = 1
    while path.with_name(name).exists():
        number += 1
        name = f"{path.name}.damaged-{stamp}-{number}"
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(path.with_name(name + suffix))
    return path.with_name(name)
