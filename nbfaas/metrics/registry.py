"""The metrics of a process: what has been counted of its records, and how things stand now."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nbfaas.metrics.counting import LONGEST_NAME, OTHER, Counting, FunctionCounts
from nbfaas.metrics.histogram import merged
from nbfaas.model.delivery import TriggerQueue
from nbfaas.model.records import Subscriber

if TYPE_CHECKING:
    from nbfaas.metrics.exposition import Exposition

_PERCENTILES = (50, 95, 99)
_COUNTED = ("succeeded", "errors", "timeouts", "cancelled", "retries", "cold_starts", "pending")


class Metrics:
    """Counts from when its ``subscriber`` is first called.

    ``sandboxes`` gives the number of sandboxes in each state, ``queues`` what each trigger has
    before it; both are asked whenever the metrics are read. All but ``subscriber`` may be used on
    any thread.
    """

    subscriber: Subscriber
    """To be called with every record, on one thread; takes less than a microsecond on average."""

    def __init__(
        self,
        *,
        sandboxes: Callable[[], Mapping[str, int]] = dict,
        queues: Callable[[], Iterable[TriggerQueue]] = tuple,
        most_names: int = 200,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.since = clock()
        self.counting = Counting(most_names)
        self.subscriber = self.counting.add
        self.sandboxes = sandboxes
        self._queues = queues
        self._most_names = most_names
        self._clock = clock
        self._exposition: Exposition | None = None

    def __repr__(self) -> str:
        return f"<Metrics of {self.counting!r}>"

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics as text, and its content type: Prometheus' format, or OpenMetrics where
        ``accept``, the header of a request, asks for it."""
        from nbfaas.metrics.exposition import Exposition  # loads prometheus_client

        if self._exposition is None:
            self._exposition = Exposition(self)
        return self._exposition.write(accept)

    def queues(self) -> list[TriggerQueue]:
        """What the triggers have before them; beyond ``most_names``, those of ``other`` in one."""
        found: dict[str, TriggerQueue] = {}
        for each in self._queues():
            name = each.trigger[:LONGEST_NAME]
            if name not in found and len(found) >= self._most_names:
                name = OTHER
            before = found.get(name, TriggerQueue(name, 0))
            accepted = [at for at in (before.oldest_at, each.oldest_at) if at is not None]
            found[name] = TriggerQueue(
                name,
                before.waiting + each.waiting,
                min(accepted, default=None),
                before.dead + each.dead,
            )
        return list(found.values())

    def age(self, at: float | None) -> float:
        """Seconds since ``at``; 0 for None."""
        return 0.0 if at is None else max(0.0, self._clock() - at)

    def snapshot(self) -> dict[str, Any]:
        """The same for a dashboard, as plain data.

        ``since`` (seconds since the epoch); ``functions``: for each ``name`` its ``version``,
        counts (``succeeded``, ``errors``, ``timeouts``, ``cancelled``, ``retries``,
        ``cold_starts``, ``pending``) and ``duration`` (``p50``, ``p95``, ``p99``: seconds, or None
        if no attempt has ended); ``triggers``: for each ``name`` its counts (``matched``,
        ``attempts``, ``retries``, ``done``, ``dead_total``) and, as of now, ``waiting``,
        ``oldest_age`` (seconds) and ``dead``; ``events``; ``sandboxes`` by state.
        """
        counting = self.counting
        functions: dict[str, list[FunctionCounts]] = defaultdict(list)
        for each in list(counting.functions.values()):
            functions[each.name].append(each)
        return {
            "since": self.since,
            "functions": [_of_function(name, parts) for name, parts in sorted(functions.items())],
            "triggers": self._triggers(),
            "events": {
                "accepted": counting.accepted,
                "duplicate": counting.duplicates,
                "unmatched": counting.unmatched,
                "refused": dict(counting.refused),
            },
            "sandboxes": {state.lower(): n for state, n in self.sandboxes().items()},
        }

    def _triggers(self) -> list[dict[str, Any]]:
        queues = {each.trigger: each for each in self.queues()}
        counted = dict(self.counting.triggers)
        rows = []
        for name in sorted({*queues, *counted}):
            queue, counts = queues.get(name, TriggerQueue(name, 0)), counted.get(name)
            rows.append(
                {
                    "name": name,
                    "matched": counts.matched if counts else 0,
                    "attempts": counts.attempts if counts else 0,
                    "retries": counts.retries if counts else 0,
                    "done": counts.done if counts else 0,
                    "dead_total": counts.dead if counts else 0,
                    "waiting": queue.waiting,
                    "oldest_age": self.age(queue.oldest_at),
                    "dead": queue.dead,
                }
            )
        return rows


def _of_function(name: str, parts: list[FunctionCounts]) -> dict[str, Any]:
    duration = merged(each.duration for each in parts)
    return {
        "name": name,
        "version": parts[-1].version,
        **{counted: sum(getattr(each, counted) for each in parts) for counted in _COUNTED},
        "duration": {f"p{percent}": duration.percentile(percent) for percent in _PERCENTILES},
    }
