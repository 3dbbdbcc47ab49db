"""``nbfaas.dead_letters``: the events that could not be delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nbfaas.errors import UnknownDeadLetter
from nbfaas.model.delivery import DeadLetter
from nbfaas.service import get_service


class DeadLetters:
    """The dead-letter queue, the latest first. ``dead_letters[7]`` is the one with number 7."""

    def list(self, trigger: str | None = None, limit: int = 100) -> Sequence[DeadLetter]:
        """The latest ones, of one trigger or of all."""
        return get_service().events.store.dead_letters(trigger, limit)

    def __iter__(self) -> Iterator[DeadLetter]:
        return iter(self.list(limit=len(self)))

    def __len__(self) -> int:
        return sum(get_service().events.store.dead_counts().values())

    def __getitem__(self, number: int) -> DeadLetter:
        """Raises ``UnknownDeadLetter``."""
        letter = get_service().events.store.dead_letter(number)
        if letter is None:
            raise UnknownDeadLetter(number)
        return letter

    def redrive(self, *numbers: int, trigger: str | None = None) -> int:
        """Deliver them again, with all their attempts: those with these numbers, those of a
        trigger, or, without either, all. Returns how many there were."""
        self._check(numbers)
        service = get_service()
        return service.run(service.events.redrive(numbers or None, trigger))

    def purge(self, *numbers: int, trigger: str | None = None) -> int:
        """Forget them for ever; chosen as for ``redrive``. Returns how many there were."""
        self._check(numbers)
        return get_service().events.store.purge(numbers or None, trigger).result()

    def _check(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self[number]

    def __repr__(self) -> str:
        letters = self.list(limit=10)
        if not letters:
            return "no dead letters"
        more = len(self) - len(letters)
        lines = [
            f"{letter.number}: {letter.event.get('type')} {letter.event.get('id')} for "
            f"{letter.trigger}, {letter.reason}"
            for letter in letters
        ]
        return "\n".join([*lines, f"… and {more} more"] if more > 0 else lines)


dead_letters = DeadLetters()
