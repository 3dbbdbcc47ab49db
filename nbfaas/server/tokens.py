"""The tokens that a server lets in."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from nbfaas.errors.serve import ServerConfigError
from nbfaas.gateway.roles import Role, Token
from nbfaas.server.config import ServerConfig, TokenKeys, environment

TOKEN_FILE = "serve.token"  # noqa: S105 - its name
_SHORTEST = 16  # characters
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


def tokens_of(config: ServerConfig, file: str, data_dir: Path) -> tuple[tuple[Token, ...], str]:
    """The tokens, admins' first, and where they come from, in words. Raises
    ``ServerConfigError``."""
    found = [
        (place := f"token_env[{number}]", Token(environment(file, place, name), name=name))
        for number, name in enumerate(config.token_env)
    ]
    where = list(config.token_env)
    if config.token_file:
        found += [("token_file", Token(t)) for t in _read(file, "token_file", config.token_file)]
        where.append(config.token_file)
    for number, keys in enumerate(config.tokens):
        place = f"tokens[{number}]"
        found += [(place, token) for token in _with_role(file, place, keys)]
        where.append(keys.env or keys.file)
    if not found:
        made = data_dir / TOKEN_FILE
        return (Token(_made(made)),), str(made)
    by_text: dict[str, Token] = {}
    for place, token in found:
        if len(token) < _SHORTEST or not token.isascii() or not token.isprintable():
            wanted = f"a token is ASCII and has at least {_SHORTEST} characters"
            raise ServerConfigError(file, place, wanted)
        other = by_text.setdefault(token, token)
        if other.role is not token.role:
            problem = f"another place gives the same token the role {other.role}; choose one"
            raise ServerConfigError(file, place, problem)
    # An admin's is the one that the server's own process is told of.
    tokens = sorted(by_text.values(), key=lambda token: token.role is not Role.ADMIN)
    return tuple(tokens), ", ".join(where)


def admin_missing(tokens: tuple[Token, ...], file: str, data_dir: Path) -> str | None:
    """What to tell if none of the tokens is an admin's."""
    if any(token.role is Role.ADMIN for token in tokens):
        return None
    made = data_dir / TOKEN_FILE
    unused = f" {made}, of an earlier start, is none either." if made.exists() else ""
    return (
        "no token has the role admin, so notebooks can't connect, and nbfaas logs, dlq and others "
        f"are refused.{unused} token_env in {file} gives one."
    )


def _with_role(file: str, place: str, keys: TokenKeys) -> list[Token]:
    if bool(keys.env) == bool(keys.file):
        raise ServerConfigError(file, place, "it has env or file, which say where the token is")
    name = keys.name or keys.env or Path(keys.file).name
    if not _NAME.fullmatch(name):
        wanted = f"{name!r} is no name of 1 to 60 letters, digits and _ . -"
        raise ServerConfigError(file, f"{place}.name", wanted)
    texts = (
        [environment(file, f"{place}.env", keys.env)]
        if keys.env
        else _read(file, f"{place}.file", keys.file)
    )
    return [Token(text, Role(keys.role), name) for text in texts]


def _read(file: str, place: str, name: str) -> list[str]:
    path = Path(name).expanduser()
    try:
        lines = path.read_text("ascii").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no ASCII"
        raise ServerConfigError(file, place, f"{path} can't be read: {reason}") from None
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise ServerConfigError(file, place, f"{path} has no token")
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
