"""How many sandboxes should a function have? Pure."""

from __future__ import annotations

import math

from nbfaas.dispatch.lookahead import Durations

# What a cold start takes; work that is done sooner is not worth one.
START_SECONDS = 0.3


def desired_sandboxes(
    *,
    queued: int,
    in_flight: int,
    existing: int,
    durations: Durations,
    running: float = 0.0,
    limit: int | None,
) -> int:
    """The number of sandboxes that the waiting and running invocations call for.

    One for each invocation while nothing is known of their duration; afterwards as many as would
    finish the waiting ones within the time that a start takes, so that thousands of tiny
    invocations do not start dozens of containers. What has been ``running`` for longer (seconds)
    than those before it says more of those that wait. Never more than ``limit``; existing ones are
    kept (keep-alive removes them).
    """
    wanted = queued + in_flight
    if durations.count and existing and queued:
        each = max(durations.mean, running)
        by_time = math.ceil(queued * each / START_SECONDS)
        wanted = min(wanted, max(existing, by_time))
    if limit is not None:
        wanted = min(wanted, limit)
    return max(wanted, existing if limit is None else min(existing, limit))
