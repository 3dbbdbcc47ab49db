"""The configuration as a file to begin with: all keys, what they mean, and their defaults."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping

import msgspec

from nbfaas.model.allowance import Allowance
from nbfaas.server.config import ServerConfig, TokenKeys, Webhook, documented

_HEAD = """\
# The configuration of `nbfaas serve`. Each key is shown with its default.
# Tokens and secrets are never written here: keys name the environment variable or file that has
# them.
"""
_ALLOW = {
    "network": True,
    "volumes": ["/data/*"],
    "secrets": ["API_KEY"],
    "events": ["order.*"],
    "destinations": ["report-*"],
    "trust": False,
}
_TOKEN = {"role": "invoke", "env": "SHOP_TOKEN", "file": "", "name": "shop"}
_WEBHOOK = {"path": "/hooks/payments", "function": "book", "secret_env": "PAYMENTS_SECRET"}


def config_text() -> str:
    """TOML. Every key is a comment, so that it changes nothing as it is."""
    defaults = ServerConfig()
    parts = [_HEAD]
    for name, meaning in documented(ServerConfig).items():
        if name in ("allow", "tokens", "webhooks", "queue_env"):
            continue
        parts.append(f"{_comment(meaning)}# {name} = {_value(getattr(defaults, name))}\n")
    keys = documented(ServerConfig)
    parts.append(_comment(keys["allow"]) + "# [allow]\n" + _keys(Allowance, _ALLOW))
    parts.append(f'{_comment(keys["queue_env"])}# [queue_env]\n# score-queue = "ORDERS_URL"\n')
    parts.append(_table("tokens", TokenKeys, _TOKEN))
    parts.append(_table("webhooks", Webhook, _WEBHOOK))
    return "\n".join(parts)


def _table(name: str, kind: type[msgspec.Struct], examples: Mapping[str, str]) -> str:
    """One table of an array of tables, as an example."""
    return _comment(documented(ServerConfig)[name]) + f"# [[{name}]]\n" + _keys(kind, examples)


def _keys(kind: type[msgspec.Struct], examples: Mapping[str, object]) -> str:
    return "".join(
        f"{_comment(meaning)}# {key} = {_value(examples[key])}\n"
        for key, meaning in documented(kind).items()
    )


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 96))


def _value(value: object) -> str:
    return json.dumps(value)  # which TOML reads as well, for what there is
