"""What the commands share that ask a running server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--server`` and ``--token``."""
    server = click.option(
        "--server", metavar="URL", help="Where it is; NBFAAS_SERVER, or http://127.0.0.1:8080."
    )
    token = click.option(
        "--token", help="Its token; NBFAAS_TOKEN, or, on this machine, that of the data folder."
    )
    return server(token(command))


def read_data(text: str) -> Any:
    """JSON; ``@FILE`` reads a file, ``-`` standard input."""
    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        try:
            with open(text[1:], encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise click.ClickException(f"--data: {text[1:]} can't be read: {error}") from None
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.ClickException(
            f"--data is no JSON: {error}. Write text as '\"abc\"' and an object as '{{\"n\": 3}}'; "
            "@FILE reads a file, - standard input."
        ) from None


def shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
