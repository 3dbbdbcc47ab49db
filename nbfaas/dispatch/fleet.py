"""The fleet: starts sandboxes for lanes, within the budget, and lets go of them."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from nbfaas.backends.base import Backend, Sandbox, SandboxSpec
from nbfaas.dispatch.autoscale import desired_sandboxes
from nbfaas.dispatch.awaiting import none_left
from nbfaas.dispatch.budget import Budget
from nbfaas.dispatch.keep_alive import KeepAlive
from nbfaas.dispatch.lane import Lane
from nbfaas.dispatch.load import STABLE
from nbfaas.dispatch.slot import Slot
from nbfaas.dispatch.state_desk import StateDesk
from nbfaas.dispatch.stock import Stock
from nbfaas.errors import NbfaasError, PythonMismatch, SandboxStartFailed, SecretMissing
from nbfaas.model.function import FunctionVersion, Resources
from nbfaas.model.image import ImageSpec
from nbfaas.model.invocation import SandboxState
from nbfaas.model.records import SandboxChanged, Subscriber
from nbfaas.model.secret import read_secrets

if TYPE_CHECKING:
    from nbfaas.settings import Settings

# A start that fails may be bad luck; this many in a row, with no sandbox running, are not.
_START_ATTEMPTS = 3
_IDLE = SandboxState.IDLE
_HOST_PYTHON = sys.version_info[:2]


class FleetOwner(Protocol):
    """What the fleet tells. Called on the loop's thread."""

    def slot_ready(self, slot: Slot) -> None: ...
    def lane_hopeless(self, lane: Lane, error: NbfaasError) -> None: ...
    def make_slot(self, sandbox: Sandbox, lane: Lane, cold: bool) -> Slot: ...


