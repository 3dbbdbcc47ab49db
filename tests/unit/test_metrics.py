"""Metrics: what is counted, how it is told, and that it stays bounded."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as TheirHistogram
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from nbfaas.metrics.histogram import BYTES, SECONDS, Histogram, merged
from nbfaas.metrics.registry import Metrics
from nbfaas.model.delivery import DeliveryState, TriggerQueue
from nbfaas.model.invocation import AttemptStats, InvocationState
from nbfaas.model.records import (
    AttemptFinished,
    AttemptStarted,
    DeliveryAttempted,
    DeliverySettled,
    EventAccepted,
    EventRefused,
    InvocationFinished,
    InvocationQueued,
    LogWritten,
    SandboxChanged,
)

OK, FAILED = InvocationState.SUCCEEDED, InvocationState.FAILED
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def stats(
    wall: float = 0.002, state: InvocationState = OK, *, number: int = 1, cold: bool = False
) -> AttemptStats:
    return AttemptStats(number, state, "box", 0.0, 0.25, wall, 0.001, 0.001, 0.05, 3 << 24, cold)


def call(
    metrics: Metrics,
    id_: str,
    name: str = "score",
    state: InvocationState = OK,
    *attempts: AttemptStats,
) -> None:
    """All records of an invocation, as the dispatcher publishes them."""
    attempts = attempts or (stats(state=state),)
    see = metrics.subscriber
    see(InvocationQueued(1.0, id_, name, "0123456789ab"))
    for each in attempts:
        see(AttemptStarted(1.0, id_, each.attempt, "box", each.cold_start))
        see(LogWritten(1.0, id_, each.attempt, 1, b"x\n"))
        see(AttemptFinished(2.0, id_, each))
    see(InvocationFinished(2.0, id_, state, len(attempts), None, None, None, b""))


def families(metrics: Metrics) -> list[Metric]:
    return list(prometheus(metrics.render()[0].decode()))


def samples(metrics: Metrics) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families(metrics)
        for sample in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


@given(st.lists(st.floats(0, 1000) | st.sampled_from(SECONDS)))
def test_a_histogram_counts_as_prometheus_own(values):
    registry = CollectorRegistry()
    theirs = TheirHistogram("t", "t", buckets=SECONDS, registry=registry)
    ours = Histogram(SECONDS)
    for value in values:
        theirs.observe(value)
        ours.observe(value)
    (family,) = registry.collect()
    cumulative = [s.value for s in family.samples if s.name == "t_bucket"]
    assert [sum(ours.counts[: n + 1]) for n in range(len(ours.counts))] == cumulative
    assert ours.sum == sum(s.value for s in family.samples if s.name == "t_sum")


def test_what_is_told_is_what_prometheus_own_histogram_tells():
    metrics, registry = Metrics(), CollectorRegistry()
    theirs = TheirHistogram(
        "faas_invoke_duration_seconds",
        "How long the function ran, each attempt.",
        ("faas_name", "faas_trigger"),
        buckets=SECONDS,
        registry=registry,
    )
    for number, wall in enumerate((0.00005, 0.0001, 0.004, 0.004, 7.0, 1000.0)):
        call(metrics, f"i{number}", "score", OK, stats(wall))
        theirs.labels("score", "other").observe(wall)
    (ours,) = [f for f in families(metrics) if f.name == "faas_invoke_duration_seconds"]
    (expected,) = registry.collect()
    wanted = [s for s in expected.samples if not s.name.endswith("_created")]
    assert [(s.name, s.labels, s.value) for s in ours.samples] == [
        (s.name, s.labels, s.value) for s in wanted
    ]


@pytest.mark.parametrize(
    ("values", "percent", "estimate"),
    [
        ([], 50, None),
        ([0.2] * 10, 50, 0.175),  # halfway from 0.1 to 0.25
        ([0.0002] * 99 + [9.0], 99, 0.00025),
        ([0.0002] * 99 + [9.0], 99.5, 7.5),
        ([5000.0], 50, 300.0),
    ],
)
def test_percentiles_are_estimated_within_the_bucket(values, percent, estimate):
    histogram = Histogram(SECONDS)
    for value in values:
        histogram.observe(value)
    found = histogram.percentile(percent)
    assert found == (None if estimate is None else pytest.approx(estimate))


def test_histograms_of_several_triggers_are_merged():
    parts = Histogram(BYTES), Histogram(BYTES)
    parts[0].observe(1.0)
    parts[1].observe(float(1 << 40))
    both = merged(parts)
    assert (both.counts[0], both.counts[-1], both.sum) == (1, 1, 1.0 + (1 << 40))
    assert parts[0].counts[-1] == 0


def test_each_end_of_an_invocation_is_counted_once():
    metrics = Metrics()
    for number, state in enumerate((OK, OK, FAILED, InvocationState.TIMED_OUT)):
        call(metrics, f"i{number}", "score", state)
    call(metrics, "i9", "score", OK, stats(state=FAILED), stats(state=FAILED, number=2), stats())
    metrics.subscriber(InvocationQueued(1.0, "c", "score", "0123456789ab"))
    metrics.subscriber(
        InvocationFinished(2.0, "c", InvocationState.CANCELLED, 0, None, None, None, b"")
    )
    metrics.subscriber(InvocationQueued(1.0, "p", "score", "ba9876543210"))
    found, labels = samples(metrics), {"faas_name": "score", "faas_trigger": "other"}
    assert of(found, "faas_invocations_total", **labels) == 3
    assert of(found, "faas_errors_total", **labels) == 1
    assert of(found, "faas_timeouts_total", **labels) == 1
    assert of(found, "nbfaas_cancellations_total", **labels) == 1
    assert of(found, "nbfaas_retries_total", **labels) == 2
    assert of(found, "nbfaas_invocations_pending", **labels) == 1
    assert of(found, "faas_invoke_duration_seconds_count", **labels) == 7
    info = {"faas_name": "score", "faas_version": "ba9876543210"}
    assert of(found, "nbfaas_function_info", **info) == 1


def test_a_cold_start_is_counted_with_the_time_until_the_function_ran():
    metrics = Metrics()
    call(metrics, "i1", "score", OK, stats(cold=True))
    call(metrics, "i2")
    found, labels = samples(metrics), {"faas_name": "score", "faas_trigger": "other"}
    assert of(found, "faas_coldstarts_total", **labels) == 1
    assert of(found, "faas_init_duration_seconds_count", **labels) == 1
    assert of(found, "faas_init_duration_seconds_sum", **labels) == pytest.approx(0.3)
    assert of(found, "faas_cpu_usage_seconds_sum", **labels) == pytest.approx(0.004)
    assert of(found, "faas_mem_usage_bytes_sum", **labels) == 2 * (3 << 24)


def test_what_a_dead_sandbox_could_not_tell_is_not_counted_as_zero():
    metrics = Metrics()
    dead = AttemptStats(1, FAILED, "box", 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0, False, "SandboxLost: …")
    call(metrics, "i1", "score", FAILED, dead)
    found, labels = samples(metrics), {"faas_name": "score", "faas_trigger": "other"}
    assert of(found, "faas_invoke_duration_seconds_sum", **labels) == 5
    assert not any(name.startswith(("faas_mem_usage", "faas_cpu")) for name, _ in found)


def test_what_began_before_the_counting_is_left_out():
    metrics = Metrics()
    metrics.subscriber(AttemptFinished(2.0, "i1", stats()))
    metrics.subscriber(InvocationFinished(2.0, "i1", OK, 1, None, None, None, b""))
    metrics.subscriber(
        SandboxChanged(2.0, "box", InvocationState.QUEUED, "score", "01", "python")  # type: ignore[arg-type]
    )
    assert metrics.snapshot()["functions"] == []


@pytest.mark.parametrize("told_first", [True, False])
@pytest.mark.parametrize(
    ("kind", "trigger"),
    [("schedule", "timer"), ("file", "datasource"), ("queue", "pubsub"), ("http", "http")],
)
def test_an_invocation_counts_for_the_kind_of_its_trigger(told_first, kind, trigger):
    metrics = Metrics()
    told = DeliveryAttempted(1.0, 7, "nightly", 1, "i1", "event-1", kind)
    steps = [told, InvocationQueued(1.0, "i1", "score", "0123456789ab")]
    for record in steps if told_first else reversed(steps):
        metrics.subscriber(record)
    metrics.subscriber(AttemptFinished(2.0, "i1", stats()))
    metrics.subscriber(InvocationFinished(2.0, "i1", OK, 1, None, None, None, b""))
    call(metrics, "i2")
    found = samples(metrics)
    for each in (trigger, "other"):
        assert of(found, "faas_invocations_total", faas_name="score", faas_trigger=each) == 1
        assert of(found, "nbfaas_invocations_pending", faas_name="score", faas_trigger=each) == 0
    (function,) = metrics.snapshot()["functions"]
    assert (function["succeeded"], function["pending"]) == (2, 0)


def test_events_and_deliveries_are_counted():
    queues = [TriggerQueue("nightly", 3, 40.0, 2), TriggerQueue("inbox", 0)]
    metrics = Metrics(queues=lambda: queues, sandboxes=lambda: {"IDLE": 2}, clock=lambda: 100.0)
    see = metrics.subscriber
    see(EventAccepted(1.0, "e1", "/s", "t", ("nightly", "inbox")))
    see(EventAccepted(1.0, "e2", "/s", "t", ()))
    see(EventAccepted(1.0, "e1", "/s", "t", ("nightly",), duplicate=True))
    see(EventRefused(1.0, "full"))
    for attempt, state in enumerate(("waiting", "waiting", "done"), 1):
        see(DeliveryAttempted(1.0, 1, "nightly", attempt, None))
        see(DeliverySettled(2.0, 1, "nightly", DeliveryState(state), attempt, None, 3.0))
    see(DeliverySettled(2.0, 2, "inbox", DeliveryState.DEAD, 3, "ValueError: no", 9.0))
    found = samples(metrics)
    assert of(found, "nbfaas_events_accepted_total") == 2
    assert of(found, "nbfaas_events_unmatched_total") == 1
    assert of(found, "nbfaas_events_duplicate_total") == 1
    assert of(found, "nbfaas_events_refused_total", reason="full") == 1
    assert of(found, "nbfaas_trigger_events_total", trigger="nightly") == 1
    assert of(found, "nbfaas_delivery_attempts_total", trigger="nightly") == 3
    assert of(found, "nbfaas_delivery_retries_total", trigger="nightly") == 2
    assert of(found, "nbfaas_deliveries_done_total", trigger="nightly") == 1
    assert of(found, "nbfaas_dead_letters_total", trigger="inbox") == 1
    assert of(found, "nbfaas_delivery_duration_seconds_sum", trigger="nightly") == 3
    assert of(found, "nbfaas_delivery_queue_depth", trigger="nightly") == 3
    assert of(found, "nbfaas_delivery_oldest_age_seconds", trigger="nightly") == 60
    assert of(found, "nbfaas_delivery_oldest_age_seconds", trigger="inbox") == 0
    assert of(found, "nbfaas_dead_letters_held", trigger="nightly") == 2
    assert of(found, "nbfaas_sandboxes", state="idle") == 2
    assert metrics.snapshot()["triggers"][1] == {
        "name": "nightly",
        "matched": 1,
        "attempts": 3,
        "retries": 2,
        "done": 1,
        "dead_total": 0,
        "waiting": 3,
        "oldest_age": 60.0,
        "dead": 2,
    }


def test_however_many_names_there_are_the_series_are_bounded():
    queues = [TriggerQueue(f"t{n}", 1, float(n), 1) for n in range(30)]
    metrics = Metrics(queues=lambda: queues, most_names=10, clock=lambda: 100.0)
    for number in range(50):
        call(metrics, f"i{number}", f"function-{number}")
        metrics.subscriber(EventAccepted(1.0, f"e{number}", "/s", "t", (f"t{number}",)))
        metrics.subscriber(EventRefused(1.0, f"reason {number}"))
    call(metrics, "long", "x" * 5000)
    found = samples(metrics)
    names = {dict(labels)["faas_name"] for name, labels in found if name == "faas_errors_total"}
    assert (len(names), max(map(len, names)) <= 100) == (11, True)
    assert of(found, "faas_invocations_total", faas_name="other", faas_trigger="other") == 41
    assert of(found, "nbfaas_trigger_events_total", trigger="other") == 40
    assert of(found, "nbfaas_delivery_queue_depth", trigger="other") == 20
    assert of(found, "nbfaas_delivery_oldest_age_seconds", trigger="other") == 90
    assert sum(name == "nbfaas_events_refused_total" for name, _ in found) <= 17
    assert not any(dict(labels).get("faas_version") for name, labels in found if "other" in labels)


def test_invocations_that_never_end_do_not_fill_the_memory():
    from nbfaas.metrics.counting import Counting

    counting = Counting(most_live=10)
    for number in range(25):
        counting.add(DeliveryAttempted(1.0, number, "t", 1, f"never{number}"))
        counting.add(InvocationQueued(1.0, f"i{number}", "score", "01"))
    assert counting.functions["score", "other"].pending == 10
    assert len(counting._expected) == 10


@pytest.mark.parametrize("name", ['quote"s', "back\\slash", "line\nfeed", "ünï", "<b>"])
def test_any_name_can_be_told(name):
    metrics = Metrics()
    call(metrics, "i1", name)
    found = samples(metrics)
    assert of(found, "faas_invocations_total", faas_name=name, faas_trigger="other") == 1


def test_the_format_is_the_one_that_is_asked_for():
    metrics = Metrics()
    call(metrics, "i1")
    plain, content_type = metrics.render()
    assert content_type.startswith("text/plain; version=0.0.4")
    text, content_type = metrics.render("application/openmetrics-text;version=1.0.0,text/plain")
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith(b"# EOF\n")
    found = {family.name: family for family in openmetrics(text.decode())}
    assert found["faas_invoke_duration_seconds"].unit == "seconds"
    assert found["faas_invocations"].type == "counter"
    # The two formats name one thing alike, and neither says anything twice.
    names = [sample.name for family in prometheus(plain.decode()) for sample in family.samples]
    assert set(names) == {s.name for family in found.values() for s in family.samples}


def test_every_metric_is_explained_in_the_docs():
    docs = Path(__file__).parents[2].joinpath("docs/metrics.md").read_text()
    text = Metrics().render()[0].decode()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            assert f"`{line.split()[2]}`" in docs


def test_the_bounds_of_durations_reach_from_a_warm_call_to_five_minutes():
    assert (SECONDS[0], SECONDS[-1]) == (0.0001, 300.0)
    assert list(SECONDS) == sorted(SECONDS)
    assert all(1.5 <= b / a <= 3 for a, b in itertools.pairwise(SECONDS))


def test_nothing_of_it_is_loaded_before_it_is_asked_for():
    code = (
        "import sys, nbfaas, nbfaas.service; from nbfaas import remote, config;"
        "remote(lambda: 1);"
        "print([m for m in sys.modules if m.startswith(('prometheus', 'nbfaas.metrics'))])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True
    )
    assert out.stdout.strip() == "[]"
