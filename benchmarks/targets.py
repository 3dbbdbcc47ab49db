"""The rows of the table: what is measured, in which unit, and which targets hold. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

OURS, STANDARD, LIMIT = "nbfaas", "processes", "limit"


class Measured:
    """The figures of one row: for each contender those of every round."""

    def __init__(self, rounds: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
        self.rounds = rounds

    def of(self, contender: str, name: str) -> float | None:
        """The median of all rounds; None if it was not measured."""
        values = [each[name] for each in self.rounds.get(contender, ()) if name in each]
        return median(values) if values else None

    def ours(self, name: str) -> float:
        """Raises ``KeyError`` if it was not measured."""
        value = self.of(OURS, name)
        if value is None:
            raise KeyError(name)
        return value

    def each(self, name: str) -> list[float]:
        return sorted(each[name] for each in self.rounds.get(OURS, ()) if name in each)

    def p95(self, name: str) -> float:
        values = self.each(name)
        return values[min(len(values) - 1, round(0.95 * (len(values) - 1)))]


@dataclass(frozen=True)
class Check:
    """One target: ``value`` is to be at most (or at least) ``limit``. None: not measured."""

    what: str
    value: float | None
    limit: float
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        got = "not measured" if self.value is None else show(self.value, self.unit)
        name = f"{self.what} " if self.what else ""
        return f"{name}{got} ({sign} {show(self.limit, self.unit)})"


@dataclass(frozen=True)
class Row:
    """``headline`` is the figure that is compared with the peers' and drawn. ``alone`` names the
    module of ``benchmarks.alone`` that measures it; else all peers do, by ``benchmarks.calls``.
    ``reason``: why it is missed, where it is, as far as that is known."""

    key: str
    title: str
    headline: str
    unit: str
    more_is_better: bool
    checks: Callable[[Measured], list[Check]]
    alone: str = ""
    beside: Mapping[str, str] | None = None  # figures to show beside: name → what they are
    reason: str = ""


def show(value: float, unit: str) -> str:
    """``152 µs``, ``41,200/s``, ``1.53 GB/s``, ``0.64 × p50``."""
    if unit == "s":
        for factor, name in ((1e6, "µs"), (1e3, "ms"), (1.0, "s")):
            if abs(value) * factor < 1000 or name == "s":
                return f"{digits(value * factor)} {name}"
    if unit == "B":
        for factor, name in ((1, "B"), (2**10, "KB"), (2**20, "MB")):
            if abs(value) / factor < 1024 or name == "MB":
                return f"{digits(value / factor)} {name}"
    if unit == "B/s":
        return f"{value / 1e9:.2f} GB/s"
    if unit == "/s":
        return f"{digits(value)}/s"
    if unit == "%":
        return f"{value * 100:.1f} %"
    return f"{value:.2f} {unit}".strip()


def digits(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _ratio(value: float, other: float | None) -> float | None:
    return value / other if other else None


def _warm(m: Measured) -> list[Check]:
    p50, p99 = m.ours("p50"), m.ours("p99")
    return [
        Check("p50", p50, 150e-6, "s"),
        Check("p50", _ratio(p50, m.of(STANDARD, "p50")), 0.7, "× ProcessPoolExecutor's"),
        Check("p99", _ratio(p99, p50), 4, "× p50"),
    ]


def _map(m: Measured) -> list[Check]:
    rate = m.ours("rate")
    return [
        Check("", rate, 40_000, "/s", at_least=True),
        Check("", _ratio(rate, m.of(STANDARD, "rate")), 3, "× ProcessPoolExecutor's", True),
    ]


def _array(m: Measured) -> list[Check]:
    work, memory = m.of(LIMIT, "sums"), m.of(OURS, "host")
    beyond = None if work is None else m.ours("seconds") - work
    return [
        Check("beyond the work", beyond, 0.15, "s"),
        Check("host memory", memory, 1.1, "× the array"),
        # The sums themselves need a few pages.
        Check("container memory", m.of(OURS, "container"), 0.02, "× the array"),
    ]


def _queue(m: Measured) -> list[Check]:
    return [
        Check("submitted", m.ours("submit_rate"), 50_000, "/s", at_least=True),
        Check("memory each", m.ours("bytes"), 2048, "B"),
        Check("cancelling all", m.ours("cancel_seconds"), 1, "s"),
        # O(1): an item of 100,000 costs what one of 10,000 does, but for caches and collections.
        Check("an item of 100,000", m.ours("growth"), 1.5, "× one of 10,000"),
    ]


def _served(m: Measured) -> list[Check]:
    sync, kept, bare = m.ours("sync"), m.ours("kept"), m.ours("bare")
    return [
        Check(f"{sync / bare:.2f} × the bare route:", sync, 3_000, "/s", at_least=True),
        Check(f"async {kept / bare:.2f} × the bare route:", kept, 5_000, "/s", at_least=True),
    ]


def _against(
    name: str, other: str, limit: float, unit: str, at_least: bool = False
) -> Callable[[Measured], list[Check]]:
    def checks(m: Measured) -> list[Check]:
        return [Check("", _ratio(m.ours(name), m.of(OURS, other)), limit, unit, at_least)]

    return checks


ROWS = (
    Row(
        "warm", "warm no-op call, p50", "p50", "s", False, _warm,
        beside={"p99": "p99"},
        reason="A call wakes up three threads. To wake up one on another core takes some 40 µs on "
        "a virtual machine, and how often that happens is up to the kernel; the agent stays awake "
        "between calls to spare one of these. What a bare socket takes is among the others.",
    ),
    Row(
        "map", "map of 5,000 no-ops, no chunk size given", "rate", "/s", True, _map,
        reason="The notebook's process takes some 18 µs of a processor for each item, one at a "
        "time, the sandboxes 17 µs together. With the same code this virtual machine makes from "
        "28,000 to 45,000/s, by the hour.",
    ),
    Row(
        "even", "map of 200 items of 50 ms on 8 containers", "seconds", "s", False,
        _against("seconds", "ideal", 1.05, "× the ideal"), "even", {"slept": "sum of sleeps ÷ 8"},
        "Other programs were at work: eight rounds on a quieter machine took 1.02 to 1.03 times "
        "the ideal.",
    ),
    Row(
        "uneven", "400 uneven items (1 ms to 2 s) on 8 containers", "seconds", "s", False,
        _against("seconds", "in_order", 1.1, "× the list schedule"), "uneven",
        {"in_order": "list schedule", "best": "longest first, durations known"},
    ),
    Row(
        "array", "NumPy array of 256 MB read by 8 calls", "seconds", "s", False, _array,
        reason="The array is copied into a memory file once, in new pages, before a call can "
        "begin. How long that takes here without nbfaas is among the others.",
        beside={"fill": "filling a memory file alone"},
    ),
    Row(
        "results", "100 results of 8 MB each", "rate", "B/s", True,
        lambda m: [Check("", m.ours("rate"), 1.5e9, "B/s", at_least=True)],
        reason="Each result is made, copied into a memory file and copied out of it, in new pages "
        "every time: the host must not keep the file, which counts towards the sandbox's memory.",
    ),
    Row(
        "first", "first call of a new function, prewarmed, p95", "seconds", "s", False,
        lambda m: [Check("p95", m.p95("seconds"), 0.010, "s")], "first_call",
    ),
    Row(
        "cold", "call with nothing prewarmed", "seconds", "s", False,
        _against("seconds", "docker_run", 1.15, "× docker run"), "cold",
        {"docker_run": "docker run"},
    ),
    Row(
        "growth", "from 0 to 16 sandboxes under load", "rate", "/s", True,
        _against("rate", "raw", 0.9, "× raw docker starts", True), "growth",
        {"raw": "raw docker starts", "heard": "raw create, start, Python in it connects"},
        "Raw starts are of containers that were created before, and they end before anything has "
        "run in them. A sandbox must be created as well, and its agent must have started: up to "
        "its first call that takes some 50 ms of processor time, of which a bare interpreter and "
        "the import of cloudpickle are 43, and both cores are busy throughout. Docker and a bare "
        "Python alone, among the others, stay below 0.9 as well in most rounds.",
    ),
    Row(
        "queue", "100,000 queued invocations: submitting", "submit_rate", "/s", True, _queue,
        "queue", {"call_beside": "a warm call meanwhile", "cancel_seconds": "cancelling"},
    ),
    Row(
        "events", "from emit to the handler's first line, durable, p50", "start_p50", "s", False,
        lambda m: [
            Check("p50", m.ours("start_p50"), 0.005, "s"),
            Check("first attempt over a backlog of 100,000", m.ours("recovery"), 5, "s"),
        ],
        "events",
        {
            "start_p99": "p99", "emit_p50": "emit returns, p50", "emit": "emitted by one thread",
            "emit_threads": "by 16 threads", "http": "accepted by POST /events",
            "raw_commit": "SQLite's commits alone, the limit of one emitter",
            "recovery": "recovery",
        },
    ),
    Row(
        "rules", "events matched against 1,000 rules of which one matches", "indexed", "/s", True,
        lambda m: [Check("", m.ours("indexed"), 20_000, "/s", at_least=True)], "rules",
        {"each": "every pattern tried"},
    ),
    Row(
        "served", "nbfaas serve, warm no-op: calls that wait", "sync", "/s", True, _served,
        "served",
        {
            "kept": "accepted durably (async), and run meanwhile", "bare": "a bare starlette route",
            "sync_p50": "p50 of calls that wait", "sync_p99": "p99", "kept_p50": "p50 of async",
            "kept_p99": "p99 of async", "bare_p50": "p50 of the route", "bare_p99": "p99 of it",
        },
        "Accepting one takes some 160 µs of the server's loop, half of them HTTP, and 100 µs of "
        "the thread that writes the event store; both want the interpreter's lock. Rounds with the "
        "same code were from 4,000 to 5,100/s. The attempts that are begun meanwhile, 200 in a "
        "second, have a part in it.",
    ),
    Row(
        "import", "import nbfaas", "import", "s", False,
        lambda m: [
            Check("import nbfaas", m.ours("import"), 0.100, "s"),
            Check("%load_ext nbfaas", m.ours("extension"), 0.150, "s"),
        ],
        "imports", {"extension": "%load_ext nbfaas"},
    ),
    Row(
        "idle", "a prewarmed sandbox, idle", "memory", "B", False,
        lambda m: [
            Check("CPU", m.ours("cpu"), 0.0005, "%"),
            Check("memory", m.ours("memory"), 15 * 2**20, "B"),
        ],
        "idle", {"cpu": "CPU of both, share of a core", "host_cpu": "CPU of the host process"},
    ),
)  # fmt: skip
