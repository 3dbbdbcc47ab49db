"""``Burst``: many events like one. Pure but for ``start`` and ``send``."""

from __future__ import annotations

import copy
import json
import math
import random
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from nbfaas.agent.event import BadEvent, Event
from nbfaas.errors import BadTransformer
from nbfaas.errors.simulator import BadBurst, nearest
from nbfaas.events.variations import Variation, spoil
from nbfaas.rules.json_path import MISSING, Steps, look_up, read_path

if TYPE_CHECKING:
    from nbfaas.events.burst_run import BurstProgress, BurstResult, BurstRun

POISON = "poison"
"""The extension attribute that says what is broken in a poison event."""
_MOST = 1_000_000


class Planned(NamedTuple):
    """``at``: seconds after the beginning. ``duplicate``: the event was there before. ``poison``:
    what is broken in its data, in words."""

    at: float
    event: Event
    duplicate: bool = False
    poison: str | None = None


class Burst:
    """``n`` events like ``event``, ``rate`` of them a second (None: all at once).

    Each has an id of its own, a time, and, where ``vary`` says so, other values: ``{"$.data.total":
    Range(1, 500), "$.subject": Counter(text="A-{}")}`` (see ``variations``). ``duplicates`` and
    ``poison`` are shares, from 0 to 1: of events that are an earlier one once more, and of events
    with broken data, which say in the extension attribute ``poison`` what is broken.

    All of it, ids included, follows from ``event`` and ``seed``: the same two make the same burst,
    which the store takes for the same events. Without a ``seed`` one is drawn. Iterating yields
    ``(at_seconds, event)``, ``plan()`` more. Raises ``BadBurst``.
    """

    def __init__(
        self,
        event: Event,
        n: int,
        *,
        rate: float | None = None,
        seed: int | str | None = None,
        vary: Mapping[str, Variation] | None = None,
        duplicates: float = 0.0,
        poison: float = 0.0,
    ) -> None:
        if not isinstance(event, Event):
            raise BadBurst("event", event, "it is an Event, such as nbfaas.events.template(…)")
        if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= _MOST:
            raise BadBurst("n", n, f"it is a whole number, from 1 to {_MOST:,}")
        if rate is not None and not (_is_number(rate) and 0 < rate < math.inf):
            raise BadBurst("rate", rate, "it is a number of events a second, or None: all at once")
        for name, share in (("duplicates", duplicates), ("poison", poison)):
            if not _is_number(share) or not 0 <= share <= 1:
                raise BadBurst(name, share, "it is a share, from 0 to 1")
        self.event = event
        self.n = n
        self.rate = rate
        self.seed = secrets.randbits(32) if seed is None else seed
        self.duplicates = duplicates
        self.poison = poison
        self._steps = {path: _steps(event, path) for path in vary or {}}
        self.vary = dict(vary or {})
        for path, variation in self.vary.items():
            if not callable(getattr(variation, "draw", None)):
                wanted = "give Range(…), Choice(…), Counter(), Uuid(), or what has a draw method"
                raise BadBurst(f"vary[{path!r}]", variation, wanted)
        next(self.plan())  # what is wrong is told here, and not in the middle of sending

    @property
    def seconds(self) -> float:
        """From the first event to the last."""
        return 0.0 if self.rate is None else (self.n - 1) / self.rate

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[tuple[float, Event]]:
        for planned in self.plan():
            yield planned.at, planned.event

    def plan(self) -> Iterator[Planned]:
        """The events in the order they are sent. Each call begins anew."""
        base = self.event
        chance = random.Random(f"{self.seed}\n{base.source}\n{base.id}")  # noqa: S311
        earlier: list[Planned] = []
        for index in range(self.n):
            at = 0.0 if self.rate is None else index / self.rate
            if earlier and chance.random() < self.duplicates:
                again = chance.choice(earlier)
                yield again._replace(at=at, duplicate=True)
                continue
            planned = self._new(chance, len(earlier), at)
            earlier.append(planned)
            yield planned

    def start(
        self,
        emit: Callable[[Event], Any] | None = None,
        *,
        progress: Callable[[BurstProgress], object] | None = None,
        concurrency: int = 8,
    ) -> BurstRun:
        """Begin to send the events, each at its time, and return at once.

        ``emit`` takes one event and returns its receipt, or raises if it is refused; by default it
        is ``nbfaas.events.send``. Up to ``concurrency`` are under way at a time, in threads.
        ``progress`` is called from a thread, ten times a second at most, and at the end.
        """
        from nbfaas.events.burst_run import BurstRun

        return BurstRun(self, emit, progress, concurrency)

    def send(
        self,
        emit: Callable[[Event], Any] | None = None,
        *,
        progress: Callable[[BurstProgress], object] | None = None,
        concurrency: int = 8,
    ) -> BurstResult:
        """Send the events, and wait until that is done. Ctrl-C cancels what is left."""
        run = self.start(emit, progress=progress, concurrency=concurrency)
        try:
            return run.result()
        except KeyboardInterrupt:
            run.cancel()
            run.result()
            raise

    def _new(self, chance: random.Random, index: int, at: float) -> Planned:
        event_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        found = self.event.to_dict()
        if self._steps:
            found = {k: copy.deepcopy(v) if k == "data" else v for k, v in found.items()}
        for path, steps in self._steps.items():
            _put(found, steps, self._drawn(path, chance, index))
        try:
            event = Event.from_dict(found)
            event = event.replace(id=event_id, time=event.time + timedelta(seconds=at))
        except BadEvent as error:
            raise BadBurst("vary", list(self.vary), f"it makes no event: {error}") from None
        if chance.random() >= self.poison:
            return Planned(at, event)
        data, what = spoil(chance, event.data)
        extensions = {**event.extensions, POISON: what}
        return Planned(at, event.replace(data=data, extensions=extensions), poison=what)

    def _drawn(self, path: str, chance: random.Random, index: int) -> Any:
        value = self.vary[path].draw(chance, index)
        try:
            return json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError):
            raise BadBurst(f"vary[{path!r}]", value, "what is drawn has to be JSON") from None

    def __repr__(self) -> str:
        rate = "at once" if self.rate is None else f"at {self.rate:g}/s"
        extras = [f"varying {path}" for path in self.vary]
        extras += [f"{share:.0%} {name}" for name, share in
                   (("duplicates", self.duplicates), ("poison", self.poison)) if share]  # fmt: skip
        more = "".join(f", {extra}" for extra in extras)
        return f"<Burst of {self.n:,} × {self.event.type} {rate}{more}, seed {self.seed}>"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _steps(event: Event, path: str) -> Steps:
    """Those of a path to something that the event has."""
    option = f"vary[{path!r}]"
    try:
        steps = read_path(path, "vary")
    except BadTransformer as error:
        raise BadBurst("vary", path, f"{error.problem}. {error.fix}".rstrip()) from None
    found = event.to_dict()
    if not steps or steps[0] in ("id", "specversion", "data_base64"):
        wanted = "each event has an id of its own; vary its data, or another attribute"
        raise BadBurst("vary", path, wanted)
    for count, step in enumerate(steps):
        if look_up(found, steps[: count + 1]) is MISSING:
            around = look_up(found, steps[:count])
            known = map(str, around) if isinstance(around, dict) else ()
            raise BadBurst(
                option, step, f"the event has no such field; {nearest(str(step), known)}"
            )
    return steps


def _put(found: Any, steps: Steps, value: Any) -> None:
    for step in steps[:-1]:
        found = found[step]
    found[steps[-1]] = value
