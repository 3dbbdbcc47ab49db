"""nbfaas as a sandbox has it: what functions use. The rest is where the notebook runs.

In images this file is ``nbfaas/__init__.py``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {"Context": "nbfaas.agent.context", "Event": "nbfaas.agent.event"}


def __getattr__(name: str) -> Any:
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(
            f"nbfaas.{name} can't be used inside a sandbox; there are {', '.join(_WHERE)}"
        )
    return getattr(import_module(where), name)
