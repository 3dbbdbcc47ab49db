"""A burst being sent: each event at its time, several under way at once."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbfaas.agent.event import Event
from nbfaas.errors.simulator import BadBurst

if TYPE_CHECKING:
    from nbfaas.events.burst import Burst, Planned

_PROGRESS_EVERY = 0.1  # seconds
_REFUSALS_KEPT = 1_000
_MOST_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class BurstProgress:
    """``sent`` of ``total`` so far; each is accepted, a duplicate, or refused."""

    total: int
    sent: int
    accepted: int
    duplicates: int
    refused: int
    poison: int
    seconds: float

    @property
    def rate(self) -> float:
        """Events a second so far."""
        return self.sent / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        return (
            f"{self.sent:,} of {self.total:,} sent: {self.accepted:,} accepted, "
            f"{self.duplicates:,} duplicates, {self.refused:,} refused"
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    event: Event
    reason: str

    def __repr__(self) -> str:
        return f"<Refusal {self.event.type} {self.event.id}: {self.reason}>"


@dataclass(frozen=True, slots=True)
class BurstResult(BurstProgress):
    """What became of a burst. ``unmatched``: accepted, but no trigger wanted them; ``reasons``: how
    often each kind of error refused one; ``refusals``: up to 1,000, with their events."""

    cancelled: bool = False
    unmatched: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()

    def __repr__(self) -> str:
        text = f"<BurstResult {self} in {self.seconds:.1f} s ({self.rate:,.0f}/s)"
        if self.unmatched:
            text += f", {self.unmatched:,} matched no trigger"
        for reason, count in self.reasons.items():
            text += f", {count:,} × {reason}"
        return text + (", cancelled>" if self.cancelled else ">")


def _send(event: Event) -> Any:
    from nbfaas.events.sending import send

    return send(event)


class BurstRun:
    """The sending of one burst, in threads that end with it."""

    def __init__(
        self,
        burst: Burst,
        emit: Callable[[Event], Any] | None,
        progress: Callable[[BurstProgress], object] | None,
        concurrency: int,
    ) -> None:
        if not isinstance(concurrency, int) or not 1 <= concurrency <= _MOST_AT_ONCE:
            raise BadBurst("concurrency", concurrency, f"it is from 1 to {_MOST_AT_ONCE}")
        self.burst = burst
        self._emit = _send if emit is None else emit
        self._progress = progress
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._refusals: list[Refusal] = []
        self._room = threading.Semaphore(concurrency)
        self._concurrency = concurrency
        self._cancelled = threading.Event()
        self._began = time.monotonic()
        self._told = self._began
        self._result: concurrent.futures.Future[BurstResult] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="nbfaas-burst", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return self._result.done()

    @property
    def progress(self) -> BurstProgress:
        """How far it is."""
        return BurstProgress(**self._figures())

    def cancel(self) -> None:
        """Send no more; what is under way ends. Returns at once."""
        self._cancelled.set()

    def result(self, timeout: float | None = None) -> BurstResult:
        """Waited for, at most ``timeout`` seconds (then ``TimeoutError``). Raises what ``progress``
        raised; refused events raise nothing."""
        result = self._result.result(timeout)
        self._thread.join()
        return result

    def __repr__(self) -> str:
        state = repr(self._result.result()) if self.done else str(self.progress)
        return f"<BurstRun {state} of {self.burst!r}>"

    # -- in the thread

    def _run(self) -> None:
        try:
            with concurrent.futures.ThreadPoolExecutor(
                self._concurrency, thread_name_prefix="nbfaas-burst"
            ) as threads:
                for planned in self.burst.plan():
                    if not self._wait_for(planned.at):
                        break
                    threads.submit(self._send, planned)
                    self._tell()
            self._tell(at_last=True)
        except BaseException as error:  # noqa: BLE001 - told to whoever waits
            self._result.set_exception(error)
        else:
            self._result.set_result(
                BurstResult(
                    **self._figures(),
                    cancelled=self._cancelled.is_set() and self._counts["sent"] < self.burst.n,
                    unmatched=self._counts["unmatched"],
                    reasons=dict(self._reasons),
                    refusals=tuple(self._refusals),
                )
            )

    def _wait_for(self, at: float) -> bool:
        """Until ``at``, and until there is room for one more. False: it was cancelled."""
        while not self._cancelled.is_set():
            left = self._began + at - time.monotonic()
            if left > 0:
                self._cancelled.wait(min(left, _PROGRESS_EVERY))
                self._tell()
            elif self._room.acquire(timeout=_PROGRESS_EVERY):
                return not self._cancelled.is_set()
            else:
                self._tell()
        return False

    def _send(self, planned: Planned) -> None:
        refused, receipt = None, None
        try:
            receipt = self._emit(planned.event)
        except Exception as error:  # noqa: BLE001 - whatever it is, the event was not accepted
            refused = error
        finally:
            self._room.release()
        with self._lock:
            self._counts["sent"] += 1
            self._counts["poison"] += planned.poison is not None
            if refused is not None:
                self._counts["refused"] += 1
                self._reasons[type(refused).__name__] += 1
                if len(self._refusals) < _REFUSALS_KEPT:
                    text = f"{type(refused).__name__}: {refused}"
                    self._refusals.append(Refusal(planned.event, text))
                return
            duplicate = bool(getattr(receipt, "duplicate", False))
            self._counts["duplicates" if duplicate else "accepted"] += 1
            self._counts["unmatched"] += not duplicate and getattr(receipt, "triggers", None) == ()

    def _figures(self) -> dict[str, Any]:
        with self._lock:
            names = ("sent", "accepted", "duplicates", "refused", "poison")
            figures = {name: self._counts[name] for name in names}
        return {"total": self.burst.n, "seconds": time.monotonic() - self._began, **figures}

    def _tell(self, *, at_last: bool = False) -> None:
        now = time.monotonic()
        if self._progress is not None and (at_last or now - self._told >= _PROGRESS_EVERY):
            self._told = now
            self._progress(self.progress)
