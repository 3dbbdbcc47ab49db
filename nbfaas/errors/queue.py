"""What is wrong with queues that events are read from."""

from __future__ import annotations

from nbfaas.errors.delivery import TriggerError


class QueueClientMissing(TriggerError, ImportError):
    """The client library that a kind of queue needs is not installed."""

    def __init__(self, url: str, extra: str, reason: str) -> None:
        super().__init__(
            f"on.queue({url!r}) needs a package that can't be imported ({reason}). Install it "
            f"where the notebook runs: pip install 'nbfaas[{extra}]'"
        )
        self.extra = extra


class QueueUnavailable(TriggerError):
    """A queue can't be read now. Nothing is lost: what was not accepted stays upstream, and the
    queue is tried again after a while. ``place`` names it, without credentials."""

    def __init__(self, place: str, reason: str, fix: str = "") -> None:
        super().__init__(f"{place} can't be read: {reason}.{' ' if fix else ''}{fix}")
        self.place = place
        self.reason = reason
