"""The service and its journal, for commands that show what has happened so far."""

from __future__ import annotations

from nbfaas.service import Place, get_service
from nbfaas.service.place import Journaled


def ready_service() -> Place:
    """The service once its backend is open. Raises ``BackendUnavailable``."""
    service = get_service()
    service.dispatcher  # noqa: B018 - waits
    return service


def journal_up_to_date(service: Place) -> Journaled | None:
    """The journal with all that has happened in it; None if there is no journal."""
    journal = service.journal
    if journal is not None:
        records_up_to_date(service)
        journal.flush()
    return journal


def records_up_to_date(service: Place) -> None:
    """Return when all that has happened was published."""
    # Who waits for a call is told of its end before the subscribers of records are.
    service.run(_a_turn_of_the_loop())


async def _a_turn_of_the_loop() -> None:
    """What the loop was at is done when this runs."""
