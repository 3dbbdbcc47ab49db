"""What the dashboard's panels show, as JSON."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any

from nbfaas.model.delivery import DeadLetter
from nbfaas.notebook.widgets.dashboard.activity import Activity, FunctionActivity
from nbfaas.notebook.widgets.dashboard.facts import Facts
from nbfaas.notebook.widgets.dashboard.stream import EventStream, TriggerActivity
from nbfaas.notebook.widgets.dashboard.watch import Watch

_LONG_RUNNING = 0.3  # seconds after which something that runs is shown before it ends
_LETTER_CHARACTERS = 20_000
_MEASURED = 0.9  # seconds that the use of CPU is measured over


def summary(watch: Watch, now: float) -> dict[str, Any]:
    """``now`` is monotonic, as for ``Watch.tick``."""
    activity, pool = watch.activity, watch.facts.pool
    rate, errors = activity.all.rates(now)
    p50, p95 = activity.all.percentiles(50, 95)
    return {
        "rate": round(rate, 1),
        "error_rate": round(errors, 2),
        "total": activity.all.total,
        "errors": activity.all.errors,
        "p50": p50,
        "p95": p95,
        "waiting": sum(pool.waiting.values()) if pool else 0,
        "running": sum(row.in_flight > 0 for row in pool.sandboxes) if pool else 0,
        "sandboxes": len(pool.sandboxes) if pool else 0,
        "dead": sum(watch.facts.dead.values()),
        "ready": pool is not None,
    }


def function_rows(activity: Activity, facts: Facts, now: float) -> list[dict[str, Any]]:
    """Those that are defined, and those that were called; by name."""
    pool = facts.pool
    running: Counter[str] = Counter()
    for row in pool.sandboxes if pool else ():
        running[row.function] += row.in_flight > 0
    triggers = defaultdict(list)
    for trigger in facts.triggers:
        triggers[trigger.target].append(trigger)
    rows = []
    for name in sorted({*facts.defined, *activity.functions}):
        found = activity.functions.get(name) or FunctionActivity(name)
        rate, error_rate = found.window.rates(now)
        p50, p95 = found.window.percentiles(50, 95)
        rows.append(
            {
                "name": name,
                "versions": list(found.versions)[-10:],
                "triggers": [
                    {"name": each.name, "kind": each.kind, "state": each.state}
                    for each in triggers[name]
                ],
                "rate": round(rate, 1),
                "error_rate": round(error_rate, 2),
                "waiting": pool.waiting[name] if pool else 0,
                "running": running[name],
                "succeeded": found.succeeded,
                "errors": found.window.errors,
                "cancelled": found.cancelled,
                "cold": found.cold,
                "warm": found.warm,
                "p50": p50,
                "p95": p95,
            }
        )
    return rows


def trigger_rows(facts: Facts, stream: EventStream) -> list[dict[str, Any]]:
    rows = []
    for each in facts.triggers:
        counts = stream.triggers.get(each.name) or TriggerActivity()
        rows.append(
            {
                "name": each.name,
                "kind": each.kind,
                "shown": each.shown[:500],
                "target": each.target,
                "state": each.state,
                "waiting": each.waiting,
                "problem": each.problem[:500],
                "matched": counts.matched,
                "done": counts.done,
                "retried": counts.retried,
                "dead": facts.dead.get(each.name, 0),
            }
        )
    return rows


class CpuUse:
    """How many cores each sandbox has used of late. ``seconds``: what it has used in all."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, float, float]] = {}

    def __repr__(self) -> str:
        return f"<CpuUse of {len(self._known)} sandboxes>"

    def cores(self, sandbox: str, seconds: float, now: float) -> float:
        at, before, cores = self._known.get(sandbox, (now, seconds, 0.0))
        if now - at >= _MEASURED:
            at, before, cores = now, seconds, round((seconds - before) / (now - at), 2)
        self._known[sandbox] = (at, before, cores)
        return cores

    def keep(self, sandboxes: set[str]) -> None:
        """Forget the others."""
        self._known = {name: known for name, known in self._known.items() if name in sandboxes}


def pool_rows(activity: Activity, facts: Facts, use: CpuUse, now: float) -> dict[str, Any]:
    """``now`` is monotonic. Empty while there is no pool."""
    pool = facts.pool
    if pool is None:
        return {}
    rows = []
    states: Counter[str] = Counter()
    use.keep({row.id for row in pool.sandboxes})
    for row in pool.sandboxes:
        states[row.state.lower()] += 1
        track = activity.tracks.get(row.id)
        rows.append(
            {
                "id": row.id,
                "state": row.state.lower(),
                "function": row.function,
                "version": row.version,
                "image": row.image,
                "in_flight": row.in_flight,
                "answered": row.answered,
                "used": use.cores(row.id, track.cpu if track else 0.0, now),
                "cpu": row.cpu,
                "held": row.held,
                "memory": row.memory,
                "idle": _coarse(row.idle_seconds),
            }
        )
    if pool.starting:
        states["starting"] += pool.starting
    return {
        "rows": rows,
        "states": dict(states),
        "cpu": pool.cpu,
        "cpu_at_work": round(pool.cpu_at_work, 2),
        "memory": pool.memory,
        "memory_used": pool.memory_used,
        "cold": activity.cold,
        "warm": activity.warm,
    }


def _coarse(seconds: float) -> int:
    """In steps that grow: what is merely idle need not be told about every second."""
    step = 10 if seconds < 60 else 60
    return int(seconds // step * step)


def track_rows(activity: Activity) -> list[list[Any]]:
    """The number, sandbox and function of each, and whether it is no more."""
    return [
        [track.number, track.sandbox, track.function, track.gone]
        for track in sorted(activity.tracks.values(), key=lambda track: track.number)
        if track.function
    ]


def open_rows(activity: Activity, now: float) -> list[list[float]]:
    """What has been running for a while: its track, and when it began. ``now``: since the epoch."""
    return [
        [track.number, round(track.since, 3)]
        for track in activity.tracks.values()
        if track.in_flight and now - track.since > _LONG_RUNNING
    ]


def letter_row(letter: DeadLetter) -> dict[str, Any]:
    errors = [attempt.error for attempt in letter.attempts if attempt.error]
    return {
        "number": letter.number,
        "trigger": letter.trigger,
        "target": letter.target,
        "type": str(letter.event.get("type", ""))[:300],
        "event": str(letter.event.get("id", ""))[:300],
        "died_at": letter.died_at,
        "attempts": len(letter.attempts),
        "reason": letter.reason[:300],
        "error": errors[-1][:300] if errors else "",
    }


def letter_details(letter: DeadLetter) -> dict[str, Any]:
    text = json.dumps(dict(letter.event), indent=2, ensure_ascii=False)
    cut = len(text) > _LETTER_CHARACTERS
    return {
        **letter_row(letter),
        "text": f"{text[:_LETTER_CHARACTERS]}…" if cut else text,
        "tries": [
            {
                "attempt": each.attempt,
                "state": each.state,
                "began_at": each.began_at,
                "wall": each.wall,
                "invocation": each.invocation or "",
                "error": (each.error or "")[:2000],
            }
            for each in letter.attempts
        ],
    }
