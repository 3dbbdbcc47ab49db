"""Waiting for something to become true, instead of for a time to pass."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(is_so: Callable[[], object], seconds: float = 20) -> None:
    """Return as soon as ``is_so()`` is true. Fails when it is not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"it was not so within {seconds} s"
        time.sleep(0.01)
