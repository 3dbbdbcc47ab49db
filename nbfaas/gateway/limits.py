"""What a client may use up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are in bytes, times in seconds.

    ``body``: beyond it, 413. ``header_count`` and ``header_size`` (request line included): 431.
    ``header_deadline``: for the whole head of a request, from the connection or its first byte.
    ``body_deadline``: for the whole body, or for each ``body_pace`` bytes of a larger one; beyond
    either, 408; a client that does not take its answer within it is cut off, and so is one whose
    machine does not answer at all for so long. ``connections``: more
    at once are told 503. ``keep_alive``: how long an idle connection is kept. ``batch``: events in
    one request, beyond it 413. ``close_deadline``: what running requests are given when the gateway
    closes.
    """

    body: int = 6 * 1024 * 1024
    header_count: int = 100
    header_size: int = 32 * 1024
    header_deadline: float = 10.0
    body_deadline: float = 30.0
    body_pace: int = 2 * 1024 * 1024
    connections: int = 256
    keep_alive: float = 15.0
    batch: int = 1000
    close_deadline: float = 10.0
