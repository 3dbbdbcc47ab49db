"""The configuration of a server: one TOML file, each key documented where it is declared."""

from __future__ import annotations

import os
import re
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from nbfaas.errors.serve import ServerConfigError, UnknownKey
from nbfaas.model.allowance import Allowance
from nbfaas.model.session import LARGEST_LIMIT

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A path that takes signed requests (Standard Webhooks)."""

    path: Annotated[str, Meta(description="Where requests are sent: /hooks/payments.")]
    function: Annotated[
        str, Meta(description="The served function that gets them: NAME, NAME:ALIAS or NAME:vN.")
    ]
    secret_env: Annotated[
        str,
        Meta(
            description="The environment variable with the secret, whsec_…; several, with spaces "
            "in between, while one takes the place of another."
        ),
    ]


class TokenKeys(msgspec.Struct, frozen=True, kw_only=True):
    """A token with a role. Its text stands in a variable or a file."""

    role: Annotated[
        Literal["admin", "invoke", "read"],
        Meta(
            description="admin: everything. invoke: calls functions, sends events, asks for the "
            "calls it has made. read: listings and metrics, no data."
        ),
    ]
    env: Annotated[str, Meta(description="The environment variable with the token, or …")] = ""
    file: Annotated[str, Meta(description="… the file with it; several, one a line.")] = ""
    name: Annotated[
        str,
        Meta(
            description="Who brings it: tokens of one name ask for each other's calls. Empty: the "
            "variable's or the file's name."
        ),
    ] = ""


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be configured. Times are in seconds, sizes in bytes."""

    host: Annotated[
        str,
        Meta(
            description="The address to listen at. TLS is the business of a proxy in front of it."
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(description="Its port; 0: any that is free.", ge=0, le=65535)] = 8080
    token_env: Annotated[
        tuple[str, ...],
        Meta(
            description="Names of environment variables, each with a token that requests may bring "
            "(Authorization: Bearer …), of the role admin."
        ),
    ] = ()
    token_file: Annotated[
        str,
        Meta(
            description="A file with such tokens, one a line. Without any token, one is made at "
            "the first start, in DATA_DIR/serve.token."
        ),
    ] = ""
    data_dir: Annotated[
        str,
        Meta(
            description="The folder with the catalog, the events and the journal. Empty: as in "
            "notebooks, ~/.local/share/nbfaas."
        ),
    ] = ""
    backend: Annotated[
        Literal["auto", "docker", "process"],
        Meta(
            description="Where functions run. auto or docker: in containers, and without Docker "
            "nothing is started. process: with the rights of this server, NOT isolated."
        ),
    ] = "auto"
    registry: Annotated[
        str,
        Meta(
            description="Where images that are not on this machine are pulled from: "
            "host:port/prefix."
        ),
    ] = ""
    allow: Annotated[
        Allowance | None,
        Meta(
            description="What versions that were pulled from a registry may have; what asks for "
            "more is not served. What was deployed on this machine is not asked about."
        ),
    ] = None
    functions: Annotated[
        tuple[str, ...],
        Meta(
            description="What is served: NAME (its alias prod), NAME:ALIAS or NAME:vN. Empty: all "
            "that have an alias prod, also those that get it later."
        ),
    ] = ()
    prewarm: Annotated[
        int, Meta(description="Sandboxes kept started in advance for each version in use.", ge=0)
    ] = 1
    event_store: Annotated[
        str, Meta(description="The name of the store of accepted events, in DATA_DIR/events.")
    ] = "default"
    max_backlog: Annotated[
        int, Meta(description="Events that may wait; beyond, requests are told 429.", ge=1)
    ] = 200_000
    deadline: Annotated[
        float,
        Meta(
            description="Seconds that a synchronous call may take, unless it says less itself "
            "(Prefer: wait=5).",
            gt=0,
            le=900,
        ),
    ] = 30.0
    poll: Annotated[
        float,
        Meta(description="Seconds between looks for versions that were deployed.", ge=0.1, le=3600),
    ] = 1.0
    grace: Annotated[
        float,
        Meta(description="Seconds that what runs is given to end, on SIGTERM.", ge=0, le=3600),
    ] = 30.0
    stop_delay: Annotated[
        float,
        Meta(
            description="Seconds that /readyz says 503 before nothing more is let in, so that a "
            "load balancer turns away first.",
            ge=0,
            le=600,
        ),
    ] = 0.0
    session_expiry: Annotated[
        float,
        Meta(
            description="Seconds after which what a connected notebook has brought is forgotten, "
            "once its connection has broken. One that says nothing for twice as long (15 to 60 "
            "seconds) counts as broken.",
            ge=1,
            le=86_400,
        ),
    ] = 30.0
    session_limit: Annotated[
        int,
        Meta(
            description="Bytes that a connected notebook may send at once, and of a result that it "
            "gets.",
            ge=1024 * 1024,
            le=LARGEST_LIMIT,
        ),
    ] = 256 * 1024**2
    json_log: Annotated[
        str,
        Meta(
            description="A file that gets a line of JSON for each end of an invocation and each "
            "line of output, or stderr. Empty: none."
        ),
    ] = ""
    queue_env: Annotated[
        dict[str, str],
        Meta(
            description="Triggers whose queue or destination asks for a password or a token: the "
            'trigger\'s name (of a destination "NAME.on_success", "NAME.on_failure"), and the '
            "environment variable with the whole URL."
        ),
    ] = {}
    tokens: Annotated[tuple[TokenKeys, ...], Meta(description="Tokens with a role.")] = ()
    webhooks: Annotated[
        tuple[Webhook, ...], Meta(description="Paths that take signed requests.")
    ] = ()


def read_config(path: Path) -> ServerConfig:
    """Raises ``ServerConfigError``, naming file and key."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ServerConfigError(str(path), "", f"it can't be read: {reason}") from None
    return parse_config(text, str(path))


def parse_config(text: str, file: str = "nbfaas.toml") -> ServerConfig:
    """``file`` is what errors call it. Raises ``ServerConfigError``."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ServerConfigError(file, "", f"it is no TOML: {error}") from None
    _check_keys(file, "", given, ServerConfig)
    if isinstance(allow := given.get("allow"), dict):
        _check_keys(file, "allow.", allow, Allowance)
    for name, kind in (("webhooks", Webhook), ("tokens", TokenKeys)):
        for number, table in enumerate(_tables(given.get(name))):
            _check_keys(file, f"{name}[{number}].", table, kind)
    try:
        config = msgspec.convert(given, ServerConfig)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        place = place.strip("`.")
        wanted = message[:1].lower() + message[1:] + _choices(place.rpartition(".")[2])
        raise ServerConfigError(file, place or "the file", wanted) from None
    check_host(file, config.host)
    for number, webhook in enumerate(config.webhooks):
        _check_webhook(file, f"webhooks[{number}]", webhook)
    return config


def check_host(file: str, host: str) -> None:
    """Raises ``ServerConfigError`` if it is no address, nor could be a machine's name."""
    try:
        ip_address(host)
    except ValueError:
        if _HOST.fullmatch(host) is None or re.search("[A-Za-z]", host) is None:
            problem = f"{host!r} is no address; 127.0.0.1 is this machine only, 0.0.0.0 all of its "
            raise ServerConfigError(file, "host", f"{problem}networks") from None


def environment(file: str, place: str, name: str) -> str:
    """The value of an environment variable that a key names. Raises ``ServerConfigError``."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise ServerConfigError(file, place, f"the environment variable {name!r} is not set")
    return value


def documented(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What each key means."""
    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for name in kind.__struct_fields__:
        metas = [each for each in hints[name].__metadata__ if isinstance(each, Meta)]
        found[name] = metas[0].description or ""
    return found


def _choices(key: str) -> str:
    """The values that a key may have, in words, if they are few."""
    for kind in (ServerConfig, TokenKeys, Webhook):
        hint = get_type_hints(kind).get(key)
        if get_origin(hint) is Literal:
            return f"; it is one of {', '.join(map(repr, get_args(hint)))}"
    return ""


def _check_keys(file: str, place: str, given: dict[str, Any], kind: type[msgspec.Struct]) -> None:
    for key in given:
        if key not in kind.__struct_fields__:
            raise UnknownKey(file, place, key, kind.__struct_fields__)


def _tables(given: object) -> list[dict[str, Any]]:
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _check_webhook(file: str, place: str, webhook: Webhook) -> None:
    from nbfaas.triggers.http_source import RESERVED

    if not _PATH.fullmatch(webhook.path):
        wanted = f"{webhook.path!r} is no path such as '/hooks/payments'"
        raise ServerConfigError(file, f"{place}.path", wanted)
    first = webhook.path.split("/")[1]
    if first in RESERVED:
        problem = f"/{first} is the server's own; choose another first part"
        raise ServerConfigError(file, f"{place}.path", problem)
