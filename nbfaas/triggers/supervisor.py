"""Runs the sources of triggers, again after they failed, until they are stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nbfaas.triggers.source import Intake
from nbfaas.triggers.trigger import Trigger, TriggerState

_FIRST_DELAY, _LONGEST_DELAY = 1.0, 60.0  # seconds between tries of a source that raises
_HEALTHY = 60.0  # seconds after which a source that fails is tried again soon


class Supervisor:
    """``intake(trigger)`` makes the intake that a source hands its events to."""

    def __init__(self, intake: Callable[[Trigger], Intake], notify: Callable[[str], None]) -> None:
        self._intake = intake
        self._notify = notify
        self._loop = asyncio.get_running_loop()
        self._running: dict[str, asyncio.Task[None]] = {}

    def __repr__(self) -> str:
        return f"<Supervisor of {len(self._running)} sources>"

    def start(self, trigger: Trigger) -> None:
        """Run the trigger's source, if it has one and is not paused."""
        if trigger.source is None or trigger.state is TriggerState.PAUSED:
            return
        self._running[trigger.name] = self._loop.create_task(
            self._run(trigger), name=f"nbfaas-source-{trigger.name}"
        )

    async def stop(self, name: str) -> None:
        """Stop the source; returns once it has let go of everything."""
        task = self._running.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        await asyncio.gather(*(self.stop(name) for name in list(self._running)))

    async def _run(self, trigger: Trigger) -> None:
        assert trigger.source is not None
        task = asyncio.current_task()
        assert task is not None
        delay = _FIRST_DELAY
        while True:
            began = self._loop.time()
            healthy = self._loop.call_later(delay, self._works, trigger)
            try:
                await trigger.source.run(self._intake(trigger))
                return  # it has no more to give
            except Exception as error:  # whatever it is, the trigger shows it
                if task.cancelling():  # it went wrong as it was being stopped
                    raise asyncio.CancelledError from error
                problem = f"{type(error).__name__}: {error}"
            finally:
                healthy.cancel()
            if self._loop.time() - began > _HEALTHY:
                delay = _FIRST_DELAY
            if trigger.problem is None:
                self._notify(
                    f"trigger {trigger.name!r} ({trigger.shown}) does not work: {problem}. It is "
                    "tried again; %faas triggers shows its state."
                )
            trigger.problem, trigger.state = problem, TriggerState.FAILING
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    @staticmethod
    def _works(trigger: Trigger) -> None:
        """It has run for as long as it was waited for: whatever was wrong is over."""
        if trigger.state is TriggerState.FAILING:
            trigger.problem, trigger.state = None, TriggerState.ACTIVE
