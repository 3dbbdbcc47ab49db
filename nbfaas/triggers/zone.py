"""Timezones by name."""

from __future__ import annotations

import difflib
import os
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from nbfaas.errors.delivery import BadTrigger

_LOCALTIME = Path("/etc/localtime")


def find_zone(kind: str, name: object) -> tuple[tzinfo, str]:
    """The timezone, and its name. ``"local"`` is this machine's. Raises ``BadTrigger``."""
    if name == "UTC":
        return UTC, "UTC"
    if name == "local":
        return _local()
    if isinstance(name, str) and (found := _by_name(name)):
        return found, name
    close = difflib.get_close_matches(str(name), available_timezones(), n=1, cutoff=0.5)
    example = close[0] if close else "Europe/Berlin"
    wanted = f"it must be 'UTC', 'local', or the name of a timezone, such as {example!r}"
    raise BadTrigger(kind, "timezone", name, wanted)


def _by_name(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: 'Europe', which is a folder
        return None


def _local() -> tuple[tzinfo, str]:
    """What ``TZ`` or /etc/localtime says: a zone with its daylight-saving rules, and not just the
    present distance from UTC."""
    if (zone := os.environ.get("TZ", "").lstrip(":")) and (found := _by_name(zone)):
        return found, zone
    _, _, name = str(_LOCALTIME.resolve()).partition("/zoneinfo/")
    if name and (found := _by_name(name)):
        return found, name
    try:
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="local"), "local"
    except (OSError, ValueError):
        return UTC, "UTC"  # as the C library does where nothing is set
