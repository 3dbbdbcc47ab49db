"""What was counted, in Prometheus' and OpenMetrics' text formats.

The names are those of OpenTelemetry's conventions for FaaS, with dots as underscores and the unit
behind; what these have no name for begins with ``nbfaas_``. They are explained in docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.utils import floatToGoString

from nbfaas.metrics.counting import OTHER, Counting, FunctionCounts, TriggerCounts
from nbfaas.metrics.histogram import Histogram

if TYPE_CHECKING:
    from nbfaas.metrics.registry import Metrics

_OF_FUNCTIONS = (
    ("faas_invocations", "succeeded", "Invocations that succeeded."),
    ("faas_errors", "errors", "Invocations that failed, timeouts not among them."),
    ("faas_timeouts", "timeouts", "Invocations that ended with a timeout."),
    ("faas_coldstarts", "cold_starts", "Sandboxes started while an invocation waited for them."),
    ("nbfaas_cancellations", "cancelled", "Invocations that were cancelled."),
    ("nbfaas_retries", "retries", "Attempts beyond the first one of their invocations."),
)
_DISTRIBUTIONS = (
    ("faas_invoke_duration", "duration", "seconds", "How long the function ran, each attempt."),
    (
        "faas_init_duration",
        "init",
        "seconds",
        "Cold starts: from when the attempt could have begun until the function ran.",
    ),
    ("faas_cpu_usage", "cpu", "seconds", "CPU time of an attempt, user and system."),
    ("faas_mem_usage", "memory", "bytes", "Peak memory of an attempt."),
)
_OF_TRIGGERS = (
    ("nbfaas_trigger_events", "matched", "Events accepted for the trigger."),
    ("nbfaas_delivery_attempts", "attempts", "Attempts at deliveries."),
    ("nbfaas_delivery_retries", "retries", "Attempts that failed and will be followed by another."),
    ("nbfaas_deliveries_done", "done", "Deliveries that were done."),
    ("nbfaas_dead_letters", "dead", "Deliveries that became dead letters."),
)


class Exposition:
    """Writes ``metrics`` down, in a registry of its own."""

    def __init__(self, metrics: Metrics) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Collected(metrics))

    def write(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type, in the format that an ``Accept`` header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _Collected(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        counting = self._metrics.counting
        yield from _functions(list(counting.functions.values()))
        yield from _sandboxes(self._metrics)
        yield from _events(counting)
        yield from _deliveries(list(counting.triggers.values()))
        yield from _queues(self._metrics)


def _functions(functions: list[FunctionCounts]) -> Iterator[Metric]:
    labels = ("faas_name", "faas_trigger")
    for name, attribute, text in _OF_FUNCTIONS:
        counter = CounterMetricFamily(name, text, labels=labels)
        for each in functions:
            counter.add_metric((each.name, each.trigger), getattr(each, attribute))
        yield counter
    pending = GaugeMetricFamily(
        "nbfaas_invocations_pending", "Invocations queued and not ended.", labels=labels
    )
    for each in functions:
        pending.add_metric((each.name, each.trigger), each.pending)
    yield pending
    for name, attribute, unit, text in _DISTRIBUTIONS:
        family = HistogramMetricFamily(f"{name}_{unit}", text, labels=labels, unit=unit)
        for each in functions:
            _add(family, (each.name, each.trigger), getattr(each, attribute))
        yield family
    # Not a label of the others: each edit of a cell would leave its series behind for good.
    info = InfoMetricFamily(
        "nbfaas_function", "The version of a function that was queued last.", labels=("faas_name",)
    )
    for label, version in {each.name: each.version for each in functions}.items():
        if label != OTHER:
            info.add_metric((label,), {"faas_version": version})
    yield info


def _sandboxes(metrics: Metrics) -> Iterator[Metric]:
    gauge = GaugeMetricFamily("nbfaas_sandboxes", "Sandboxes, by state.", labels=("state",))
    for state, number in sorted(metrics.sandboxes().items()):
        gauge.add_metric((state.lower(),), number)
    yield gauge


def _events(counting: Counting) -> Iterator[Metric]:
    for name, value, text in (
        ("nbfaas_events_accepted", counting.accepted, "Events accepted, duplicates not counted."),
        ("nbfaas_events_duplicate", counting.duplicates, "Events that had been accepted before."),
        ("nbfaas_events_unmatched", counting.unmatched, "Events accepted that no trigger matched."),
    ):
        yield CounterMetricFamily(name, text, value=value)
    refused = CounterMetricFamily(
        "nbfaas_events_refused", "Events that were not accepted.", labels=("reason",)
    )
    for reason, number in list(counting.refused.items()):
        refused.add_metric((reason,), number)
    yield refused


def _deliveries(triggers: list[TriggerCounts]) -> Iterator[Metric]:
    for name, attribute, text in _OF_TRIGGERS:
        counter = CounterMetricFamily(name, text, labels=("trigger",))
        for each in triggers:
            counter.add_metric((each.name,), getattr(each, attribute))
        yield counter
    age = HistogramMetricFamily(
        "nbfaas_delivery_duration_seconds",
        "From accepting an event until its delivery was done.",
        labels=("trigger",),
        unit="seconds",
    )
    for each in triggers:
        _add(age, (each.name,), each.age)
    yield age


def _queues(metrics: Metrics) -> Iterator[Metric]:
    depth, oldest, dead = (
        GaugeMetricFamily(name, text, labels=("trigger",), unit=unit)
        for name, text, unit in (
            ("nbfaas_delivery_queue_depth", "Deliveries that wait for an attempt.", ""),
            (
                "nbfaas_delivery_oldest_age_seconds",
                "Age of the oldest event that is not delivered yet; 0: there is none.",
                "seconds",
            ),
            ("nbfaas_dead_letters_held", "Dead letters that can be redriven.", ""),
        )
    )
    for each in metrics.queues():
        depth.add_metric((each.trigger,), each.waiting)
        oldest.add_metric((each.trigger,), metrics.age(each.oldest_at))
        dead.add_metric((each.trigger,), each.dead)
    yield from (depth, oldest, dead)


def _add(family: HistogramMetricFamily, labels: Iterable[str], histogram: Histogram) -> None:
    counts, total = list(histogram.counts), 0
    if not any(counts):
        return  # most functions never start cold: a scrape is long enough without their zeros
    buckets = []
    for bound, count in zip((*histogram.bounds, float("inf")), counts, strict=True):
        total += count
        buckets.append((floatToGoString(bound), total))  # type: ignore[no-untyped-call]
    family.add_metric(tuple(labels), buckets, histogram.sum)
