"""The triggers there are, found by name, by target, and by what they match. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from nbfaas.errors.delivery import UnknownTrigger
from nbfaas.rules import RuleIndex
from nbfaas.triggers.trigger import Trigger


class Registry:
    here: ClassVar[bool] = True
    """Whether their sources look at this machine's files."""

    def __init__(self) -> None:
        self._triggers: dict[str, Trigger] = {}
        self._rules = RuleIndex()

    def __repr__(self) -> str:
        return f"<Registry {len(self._triggers)} triggers>"

    def __iter__(self) -> Iterator[Trigger]:
        return iter(self._triggers.values())

    def __len__(self) -> int:
        return len(self._triggers)

    def __contains__(self, name: object) -> bool:
        return name in self._triggers

    def get(self, name: str) -> Trigger | None:
        return self._triggers.get(name)

    def __getitem__(self, name: str) -> Trigger:
        """Raises ``UnknownTrigger``."""
        trigger = self._triggers.get(name)
        if trigger is None:
            raise UnknownTrigger(name, sorted(self._triggers))
        return trigger

    def holds(self, trigger: Trigger) -> bool:
        """Whether it is the one of its name."""
        return self._triggers.get(trigger.name) is trigger

    def now(self, trigger: Trigger) -> Trigger:
        """It, as it stands now."""
        return trigger

    def add(self, trigger: Trigger) -> Trigger | None:
        """Put it in the place of the one with its name, which is returned."""
        earlier = self.remove(trigger.name)
        self._triggers[trigger.name] = trigger
        if trigger.pattern is not None:
            self._rules.add(trigger.name, trigger.pattern)
        return earlier

    def remove(self, name: str) -> Trigger | None:
        trigger = self._triggers.pop(name, None)
        if trigger is not None and trigger.pattern is not None:
            self._rules.remove(name)
        return trigger

    def of_target(self, target: str) -> list[Trigger]:
        return [trigger for trigger in self if trigger.target == target]

    def matching(self, event: Mapping[str, Any], to: Iterable[str] = ()) -> list[Trigger]:
        """Those the event (its JSON) is addressed ``to``, then those whose rule matches it, each
        once."""
        names = dict.fromkeys([*to, *self._rules.match(event)])
        return [self._triggers[name] for name in names if name in self._triggers]
