"""The configuration as a file to begin with: all keys, what they mean, and their defaults."""

from __future__ import annotations

import json
import textwrap

from nbfaas.server.config import ServerConfig, Webhook, documented

_HEAD = """\
# The configuration of `nbfaas serve`. Each key is shown with its default.
# Tokens and secrets are never written here: keys name the environment variable or file that has
# them.
"""


def config_text() -> str:
    """TOML. Every key is a comment, so that it changes nothing as it is."""
    defaults = ServerConfig()
    parts = [_HEAD]
    for name, meaning in documented(ServerConfig).items():
        if name in ("webhooks", "queue_env"):
            continue
        parts.append(f"{_comment(meaning)}# {name} = {_value(getattr(defaults, name))}\n")
    keys = documented(ServerConfig)
    parts.append(f'{_comment(keys["queue_env"])}# [queue_env]\n# score-queue = "ORDERS_URL"\n')
    examples = {"path": "/hooks/payments", "function": "book", "secret_env": "PAYMENTS_SECRET"}
    lines = [_comment(keys["webhooks"]), "# [[webhooks]]\n"]
    for name, meaning in documented(Webhook).items():
        lines.append(f"{_comment(meaning)}# {name} = {_value(examples[name])}\n")
    parts.append("".join(lines))
    return "\n".join(parts)


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, 96))


def _value(value: object) -> str:
    return json.dumps(value)  # which TOML reads as well, for what there is
