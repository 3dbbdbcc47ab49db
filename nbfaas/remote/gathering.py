"""Waiting for several calls."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from nbfaas.errors import OptionError
from nbfaas.remote.call import FunctionCall
from nbfaas.remote.map_run import MapRun

R = TypeVar("R")


def gather(*calls: FunctionCall[Any], return_exceptions: bool = False) -> list[Any]:
    """The results of the calls, in their order. The first error is raised at its turn, or returned
    in its place with ``return_exceptions``. Ctrl-C cancels them all. Raises ``OptionError``."""
    _check(calls, "give calls, as in gather(f.spawn(1), f.spawn(2)); a list as gather(*calls)")
    try:
        results: list[Any] = []
        for call in calls:
            if return_exceptions and (error := _error(call)) is not None:
                results.append(error)
            else:
                results.append(call.result())
    except KeyboardInterrupt:
        for call in calls:
            call.cancel()
        raise
    return results


def as_completed(
    calls: Iterable[FunctionCall[R]] | MapRun[R], timeout: float | None = None
) -> Iterator[FunctionCall[R]]:
    """The calls (or a run's), each as soon as it has ended. Raises ``TimeoutError`` if not all have
    within ``timeout`` seconds. Ctrl-C cancels them all."""
    waiting = calls.calls if isinstance(calls, MapRun) else list(calls)
    _check(waiting, "give a list of calls, or a run of map")
    try:
        yield from concurrent.futures.as_completed(waiting, timeout)  # type: ignore[misc]
    except KeyboardInterrupt:
        for call in waiting:
            call.cancel()
        raise


def _check(calls: Iterable[object], wanted: str) -> None:
    for call in calls:
        if not isinstance(call, concurrent.futures.Future):
            raise OptionError("calls", call, wanted)


def _error(call: FunctionCall[Any]) -> BaseException | None:
    try:
        return call.exception()
    except concurrent.futures.CancelledError as error:
        return error
