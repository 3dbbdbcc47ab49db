"""What becomes of a delivery whose attempt failed. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from nbfaas.model.delivery import DeliveryPolicy


class Verdict(NamedTuple):
    """``due_at``: when it is tried again; None: never, because of ``reason``."""

    due_at: float | None
    reason: str = ""


def after_failure(
    policy: DeliveryPolicy,
    *,
    attempt: int,
    accepted_at: float,
    now: float,
    permanent: bool,
    random: Callable[[], float],
) -> Verdict:
    """``attempt`` (from 1) has failed at ``now``. ``permanent``: trying again would end the same.
    ``random`` gives a number in [0, 1).

    The delay is drawn evenly between 0 and the bound ("full jitter", AWS Architecture Blog,
    *Exponential Backoff And Jitter*): events that failed together, because what they need was
    down, do not come back together.
    """
    if permanent:
        return Verdict(None, "it would fail the same way again")
    if attempt >= policy.max_attempts:
        noun = "attempt" if attempt == 1 else "attempts"
        return Verdict(None, f"{attempt} {noun} failed")
    # The exponent is bounded: a float overflows at 2 ** 1024.
    growth = policy.backoff_coefficient ** min(attempt - 1, 64)
    due_at = now + random() * min(policy.max_delay, policy.initial_delay * growth)
    if due_at > accepted_at + policy.max_age:
        return Verdict(None, f"it would be older than its max_age, {policy.max_age:g} s")
    return Verdict(due_at)


def retry_after(waiting: int, limit: int, per_second: float) -> float:
    """Seconds after which a full queue probably has room: the time to deliver a tenth of what may
    wait, at the present rate; 1 to 60."""
    if per_second <= 0:
        return 60.0 if waiting else 1.0
    return min(60.0, max(1.0, (waiting - 0.9 * limit) / per_second))
