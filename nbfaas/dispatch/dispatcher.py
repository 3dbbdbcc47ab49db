"""The dispatcher: takes invocations in, feeds them to sandboxes, and settles each exactly once.

It runs on one asyncio loop; ``submit`` and ``cancel`` may be called from any thread. The rules
(when to retry, how far to look ahead, how many sandboxes) are pure functions in the modules beside
this one; this one does what they say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from nbfaas.agent.wire import RESULT, Frame, WireError
from nbfaas.backends.base import Backend, Death, DeathKind, Sandbox
from nbfaas.dispatch import announce
from nbfaas.dispatch.awaiting import none_left
from nbfaas.dispatch.budget import Budget
from nbfaas.dispatch.direct import DirectPath
from nbfaas.dispatch.fleet import Fleet
from nbfaas.dispatch.housekeeping import Housekeeper
from nbfaas.dispatch.intake import Intake
from nbfaas.dispatch.invocation import Invocation, let_go
from nbfaas.dispatch.lane import Lane
from nbfaas.dispatch.lookahead import window
from nbfaas.dispatch.outcome import error_from_death, failure_of, read_failure, timed_out
from nbfaas.dispatch.rebalancing import STUCK, Rebalancer
from nbfaas.dispatch.retry import retry_delay
from nbfaas.dispatch.settling import Settling
from nbfaas.dispatch.slot import Slot
from nbfaas.errors import NbfaasError
from nbfaas.model.image import ImageSpec
from nbfaas.model.invocation import CANCELLED, QUEUED, RUNNING, InvocationState, SandboxState
from nbfaas.model.records import Subscriber

if TYPE_CHECKING:
    from nbfaas.settings import Settings

# Seconds; the deadline of a directly sent invocation may be set a second late if it is later.
_WATCH_AT_ONCE = 10.0


class Dispatcher:
    """Use as: create on the loop; ``submit``; ``await close()``."""

    def __init__(
        self, backend: Backend, settings: Settings, budget: Budget, publish: Subscriber
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._publish = publish
        self.fleet = Fleet(backend, settings, budget, self, publish)
        self._settling = Settling(settings, publish, self._retry, backend.isolates)
        self._intake = Intake()
        self._delayed: dict[Invocation, asyncio.TimerHandle] = {}
        self._autopsies: set[asyncio.Task[None]] = set()
        abandon = lambda *had: self._intake.put(lambda: self._abandoned(*had))  # noqa: E731
        self._direct = DirectPath(self.fleet, self._hear_of, abandon)
        self._closed = False
        self._rebalancer = Rebalancer(self.fleet.slots)
        self._housekeeper = Housekeeper(self.fleet, settings, self._catch_up, self._gone)

    def __repr__(self) -> str:
        lanes = list(self.fleet.lanes.values())
        waiting = sum(lane.waiting for lane in lanes)
        return f"<Dispatcher {waiting} waiting in {len(lanes)} lanes, {self.fleet!r}>"

    # -- from any thread

    def submit(self, invocations: list[Invocation]) -> None:
        """Accept invocations. Each will call its ``listener`` once, on the loop's thread."""
        if len(invocations) != 1 or not self._direct.send(invocations[0]):
            self._intake.put(lambda: self._take_in(invocations))

    def cancel(self, invocations: Iterable[Invocation]) -> None:
        """Cancel those that are not settled. What runs is killed with its sandbox."""
        wanted = list(invocations)
        self._intake.put(lambda: self._cancel(wanted))

    def prewarm(self, image: ImageSpec) -> None:
        self._intake.put(lambda: self.fleet.prewarm(image))

    def stop_idle(self, function: str | None = None) -> None:
        """Remove idle sandboxes, of one function or of all."""
        self._intake.put(lambda: self.fleet.stop_idle(function))

    def supersede(self, digest: str) -> None:
        """A newer version took this one's place: its sandboxes go as soon as they are idle."""
        self._intake.put(lambda: self.fleet.supersede(digest))

    def _hear_of(self, slot: Slot, invocation: Invocation) -> None:
        """A caller has sent an invocation by itself. The loop is not woken for that, unless a
        short timeout has to be watched: it would only compete with the agent. It gets to it with
        the answer, or, where that takes longer, with the housekeeping."""
        timeout = invocation.function.options.timeout
        soon = self._closed or (timeout is not None and timeout < _WATCH_AT_ONCE)
        put = self._intake.put if soon else self._intake.put_aside
        put(lambda: self._sent_directly(slot, invocation))

    # -- taking in

    def _take_in(self, invocations: list[Invocation]) -> None:
        now = self._loop.time()
        lanes: dict[str, Lane] = {}
        for invocation in invocations:
            function = invocation.function
            announce.queued(invocation, self._publish)
            lane = lanes.get(function.digest)
            if self._closed:
                self._settling.cancel(invocation)
                continue
            if lane is None:
                try:
                    lane = lanes[function.digest] = self.fleet.lane(function)
                except NbfaasError as error:
                    self._settling.fail(invocation, error)
                    continue
            invocation.ready_at = now
            lane.keep_alive.called(now)
            lane.push(invocation)
        for lane in lanes.values():
            self._feed_lane(lane)

    def _sent_directly(self, slot: Slot, invocation: Invocation) -> None:
        """Catch up on what a caller has done by itself."""
        self._announce(slot, invocation)
        if slot.head is invocation:
            slot.held = True
            slot.watch_head()
        if self._closed and not invocation.settled:
            self._settling.cancel(invocation)

    def _abandoned(self, slot: Slot, invocation: Invocation) -> None:
        """A caller was interrupted while it had the slot."""
        if slot.recover(invocation):
            self.slot_ready(slot)
        self._cancel([invocation])

    def _announce(self, slot: Slot, invocation: Invocation) -> None:
        if not invocation.announced:
            announce.sent_directly(slot, invocation, self._publish)

    # -- feeding

    def _feed_lane(self, lane: Lane) -> None:
        for slot in sorted(lane.slots, key=lambda slot: len(slot.in_flight)):
            self._feed(slot)
            if not lane.waiting:
                return
        self.fleet.scale(lane)

    def _feed(self, slot: Slot) -> None:
        """Send the slot what it may hold, in one write."""
        lane = slot.lane
        if not lane.waiting or slot.dead:
            return
        in_flight = len(slot.in_flight)
        if not slot.held and not slot.take():
            return  # a caller has it
        most = 1
        if slot.looks_ahead and not (in_flight and self._loop.time() - slot.head_since > STUCK):
            most = lane.chunksize or window(lane.durations, lane.waiting, len(lane.slots))
        slot.enough = most // 2
        if in_flight > slot.enough:
            return  # a write for several invocations at once costs as much as for one
        room = most - in_flight
        batch: list[Invocation] = []
        while room > 0 and (invocation := lane.pop()) is not None:
            batch.append(invocation)
            room -= 1
        if batch:
            slot.send(batch)
            if len(slot.in_flight) > 1:
                self._rebalancer.watch()
        elif not in_flight:
            slot.park()

    def slot_ready(self, slot: Slot) -> None:
        if slot.lane.waiting:
            self._feed(slot)
        elif not slot.in_flight:
            slot.park()

    def make_slot(self, sandbox: Sandbox, lane: Lane, cold: bool) -> Slot:
        return Slot(sandbox, lane, self, self._settings, cold=cold)

    def started(self, slot: Slot, invocation: Invocation) -> None:
        invocation.state = RUNNING
        invocation.attempts_made += 1
        announce.started(slot, invocation, self._publish)

    # -- what sandboxes say

    def answered(self, slot: Slot, invocation: Invocation, frame: Frame, took: float) -> None:
        self._announce(slot, invocation)
        stats = self._settling.stats(slot, invocation, frame, took, slot.last_heard)
        slot.lane.durations.add(stats.wall)
        slot.memory = min(stats.peak_memory, slot.lane.spec.resources.memory)  # it may claim more
        if invocation.state is CANCELLED:
            invocation.slot = None  # it was revoked too late, and has been settled
        elif frame.kind == RESULT:
            self._settling.result(invocation, frame.parts, stats)
        else:
            try:
                failure, cause = failure_of(invocation, frame, slot.sandbox.id)
            except WireError as error:
                self._end_slot(slot, Death(DeathKind.PROTOCOL, str(error)), invocation)
                return
            self._settling.attempt_failed(invocation, cause, stats, failure)
        self._intake.work_off()
        if slot.dead or len(slot.in_flight) > slot.enough:
            return
        lane = slot.lane
        if lane.superseded and not lane.waiting and not slot.in_flight:
            self.fleet.retire(slot, "a newer version took its place")
            self._replan()
        elif lane.waiting:
            if slot.in_flight or not self.fleet.starved(lane):
                self._feed(slot)
            else:
                self.fleet.retire(slot, "gave way to another function")
                self.fleet.to_the_end(lane)
                self._replan()
        elif not slot.in_flight:
            slot.park()
            lane.keep_alive.quiet(self._loop.time())
            self._replan()

    def logged(self, invocation: Invocation, stream: int, data: bytes) -> None:
        self._settling.logged(invocation, stream, data)

    def revoked(self, slot: Slot, invocations: list[Invocation]) -> None:
        self._requeue(slot.lane, let_go(invocations))
        self.slot_ready(slot)
        self._replan()

    def load_failed(self, slot: Slot, frame: Frame) -> None:
        try:
            failure, cause = read_failure(frame, slot.lane.function, slot.sandbox.id)
        except WireError as error:
            self._end_slot(slot, Death(DeathKind.PROTOCOL, str(error)), slot.head)
            return
        unfinished = self._release(slot)
        self.fleet.dispose(slot.sandbox)
        self.fleet.publish_state(slot, SandboxState.DEAD, "the function could not be loaded")
        for invocation in [*unfinished, *slot.lane.drain()]:
            if not invocation.settled:
                self._settling.fail(invocation, cause, failure)
        self._replan()

    def overdue(self, slot: Slot, invocation: Invocation) -> None:
        if invocation.settled:  # cancelled, revoked too late
            self._end_slot(slot, Death(DeathKind.KILLED, "cancelled"), None)
            return
        error = timed_out(invocation.function)
        self._end_slot(slot, Death(DeathKind.KILLED, "timeout"), invocation, error)

    def lost(self, slot: Slot, error: Exception | None) -> None:
        broke = Death(DeathKind.PROTOCOL, f"it broke the protocol ({error})")
        self._end_slot(slot, broke if error is not None else None, slot.charged_head())

    def _catch_up(self) -> None:
        self._intake.work_off()
        self._replan()

    def _gone(self, slot: Slot, death: Death) -> None:
        self._end_slot(slot, death, slot.head)

    def lane_hopeless(self, lane: Lane, error: NbfaasError) -> None:
        for invocation in lane.drain():
            self._settling.fail(invocation, error)
        self._replan()

    # -- ends

    def _end_slot(
        self,
        slot: Slot,
        death: Death | None,
        charged: Invocation | None,
        error: Exception | None = None,
    ) -> None:
        """Give up a slot. Only ``charged`` has used up an attempt; what waited behind it goes back
        to the front of the queue. Without a ``death`` the backend is asked for the cause."""
        unfinished = self._release(slot)
        self._requeue(slot.lane, [i for i in unfinished if i is not charged and not i.settled])
        task = self._loop.create_task(self._bury(slot, death, charged, error), name="nbfaas-bury")
        self._autopsies.add(task)
        task.add_done_callback(self._autopsies.discard)
        self._replan()

    def _release(self, slot: Slot) -> list[Invocation]:
        """Take it out of its lane; return what was in flight, in order."""
        unfinished = slot.release()
        self.fleet.remove(slot)
        for invocation in unfinished:
            if invocation.attempts_made:
                self._announce(slot, invocation)
        let_go(unfinished)
        return unfinished

    async def _bury(
        self,
        slot: Slot,
        death: Death | None,
        charged: Invocation | None,
        error: Exception | None,
    ) -> None:
        if death is None:
            try:
                death = await slot.sandbox.autopsy()
            except Exception as problem:  # noqa: BLE001 - the caller still gets its SandboxLost
                death = Death(DeathKind.UNKNOWN, f"its end could not be examined: {problem}")
        self.fleet.publish_state(slot, SandboxState.DEAD, death.detail)
        self.fleet.dispose(slot.sandbox)
        if charged is not None and not charged.settled:
            error = error or error_from_death(death, charged.function, slot.sandbox.id)
            now = self._loop.time()
            stats = self._settling.stats(slot, charged, None, now - slot.head_since, now)
            self._settling.attempt_failed(charged, error, stats, None)

    def _requeue(self, lane: Lane, invocations: list[Invocation]) -> None:
        for invocation in invocations:
            invocation.slot = None
            if invocation.state is RUNNING:
                # Its sandbox was lost before it was started: this was no attempt.
                invocation.state = QUEUED
                invocation.attempts_made -= 1
        lane.push_front(invocations)

    def _retry(self, invocation: Invocation, error: BaseException) -> bool:
        """Queue the next attempt, if there is to be one."""
        delay = retry_delay(invocation.retries, invocation.attempts_made, error)
        if delay is None or self._closed:
            return False
        invocation.state = InvocationState.RETRYING
        invocation.slot = None
        self._delayed[invocation] = self._loop.call_later(delay, self._retry_now, invocation)
        return True

    def _retry_now(self, invocation: Invocation) -> None:
        self._delayed.pop(invocation, None)
        lane = self.fleet.lane(invocation.function)
        invocation.ready_at = self._loop.time()
        lane.push(invocation)
        self._feed_lane(lane)

    def _cancel(self, invocations: list[Invocation]) -> None:
        running: list[Invocation] = []
        for invocation in invocations:
            if invocation.settled:
                continue
            timer = self._delayed.pop(invocation, None)
            if timer is not None:
                timer.cancel()
            elif invocation.slot is not None:
                running.append(invocation)
                continue
            elif invocation.announced and invocation.state is not RUNNING:
                self.fleet.forget(invocation.function)
            # else: it never came in, or its result is being unpickled in a thread
            self._settling.cancel(invocation)
        # All of them are settled first: what ``_end_slot`` finds unsettled goes on elsewhere.
        for invocation in running:
            if invocation.slot is not None and invocation.state is RUNNING:
                self._announce(invocation.slot, invocation)
            self._settling.cancel(invocation)
        for invocation in running:
            slot = invocation.slot
            if slot is None or slot.dead:
                continue
            if slot.head is invocation:
                self._end_slot(slot, Death(DeathKind.KILLED, "cancelled"), None)
            else:
                slot.revoke_waiting()

    def _replan(self) -> None:
        """Something may be free: see who can use it, those with nothing first."""
        for lane in sorted(self.fleet.lanes.values(), key=lambda lane: lane.existing):
            if lane.waiting:
                self._feed_lane(lane)

    async def close(self) -> None:
        """Cancel everything, destroy every sandbox, and return when nothing is left."""
        self._closed = self._direct.closed = True
        self._rebalancer.close()
        await self._housekeeper.close()
        everything = [*self._delayed]
        for lane in self.fleet.lanes.values():
            everything += lane.drain()
            everything += [each for slot in lane.slots for each in slot.in_flight.values()]
        for timer in self._delayed.values():
            timer.cancel()
        for invocation in let_go(everything):
            self._settling.cancel(invocation)
        await none_left(self._autopsies)
        await self._settling.close()
        await self.fleet.close()
        self._intake.work_off()
        let_go(everything)
