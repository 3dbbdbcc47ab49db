"""Which of an alias's versions a request goes to. Pure."""

from __future__ import annotations

import hashlib

from nbfaas.catalog.rows import Alias


def choose(alias: Alias, draw: float) -> int:
    """The number of the version. ``draw`` is evenly drawn from [0, 1): at random, or, so that equal
    keys (a customer, a session) always meet the same version, by ``draw_for``."""
    if alias.other is None or draw >= alias.weight:
        return alias.version
    return alias.other


def draw_for(alias: Alias, key: str) -> float:
    """A draw that depends on function, alias and key only. Raising the weight moves keys to the
    second version, and none back."""
    data = "\0".join((alias.function, alias.alias, key)).encode()
    return int.from_bytes(hashlib.sha256(data).digest()[:8]) / 2**64
