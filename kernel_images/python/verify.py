"""Runs inside the built image and checks it: exit code 0, or 1 and what is wrong.

python3 verify.py
"""

from __future__ import annotations

import importlib
import platform
import sys
import tempfile

# The modules that need a shared library of the system, and so may be missing from an image.
NATIVE = (
    "bz2", "ctypes", "curses", "decimal", "hashlib", "lzma", "multiprocessing", "readline",
    "sqlite3", "ssl", "uuid", "zlib", "zoneinfo",
)  # fmt: skip


def problems() -> list[str]:
    """Everything that does not work, in words."""
    found = []
    for name in NATIVE:
        try:
            importlib.import_module(name)
        except ImportError as error:
            found.append(f"module {name}: {error}")
    if found:
        return found

    import ctypes
    import hashlib
    import sqlite3
    import ssl
    import zoneinfo

    if hashlib.sha256(b"nbfaas").hexdigest()[:8] != "5d42c235":
        found.append("sha256 gives a wrong digest")
    if sqlite3.connect(":memory:").execute("select 6 * 7").fetchone() != (42,):
        found.append("sqlite can't multiply")
    if ctypes.CDLL(None).abs(-42) != 42:
        found.append("ctypes can't call libc")
    if not ssl.create_default_context().cert_store_stats()["x509_ca"]:
        found.append("there are no CA certificates")
    try:
        zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        found.append("there are no time zones")
    with tempfile.TemporaryFile() as file:
        file.write(b"scratch")
    return found


if __name__ == "__main__":
    print(f"python {platform.python_version()} at {sys.executable}")
    if wrong := problems():
        sys.exit("\n".join(wrong))
    print("the runtime python works")
