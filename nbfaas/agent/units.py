"""Sizes, durations and names for people, as both sides write them into messages."""

from __future__ import annotations


def format_bytes(size: int) -> str:
    """``512 MB``, ``1.5 GB``: at most one decimal, powers of 1024 as Docker's own options count."""
    amount = float(size)
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if amount < 1024 or unit == "TB":
            return f"{amount:.0f} {unit}" if amount % 1 < 0.05 else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("unreachable")


def format_seconds(seconds: float) -> str:
    """``85 µs``, ``12 ms``, ``3.4 s``, ``2 min 5 s``, ``1 h 2 min``."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def with_article(name: str) -> str:
    """``a dict``, ``an object``, ``a UUID``: the name of a type in a sentence."""
    return f"{'an' if name[:1] in set('aeioAEIO') else 'a'} {name}"
