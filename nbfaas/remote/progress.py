"""A map's progress, as a line of text, and where it is shown."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from nbfaas.agent.units import format_seconds

if TYPE_CHECKING:
    from nbfaas.dispatch.invocation import Invocation
    from nbfaas.remote.call import FunctionCall
    from nbfaas.remote.map_run import Counts, MapRun
    from nbfaas.service import Place

Update = Callable[[], None]
Watcher = Callable[["MapRun[Any]"], "contextlib.AbstractContextManager[Update]"]
# Begins to show a call that is waited for, and returns what is called when it has ended.
CallWatcher = Callable[["FunctionCall[Any]"], Update]

_EVERY = 0.1  # seconds between updates
_FIRST = 0.3  # a run that is over sooner shows no progress


def progress_line(function: str, counts: Counts) -> str:
    """``score: 120/1000 done, 8 running, 3 failed, 869 queued, 45/s, 19 s left``."""
    parts = [f"{counts.done}/{counts.total} done"]
    for name in ("running", "failed", "cancelled", "queued"):
        if number := getattr(counts, name):
            parts.append(f"{number} {name}")
    if counts.elapsed > 0 and counts.settled:
        rate = counts.settled / counts.elapsed
        parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s")
        left = counts.total - counts.settled
        parts.append(
            f"{format_seconds(left / rate)} left" if left else format_seconds(counts.elapsed)
        )
    return f"{function}: {', '.join(parts)}"


@contextlib.contextmanager
def terminal_watcher(run: MapRun[Any]) -> Iterator[Update]:
    """Shows the line on stderr, in place, if that is a terminal."""
    if not sys.stderr.isatty():
        yield _nothing
        return
    shown = 0.0
    width = 0

    def update(*, last: bool = False) -> None:
        nonlocal shown, width
        now = time.monotonic()
        if (now - shown < _EVERY and not last) or run.counts.elapsed < _FIRST:
            return
        shown = now
        line = progress_line(run.function, run.counts)
        sys.stderr.write(f"\r{line:<{width}}" + ("\n" if last else ""))
        sys.stderr.flush()
        width = len(line)

    try:
        yield update
    finally:
        update(last=True)


def _nothing() -> None:
    """Nobody is looking."""


_watcher: Watcher = terminal_watcher
_call_watcher: CallWatcher | None = None


def set_watchers(runs: Watcher | None, calls: CallWatcher | None) -> None:
    """Have runs, and calls that take long, shown while somebody waits for them. None: runs on the
    terminal, calls not at all."""
    global _watcher, _call_watcher
    _watcher = runs or terminal_watcher
    _call_watcher = calls


@contextlib.contextmanager
def watch(run: MapRun[Any]) -> Iterator[Update]:
    """Show a run while the block lasts; the caller calls what it is given whenever it wakes up."""
    if not run._service.settings.show_progress:
        yield _nothing
        return
    with _watcher(run) as update:
        yield update


def call_watch(invocation: Invocation, service: Place) -> Callable[[], Update] | None:
    """What to call once ``invocation`` has been waited for a while; None if it is not shown."""
    watcher = _call_watcher
    if watcher is None or not service.settings.show_progress:
        return None

    def begin() -> Update:
        from nbfaas.remote.map_run import SharedCall

        return watcher(SharedCall(invocation, service))

    return begin
