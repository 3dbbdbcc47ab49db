"""The user's own pip settings, in uv's words: which indexes to ask, with which certificates."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

_SECTIONS = ("global", "install")
_WANTED = (
    "index-url", "extra-index-url", "find-links", "no-index", "cert", "client-cert", "trusted-host",
    "proxy",
)  # fmt: skip


def config_files(environ: Mapping[str, str]) -> list[Path]:
    """pip's configuration files on this machine, the weaker ones first."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return []
    home = Path(environ.get("HOME") or Path.home())
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf"]
    files += [user / "pip/pip.conf", Path(sys.prefix, "pip.conf")]
    return files + ([Path(chosen)] if chosen else [])


def pip_settings(environ: Mapping[str, str], files: Iterable[Path]) -> dict[str, str]:
    """The settings that matter for installing, by pip's own names; variables win over files."""
    found: dict[str, str] = {}
    for path in files:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip would refuse to run; this is only about finding packages
        for section in _SECTIONS:
            if parser.has_section(section):
                found |= {k.replace("_", "-"): v for k, v in parser.items(section)}
    for name in _WANTED:
        if value := environ.get(f"PIP_{name.upper().replace('-', '_')}"):
            found[name] = value
    return {name: value for name, value in found.items() if name in _WANTED}


def uv_environment(settings: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that make uv look where pip would; what the user has set for uv wins.

    Places on this machine that do not exist are left out: uv refuses them, pip does not.
    """
    wanted: dict[str, str] = {}
    if index := _existing(settings.get("index-url", "")):
        wanted["UV_DEFAULT_INDEX"] = index[0]
    if extra := _existing(settings.get("extra-index-url", "")):
        wanted["UV_INDEX"] = " ".join(extra)
        # As pip does: the best version of all indexes, not that of the first that has the name.
        wanted["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if links := _existing(settings.get("find-links", "")):
        wanted["UV_FIND_LINKS"] = ",".join(links)
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        wanted["UV_NO_INDEX"] = "1"
    if hosts := settings.get("trusted-host", "").split():
        wanted["UV_INSECURE_HOST"] = " ".join(hosts)
    if (cert := settings.get("cert", "")) and os.path.isfile(cert):
        wanted["SSL_CERT_FILE"] = cert
    if (cert := settings.get("client-cert", "")) and os.path.isfile(cert):
        wanted["SSL_CLIENT_CERT"] = cert
    if proxy := settings.get("proxy"):
        wanted["ALL_PROXY"] = proxy
    return {name: value for name, value in wanted.items() if name not in environ}


def _existing(places: str) -> list[str]:
    return [place for place in places.split() if _exists(place)]


def _exists(place: str) -> bool:
    parts = urlsplit(place)
    if parts.scheme == "file":
        return os.path.exists(unquote(parts.path))
    return bool(parts.scheme) or os.path.exists(place)
