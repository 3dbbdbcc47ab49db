"""When is a failed attempt tried again? Pure."""

from __future__ import annotations

from nbfaas.errors import PackagingError, UntrustedResult
from nbfaas.errors.invocation import BindingError
from nbfaas.model.backoff import grown_delay
from nbfaas.model.function import Retries

# Trying again can't change these: the same code meets the same image, trust and event.
_HOPELESS = (PackagingError, UntrustedResult, BindingError)


def retry_delay(retries: Retries, attempts: int, error: BaseException) -> float | None:
    """Seconds to wait before the next attempt, or None if there is none.

    ``attempts`` is how many have been made, the failed one included. The delay grows geometrically
    and is capped, as in AWS's and Google's client libraries; jitter is left out, because the
    invocations of one notebook do not compete for a remote service by themselves.
    """
    if attempts > retries.max_retries or isinstance(error, _HOPELESS):
        return None
    if not isinstance(error, retries.retry_on):
        return None
    return grown_delay(
        retries.initial_delay, retries.backoff_coefficient, attempts, retries.max_delay
    )
