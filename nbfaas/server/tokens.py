"""The tokens that a server lets in."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from nbfaas.errors.serve import ServerConfigError
from nbfaas.server.config import ServerConfig, environment

TOKEN_FILE = "serve.token"  # noqa: S105 - its name
_SHORTEST = 16  # characters


def tokens_of(config: ServerConfig, file: str, data_dir: Path) -> tuple[tuple[str, ...], str]:
    """The tokens, and where they come from, in words. Raises ``ServerConfigError``."""
    found = [
        (f"token_env[{number}]", environment(file, f"token_env[{number}]", name))
        for number, name in enumerate(config.token_env)
    ]
    where = list(config.token_env)
    if config.token_file:
        found += [
            ("token_file", token) for token in _read(file, Path(config.token_file).expanduser())
        ]
        where.append(config.token_file)
    if not found:
        made = data_dir / TOKEN_FILE
        return (_made(made),), str(made)
    for place, token in found:
        if len(token) < _SHORTEST or not token.isascii() or not token.isprintable():
            wanted = f"a token is ASCII and has at least {_SHORTEST} characters"
            raise ServerConfigError(file, place, wanted)
    return tuple(dict.fromkeys(token for _, token in found)), ", ".join(where)


def _read(file: str, path: Path) -> list[str]:
    try:
        lines = path.read_text("ascii").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no ASCII"
        raise ServerConfigError(file, "token_file", f"{path} can't be read: {reason}") from None
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise ServerConfigError(file, "token_file", f"{path} has no token")
    return found


def _made(path: Path) -> str:
    """The token of this data folder; made at the first start."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
            new.write(secrets.token_urlsafe(24) + "\n")
    except FileExistsError:
        pass  # of an earlier start
    return path.read_text("ascii").strip()
