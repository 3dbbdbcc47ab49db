"""How long to wait before something is tried again."""

from __future__ import annotations


def grown_delay(initial: float, coefficient: float, retry: int, most: float) -> float:
    """Seconds before a retry (from 1): ``initial * coefficient ** (retry - 1)``, never more than
    ``most``. Retries and coefficients may be so many and so large that no float holds that."""
    if not initial:
        return 0.0
    try:
        return min(initial * coefficient ** (retry - 1), most)
    except OverflowError:
        return most
