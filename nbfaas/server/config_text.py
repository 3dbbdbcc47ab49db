"""The configuration as a file to begin with: all keys, what they mean, and their defaults."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping

import msgspec

from nbfaas.server.config import ServerConfig, TokenKeys, Webhook, documented

_HEAD = """\
# The configuration of `nbfaas serve`. Each key is shown with its default.
# Tokens and secrets are never written here: keys name the environment variable or file that has
# them.
"""
_TOKEN = {"role": "invoke", "env": "SHOP_TOKEN", "file": "", "name": "shop"}
_WEBHOOK = {"path": "/hooks/payments", "function": "book", "secret_env": "PAYMENTS_SECRET"}


def config_text() -> str:
    """TOML. Every key is a comment, so that it changes nothing as it is."""
    defaults = ServerConfig()
    parts = [_HEAD]
    for name, meaning in documented(ServerConfig).items():
        if name in ("tokens", "webhooks", "queue_env"):
            continue
        parts.append(f"{_comment(meaning)}# {name} = {_value(getattr(defaults, name))}\n")
    keys = documented(ServerConfig)
    parts.append(f'{_comment(keys["queue_env"])}# [queue_env]\n# score-queue = "ORDERS_URL"\n')
    parts.append(_table("tokens", TokenKeys, _TOKEN))
    parts.append(_table("webhooks", Webhook, _WEBHOOK))
    return "\n".join(parts)


def _table(name: str, kind: type[msgspec.Struct], examples: Mapping[str, str]) -> str:
    """One table of an array of tables, as an example."""
    lines = [_comment(documented(ServerConfig)[name]), f"# [[{name}]]\n"]
    for key, meaning in documented(kind).items():
        lines.append(f"{_comment(meaning)}# {key} = {_value(examples[key])}\n")
    return "".join(lines)


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 96))


def _value(value: object) -> str:
    return json.dumps(value)  # which TOML reads as well, for what there is
