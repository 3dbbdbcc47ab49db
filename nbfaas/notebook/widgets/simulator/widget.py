"""``Simulator``: an event is made up, sent, and followed.

The event is the widget's ``draft``, a JSON text. Views show it as a form and as the text itself,
and tell what is typed; here it is checked. What is sent is what a view has at that moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Literal

from nbfaas import events
from nbfaas.agent.event import Event
from nbfaas.errors import NbfaasError
from nbfaas.errors.simulator import SimulatorError
from nbfaas.events.locally import find_function
from nbfaas.notebook.widgets.actions import action
from nbfaas.notebook.widgets.base import FaasWidget, field
from nbfaas.notebook.widgets.facts import facts
from nbfaas.notebook.widgets.simulator import drafting, following, picture
from nbfaas.notebook.widgets.simulator.bursting import Bursting, Options, burst_of
from nbfaas.notebook.widgets.simulator.code import code_of
from nbfaas.notebook.widgets.simulator.guessing import example_event
from nbfaas.remote.call import FunctionCall
from nbfaas.remote.dead_letters import dead_letters
from nbfaas.remote.decorator import functions
from nbfaas.remote.triggers import triggers

_ROWS = 50  # of the history
_SHARE = 0.05  # of a core, for looking at what became of events
_CHECKED_EVERY = 1.0  # seconds: rules may have come since
_QUIET = 0.3  # seconds until the next look, after one that has shown nothing new
_AGAIN = 1.0  # seconds after which dead letters are looked at once more: they may be redriven
_FORGOTTEN = "this event is no longer remembered; the last 1,000 are"

BUS, TRIGGER, FUNCTION = "bus", "trigger:", "function:"


class Simulator(FaasWidget):
    """``nbfaas.simulate(…)`` makes one. ``function``: whose type hints the form is made from, and
    ``trigger``: what gets the event; without either, it goes to the bus."""

    script = "simulator.js"
    pace = 1.0  # functions and triggers come and go
    endless = True

    catalog = field([])  # templates, by groups
    names = field({"functions": [], "triggers": []})  # whom there is to send to
    form = field({"function": "", "schema": None})
    draft = field({"text": "", "by": "", "number": 0})  # by: the view that typed it
    checked = field({"text": "", "problems": [], "sendable": False, "matches": []})
    to = field(BUS)  # "bus", "trigger:NAME" or "function:NAME"
    outcome = field(None)  # of the chosen event
    sent = field([])
    bursts_shown = field(False)  # in the history
    burst = field(None)
    saved = field([])

    def __init__(
        self,
        *,
        function: Callable[..., Any] | None = None,
        name: str | None = None,
        trigger: str | None = None,
    ) -> None:
        self._given: dict[str, Callable[..., Any]] = {}
        self._invoked: list[following.Invoked] = []
        self._chosen: following.Entry | None = None
        self._results = following.Results()
        self._standing = following.Standing()
        self._bursting: Bursting | None = None
        self._burst_ids: set[str] = set()
        self._drafting = threading.Lock()
        self._latest: dict[str, int] = {}  # the number of the latest text, by view
        self._form_of: Callable[..., Any] | None = None
        self._next_check = self._next_look = 0.0  # monotonic
        super().__init__(catalog=drafting.catalog())
        if function is not None:
            name = name or str(getattr(function, "name", None) or function.__name__)
            if functions.get(name) is not function:
                self._given[name] = function
        self.put(saved=_saved())
        self._begin(name if function is not None else None, trigger)

    # -- what is shown

    def refresh(self) -> None:
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + _CHECKED_EVERY
            self._look_around()
            self._check()
        if now >= self._next_look:
            before = (self.outcome, self.burst, self.sent)
            self._look()
            quiet = before == (self.outcome, self.burst, self.sent)
            took = time.monotonic() - now
            pause = _AGAIN if self._over() else _QUIET if quiet else 0.0
            self._next_look = now + took / _SHARE + pause
        if not self._over():
            self.stale()

    def _over(self) -> bool:
        """Whether nothing is expected to change."""
        bursting = self._bursting
        outcome: Any = self.outcome
        return (bursting is None or bursting.settled) and (outcome is None or outcome["settled"])

    def _look_around(self) -> None:
        names = {
            "functions": sorted({*functions, *self._given}),
            "triggers": [{"name": each.name, "kind": each.kind} for each in triggers],
        }
        self.put(names=names)
        function = self.form["function"]
        if function and self._find(function) is not self._form_of:
            self._make_form(function)  # its cell was run again

    def _check(self, text: str | None = None) -> None:
        with self._drafting:
            text = self.draft["text"] if text is None else text
            checked = drafting.check(text, self.form["schema"])
            self.put(checked={"text": text, **checked})

    def _look(self) -> None:
        """At what became of events."""
        if self._bursting is not None and not self._bursting.settled:
            burst = self._bursting.facts()
            self._burst_ids |= self._bursting.events
            self.put(burst=burst)
        chosen = self._chosen
        if chosen is not None:
            self.put(outcome=following.outcome(chosen, self._results))
        entries = self._entries()[:_ROWS]
        standings = self._standing.of([each.event for each in entries])
        self.put(sent=[following.row(*each) for each in zip(entries, standings, strict=True)])

    def _entries(self) -> list[following.Entry]:
        """What the history shows, the latest first."""
        sent = self._all()
        if not self.bursts_shown:
            sent = [each for each in sent if each.event.id not in self._burst_ids]
        return sent

    def _all(self) -> list[following.Entry]:
        sent: list[following.Entry] = [*events.history(), *self._invoked]
        return sorted(sent, key=lambda each: each.at, reverse=True)

    def text(self) -> str:
        return picture.text(self)

    def snapshot_html(self) -> str:
        return picture.html(self)

    def close(self) -> None:
        if self._bursting is not None:
            self._bursting.run.cancel()
        super().close()

    # -- the draft

    def _begin(self, function: str | None, trigger: str | None) -> None:
        if trigger is not None:
            handle = triggers[trigger]
            target = handle.target if handle.target in functions else None
            self._make_form(target or "")
            made = example_event(self.form["schema"], handle.kind, handle.pattern)
            self.put(to=BUS if handle.pattern is not None else TRIGGER + trigger)
        elif function is not None:
            self._make_form(function)
            handles = [each for each in triggers if each.target == function]
            handles.sort(key=lambda each: each.pattern is None)
            self.put(to=BUS if handles else FUNCTION + function)
            first = handles[0] if handles else None
            if first is None:
                made = example_event(self.form["schema"])
            else:
                made = example_event(self.form["schema"], first.kind, first.pattern)
                self.put(to=BUS if first.pattern is not None else TRIGGER + first.name)
        else:
            made = events.template("order.created")
        self._write(drafting.draft_of(made))

    def _make_form(self, function: str) -> None:
        schema = None
        self._form_of = None
        if function:
            self._form_of = self._find(function)
            found = events.schema_of(self._form_of)
            schema = found if found.keys() - {"$schema"} else None
        self.put(form={"function": function, "schema": schema})

    def _find(self, name: str) -> Callable[..., Any]:
        return self._given[name] if name in self._given else find_function(name)

    def _write(self, text: str) -> None:
        """Put another text into all views."""
        self.put(draft={"text": text, "by": "", "number": self.draft["number"] + 1})
        self._check()

    @action
    def edit(self, text: str, by: str, number: int) -> None:
        """A view has this text now, ``number`` of those that were typed there."""
        if self._is_late(by, number):
            return
        self.put(draft={"text": text, "by": by, "number": self.draft["number"] + 1})
        self._check()

    def _is_late(self, by: str, number: int) -> bool:
        with self._drafting:
            late = number <= self._latest.get(by, -1)
            if not late:
                self._latest[by] = number
            return late

    @action
    def fill(self, name: str, values: dict[str, Any]) -> None:
        """The draft is to be the template's event. Raises ``BadTemplateParameter``."""
        self._write(drafting.draft_of(events.template(name, **values)))

    @action
    def example(self, function: str) -> None:
        """The draft is to be an event for a function, and the form made from its type hints."""
        self._begin(function, None)

    @action
    def choose_form(self, function: str) -> None:
        """Of which function the type hints make the form; none: ""."""
        self._make_form(function)
        self._check()

    @action
    def choose_target(self, to: str) -> None:
        self.put(to=to)

    # -- sending

    @action
    def send_once(self, text: str) -> None:
        self._choose(self._emit(events.read(text)))

    def _emit(self, event: Event) -> following.Entry:
        kind, _, name = self.to.partition(":")
        if kind + ":" == FUNCTION:
            return self._invoke(event, name)
        return events.send(event, to=name or None)

    def _invoke(self, event: Event, name: str) -> following.Invoked:
        found = self._find(name)
        entry = following.Invoked(event, name, events.invoke(found, event))
        self._invoked = [*self._invoked, entry][-_ROWS:]
        return entry

    def _choose(self, entry: following.Entry) -> None:
        self._chosen = entry
        self._next_look = 0.0
        self.put(outcome=following.outcome(entry, self._results))

    def _entry(self, key: str) -> following.Entry:
        for each in self._all():
            if following.key_of(each) == key:
                return each
        raise LookupError(_FORGOTTEN)

    @action
    def choose(self, key: str) -> None:
        """Show what became of this event."""
        self._choose(self._entry(key))

    @action
    def choose_event(self, id: str) -> None:  # noqa: A002 - as the view calls it
        """The same for the event with this id that was sent last."""
        known = [each for each in self._all() if each.event.id == id]
        if not known:
            raise LookupError(_FORGOTTEN)
        self._choose(known[0])

    @action
    def replay(self, key: str, exact: bool = False) -> None:
        entry = self._entry(key)
        if isinstance(entry, following.Invoked):
            event = entry.event if exact else events.fresh(entry.event)
            self._choose(self._invoke(event, entry.to))
        else:
            self._choose(entry.replay(exact=exact))

    @action
    def edit_again(self, key: str) -> None:
        """Have this event as the draft, to be sent to where it was sent."""
        entry = self._entry(key)
        kind = FUNCTION if isinstance(entry, following.Invoked) else TRIGGER
        self.put(to=kind + entry.to if entry.to else BUS)
        self._write(drafting.draft_of(entry.event))

    @action
    def show_bursts(self, on: bool) -> None:
        self.put(bursts_shown=on)
        self._next_look = 0.0

    @action
    def invocation(self, invocation: str) -> dict[str, Any]:
        return facts(FunctionCall.from_id(invocation).details())

    @action
    def redrive(self, number: int) -> None:
        """Have a dead letter delivered again."""
        dead_letters.redrive(number)
        self._next_look = 0.0

    @action
    def start_burst(self, text: str, options: Options) -> None:
        """Raises ``BadBurst``."""
        if self._bursting is not None and not self._bursting.run.done:
            raise SimulatorError("a burst is being sent; cancel it first")
        # A text without an id makes another event each time, and so another burst.
        burst = burst_of(events.read(text), options)
        self._bursting = Bursting(burst, self._emit)
        self._burst_ids |= self._bursting.events
        self._next_look = 0.0
        self.put(burst=self._bursting.facts())

    @action
    def cancel_burst(self) -> None:
        if self._bursting is not None:
            self._bursting.run.cancel()

    # -- keeping

    @action
    def save(self, name: str, text: str) -> str:
        """Returns where it is."""
        path = events.save(events.read(text), name)
        self.put(saved=_saved())
        return str(path)

    @action
    def load(self, name: str) -> None:
        self._write(drafting.draft_of(events.load(name)))

    @action
    def delete(self, name: str) -> None:
        events.delete(name)
        self.put(saved=_saved())

    @action
    def copy(self, kind: Literal["python", "curl", "pytest"], text: str) -> str:
        """The event as code."""
        return code_of(kind, events.read(text), self.form["function"], self._find)

    @action
    def keep(self) -> None:
        """Store the present picture with the output."""
        self.settle()


def _saved() -> list[dict[str, str]]:
    try:
        found = events.saved()
    except (NbfaasError, OSError):
        return []
    return [{"name": each.name, "type": each.type, "problem": each.problem or ""} for each in found]