class Fleet:
    """All sandboxes of one backend. Used from the loop's thread only."""

    def __init__(
        self,
        backend: Backend,
        settings: Settings,
        budget: Budget,
        owner: FleetOwner,
        publish: Subscriber,
    ) -> None:
        self.backend = backend
        self.budget = budget
        self.lanes: dict[str, Lane] = {}  # by digest
        self._keep_alives: dict[str, KeepAlive] = {}
        self.stock = Stock(backend, lambda: settings.prewarm, self.dispose, self._publish_prewarmed)
        self.desk = StateDesk(settings)
        self._settings = settings
        self._owner = owner
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._starts: set[asyncio.Task[None]] = set()
        self._disposals: set[asyncio.Task[None]] = set()
        self._refill_timer: asyncio.TimerHandle | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<Fleet on {self.backend.name}, {len(self.slots())} in use, {self.stock!r}>"

    def slots(self) -> list[Slot]:
        return [slot for lane in self.lanes.values() for slot in lane.slots]

    def states(self) -> Counter[str]:
        """How many sandboxes there are in each state. STARTING are those that invocations wait
        for, PREWARMED those that have no function yet."""
        states: Counter[str] = Counter(str(slot.state) for slot in self.slots())
        states["STARTING"] += sum(lane.starting for lane in self.lanes.values())
        states["PREWARMED"] += len(self.stock.sandboxes())
        return states

    def lane(self, function: FunctionVersion) -> Lane:
        """The function's lane. Raises ``InsufficientResources`` for one that could never start."""
        lane = self.existing_lane(function)
        if lane is None:
            options = function.options
            self.budget.check(function.name, options.resources)
            spec = SandboxSpec(options.image, options.resources, options.volumes, options.network)
            # By name: what was learnt of a function outlives its versions and its sandboxes.
            keep_alive = self._keep_alives.setdefault(function.name, KeepAlive())
            lane = Lane(function, spec, keep_alive, self._loop.time())
            if (other := self.lanes.get(function.digest)) is not None:
                self.lanes[f"{function.digest} {id(other)}"] = other
            self.lanes[function.digest] = lane
        lane.superseded = False  # somebody still uses it
        return lane

    def existing_lane(self, function: FunctionVersion) -> Lane | None:
        """A version has another lane for secrets that were declared apart: their values may differ,
        under the same names."""
        lane = self.lanes.get(function.digest)
        if lane is None or lane.serves(function):
            return lane
        return next((each for each in self.lanes.values() if each.serves(function)), None)

    def forget(self, function: FunctionVersion) -> None:
        """One that waited in the function's lane was settled there."""
        if (lane := self.existing_lane(function)) is not None:
            lane.forget()

    def supersede(self, digest: str) -> None:
        """Retire the version's idle sandboxes now, and the busy ones when they become idle."""
        for lane in self.lanes.values():
            if lane.function.digest != digest:
                continue
            lane.superseded = True
            for slot in list(lane.slots):
                if slot.take():
                    self.retire(slot, "a newer version took its place")

    # -- growing

    def scale(self, lane: Lane) -> None:
        """Start the sandboxes that the lane's invocations call for, as far as the budget goes."""
        wanted = desired_sandboxes(
            queued=lane.waiting,
            in_flight=lane.in_flight,
            existing=lane.existing,
            durations=lane.durations,
            running=lane.running(self._loop.time()),
            limit=lane.function.options.max_containers,
        )
        for _ in range(wanted - lane.existing):
            if self._closed or not self._make_room(lane) or self._secrets(lane) is None:
                return
            self.budget.take(lane.spec.resources)
            lane.starting += 1
            sandbox = self._from_stock(lane.spec)
            if sandbox is not None:
                self._hand_over(sandbox, lane, cold=False)
            else:
                task = self._loop.create_task(self._start(lane), name="nbfaas-start")
                self._starts.add(task)
                task.add_done_callback(self._starts.discard)

    def starved(self, besides: Lane) -> bool:
        """Whether another lane waits for a sandbox that the budget does not allow."""
        return any(
            lane.waiting and not lane.existing
            for lane in self.lanes.values()
            if lane is not besides
        )

    def to_the_end(self, lane: Lane) -> None:
        """Whatever becomes free is offered to the other lanes first."""
        key = next(key for key, each in self.lanes.items() if each is lane)
        self.lanes[key] = self.lanes.pop(key)

    def prewarm(self, image: ImageSpec) -> None:
        """Fill the stock for an image before its first use."""
        if not self._closed:
            self.stock.refill(image)

    def _make_room(self, lane: Lane) -> bool:
        """Whether the budget allows one more; idle sandboxes of others give their memory up, oldest
        first."""
        resources = lane.spec.resources
        if lane.existing and not self.budget.has_cores(resources, self._cores_at_work()):
            return False
        while not self.budget.has_memory(resources):
            idle = [
                slot
                for slot in self.slots()
                if slot.lane is not lane and not slot.lane.waiting and slot.state is _IDLE
            ]
            if not idle:
                return False
            oldest = min(idle, key=lambda slot: slot.idle_since)
            if not oldest.take():
                return False  # a caller has got it meanwhile
            self.retire(oldest, "gave way to another function")
        return True

    def _cores_at_work(self) -> float:
        return sum(
            lane.spec.resources.cpu
            * (lane.starting + sum(slot.state is not _IDLE for slot in lane.slots))
            for lane in self.lanes.values()
        )

    def _from_stock(self, spec: SandboxSpec) -> Sandbox | None:
        """A prewarmed sandbox that needs no change of its limits."""
        if not self.stock.holds(spec) or spec.resources != Resources():
            return None
        sandbox = self.stock.take(spec.image)
        if sandbox is not None and sandbox.hello.python[:2] != _HOST_PYTHON:
            self.dispose(sandbox)
            return None  # the start that follows says what is wrong
        return sandbox

    async def _start(self, lane: Lane) -> None:
        try:
            sandbox, cold = await self._obtain(lane.spec)
            self._check_python(sandbox)
        except Exception as error:  # noqa: BLE001 - reported to the lane, whatever it is
            lane.starting -= 1
            self.budget.give_back(lane.spec.resources)
            self._start_failed(lane, error)
        except asyncio.CancelledError:
            lane.starting -= 1
            self.budget.give_back(lane.spec.resources)
            raise
        else:
            self._hand_over(sandbox, lane, cold=cold)

    async def _obtain(self, spec: SandboxSpec) -> tuple[Sandbox, bool]:
        """A sandbox, and whether it had to be started from nothing."""
        if self.stock.holds(spec):
            sandbox = self.stock.take(spec.image)
            starting = None if sandbox else self.stock.take_starting(spec.image)
            if starting is not None:
                try:
                    sandbox = await starting
                except asyncio.CancelledError:
                    # Perhaps it was ready at the same moment, and nobody else knows of it.
                    if not starting.cancelled() and starting.done() and not starting.exception():
                        self.dispose(starting.result())
                    raise
            if sandbox is not None:
                try:
                    if spec.resources != sandbox.spec.resources:
                        await sandbox.resize(spec.resources)
                except BaseException as error:
                    self.dispose(sandbox)  # it is in no stock and no lane any more
                    if not isinstance(error, NbfaasError):
                        raise
                    # It may have died a moment ago; a fresh one says if more is wrong.
                else:
                    return sandbox, starting is not None
        return await self.backend.start(spec), True

    def _check_python(self, sandbox: Sandbox) -> None:
        if sandbox.hello.python[:2] != _HOST_PYTHON:
            self.dispose(sandbox)
            theirs = ".".join(map(str, sandbox.hello.python[:2]))
            ours = ".".join(map(str, _HOST_PYTHON))
            raise PythonMismatch(str(sandbox.spec.image), theirs, ours)

    def _hand_over(self, sandbox: Sandbox, lane: Lane, *, cold: bool) -> None:
        lane.starting -= 1
        lane.failed_starts = 0
        secrets = self._secrets(lane)
        if secrets is None:
            self.dispose(sandbox)
            self.budget.give_back(lane.spec.resources)
            return
        slot = self._owner.make_slot(sandbox, lane, cold)
        slot.desk = self.desk
        lane.slots.append(slot)
        slot.load(secrets)
        self.publish_state(slot, SandboxState.IDLE)
        self._owner.slot_ready(slot)
        self._refill_soon()

    def _secrets(self, lane: Lane) -> dict[str, str] | None:
        """The values that its function's secrets have now; None if one is missing: nothing of what
        waits can be run."""
        function = lane.function
        try:
            return read_secrets(function.options.secrets, function.name)
        except SecretMissing as error:
            self._owner.lane_hopeless(lane, error)
            return None

    def _start_failed(self, lane: Lane, error: Exception) -> None:
        lane.failed_starts += 1
        self.stock.forget(lane.spec.image)
        if isinstance(error, NbfaasError) and not isinstance(error, SandboxStartFailed):
            self._owner.lane_hopeless(lane, error)
        elif lane.failed_starts >= _START_ATTEMPTS and not lane.existing:
            if not isinstance(error, NbfaasError):
                reason = f"{type(error).__name__}: {error}"
                error = SandboxStartFailed(str(lane.spec.image), reason)
            lane.failed_starts = 0
            self._owner.lane_hopeless(lane, error)
        else:
            self._loop.call_soon(self.scale, lane)

    def _refill_soon(self) -> None:
        """Refill the stock once nothing more urgent is being started."""
        if self._refill_timer is None and not self._closed:
            self._refill_timer = self._loop.call_later(0.2, self._refill)

    def _refill(self) -> None:
        self._refill_timer = None
        if self._closed:
            return
        if self._starts:
            self._refill_soon()
            return
        in_use = {lane.spec.image for lane in self.lanes.values() if lane.slots}
        for image in in_use.union(self.stock.images()):
            self.stock.refill(image)

    # -- shrinking

    def remove(self, slot: Slot) -> None:
        """Take a slot that was released out of its lane; its sandbox is not yet disposed of."""
        if slot in slot.lane.slots:
            slot.lane.slots.remove(slot)
            self.budget.give_back(slot.lane.spec.resources)

    def retire(self, slot: Slot, reason: str) -> None:
        """Remove an idle slot and its sandbox."""
        slot.release()
        self.remove(slot)
        self.publish_state(slot, SandboxState.STOPPING, reason)
        self.dispose(slot.sandbox)

    def dispose(self, sandbox: Sandbox) -> None:
        """Destroy a sandbox in the background."""
        sandbox.connection.close()
        task = self._loop.create_task(sandbox.destroy(), name="nbfaas-dispose")
        self._disposals.add(task)
        task.add_done_callback(self._disposals.discard)

    def stop_idle(self, function: str | None) -> None:
        """Remove the idle sandboxes of one function, or of all."""
        for slot in self.slots():
            if function in (None, slot.lane.function.name) and slot.take():
                self.retire(slot, "stopped")

    def expire(self, now: float) -> None:
        """Remove what has been idle for too long, is more than the load of late needs, or holds
        more memory than idle sandboxes may."""
        settings = self._settings
        for lane in list(self.lanes.values()):
            lane.load.add(now, lane.waiting + lane.in_flight, len(lane.slots))
            surplus = lane.load.surplus(now, len(lane.slots))
            kept = lane.keep_alive.seconds(settings.keep_alive)
            for slot in sorted(lane.slots, key=lambda slot: slot.idle_since):
                idle = now - slot.idle_since
                if idle >= kept and slot.take():
                    self.retire(slot, "idle")
                elif surplus > 0 and idle >= STABLE and slot.take():
                    surplus -= 1
                    self.retire(slot, "more than the load of the last minute needs")
        self._free_idle_memory(settings.idle_memory)
        self.stock.expire(now, settings.keep_alive)
        for key, lane in list(self.lanes.items()):
            if not (lane.slots or lane.starting or lane.waiting):
                del self.lanes[key]

    def _free_idle_memory(self, allowed: int) -> None:
        idle = [slot for slot in self.slots() if slot.state is _IDLE]
        held = sum(slot.memory for slot in idle)
        for slot in sorted(idle, key=lambda slot: slot.idle_since):
            if held <= allowed:
                return
            if slot.take():
                held -= slot.memory
                self.retire(slot, "idle sandboxes held too much memory")

    async def close(self) -> None:
        """Destroy every sandbox, and return when none is left."""
        self._closed = True
        if self._refill_timer is not None:
            self._refill_timer.cancel()
        for task in list(self._starts):
            task.cancel()
        await asyncio.gather(*self._starts, return_exceptions=True)
        await self.stock.close()
        for slot in self.slots():
            self.retire(slot, "closing")
        await none_left(self._disposals)
        await self.desk.close()

    # -- telling

    def publish_state(self, slot: Slot, state: SandboxState, reason: str = "") -> None:
        function = slot.lane.function
        self._publish(
            SandboxChanged(
                time.time(),
                slot.sandbox.id,
                state,
                function.name,
                function.version,
                str(slot.sandbox.spec.image),
                reason,
            )
        )

    def _publish_prewarmed(self, sandbox: Sandbox, reason: str) -> None:
        state = SandboxState.DEAD if reason else SandboxState.IDLE
        image = str(sandbox.spec.image)
        self._publish(SandboxChanged(time.time(), sandbox.id, state, None, None, image, reason))
