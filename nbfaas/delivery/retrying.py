"""What becomes of a delivery whose attempt failed. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from nbfaas.model.backoff import grown_delay
from nbfaas.model.delivery import DeliveryPolicy, Overdue


class Verdict(NamedTuple):
    """``due_at``: when it is tried again; None: never, because of ``reason``."""

    due_at: float | None
    reason: str = ""


def after_failure(
    policy: DeliveryPolicy,
    *,
    attempt: int,
    expires_at: float,
    now: float,
    permanent: bool,
    random: Callable[[], float],
) -> Verdict:
    """``attempt`` (from 1) has failed at ``now``, of a delivery that may be tried again until
    ``expires_at``. ``permanent``: trying again would end the same.
    ``random`` gives a number in [0, 1).

    The delay is drawn evenly between 0 and the bound ("full jitter", AWS Architecture Blog,
    *Exponential Backoff And Jitter*): events that failed together, because what they need was
    down, do not come back together.
    """
    if permanent:
        return Verdict(None, "it would fail the same way again")
    if attempt >= policy.max_attempts:
        return Verdict(None, f"{attempts_text(attempt)} failed")
    bound = grown_delay(policy.initial_delay, policy.backoff_coefficient, attempt, policy.max_delay)
    due_at = now + random() * bound
    if due_at > expires_at:
        return Verdict(None, f"it would be older than its max_age, {policy.max_age:g} s")
    return Verdict(due_at)


def after_waiting(overdue: Overdue) -> Verdict:
    """It is not tried again."""
    age, attempts = _duration(overdue.policy.max_age), attempts_text(overdue.attempt)
    return Verdict(None, f"it was not done within its max_age, {age} ({attempts})")


def attempts_text(count: int) -> str:
    return "1 attempt" if count == 1 else f"{count} attempts"


def retry_after(waiting: int, limit: int, per_second: float) -> float:
    """Seconds after which a full queue probably has room: the time to deliver a tenth of what may
    wait, at the present rate; 1 to 60."""
    if per_second <= 0:
        return 60.0 if waiting else 1.0
    return min(60.0, max(1.0, (waiting - 0.9 * limit) / per_second))


def _duration(seconds: float) -> str:
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
