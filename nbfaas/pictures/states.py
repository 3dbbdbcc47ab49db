"""The states of many items: one byte each, counted, and named as pictures and widgets name them."""

from __future__ import annotations

from collections.abc import Sequence

from nbfaas.model.invocation import InvocationState

_NAMES = {
    InvocationState.QUEUED: "queued",
    InvocationState.RUNNING: "running",
    InvocationState.RETRYING: "retrying",
    InvocationState.SUCCEEDED: "done",
    InvocationState.FAILED: "failed",
    InvocationState.TIMED_OUT: "timed_out",
    InvocationState.CANCELLED: "cancelled",
}
NAMES = tuple(_NAMES[state] for state in InvocationState)
"""By ``InvocationState.code``; keys of ``drawing.COLOURS`` and ``GLYPHS``."""

# Where one square stands for several items, it shows the one that most asks for a look.
_WORST = tuple(
    NAMES.index(name)
    for name in ("failed", "timed_out", "retrying", "running", "cancelled", "queued", "done")
)

_STRIDE = 128


def name_of(state: InvocationState) -> str:
    return _NAMES[state]


def tally(states: bytes) -> dict[str, int]:
    """How many items are in each state, by name, zeros included."""
    return {name: states.count(code) for code, name in enumerate(NAMES)}


def squares(states: bytes, most: int) -> tuple[list[str], int]:
    """Names of states for at most ``most`` squares, and how many items each stands for."""
    each = max(1, -(-len(states) // most))
    if each == 1:
        return [NAMES[code] for code in states], 1
    groups = [states[at : at + each] for at in range(0, len(states), each)]
    return [NAMES[_worst(group)] for group in groups], each


def _worst(group: Sequence[int]) -> int:
    return next(code for code in _WORST if code in group)


def change(old: bytes, new: bytes) -> tuple[bytes, bytes] | None:
    """What makes ``new`` of ``old``, which is as long: the places, as little-endian 32-bit
    numbers, and the states there. None if sending all of ``new`` is shorter."""
    if old == new:
        return b"", b""
    places = [
        at
        for begin in range(0, len(new), _STRIDE)
        # Most of it is the same, and comparing slices is quick.
        if old[begin : begin + _STRIDE] != new[begin : begin + _STRIDE]
        for at in range(begin, min(begin + _STRIDE, len(new)))
        if old[at] != new[at]
    ]
    if 5 * len(places) >= len(new):
        return None
    packed = b"".join(place.to_bytes(4, "little") for place in places)
    return packed, bytes([new[place] for place in places])
