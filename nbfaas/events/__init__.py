"""Events to try things out with: ``nbfaas.events``.

::

    event = nbfaas.events.template("order.created", total=250)
    nbfaas.test_pattern({"data": {"total": [{"numeric": [">", 100]}]}}, event).explain()
    nbfaas.events.call_locally(on_order, event)     # here, without a sandbox
    sent = nbfaas.events.send(event)                # to the bus
    sent.deliveries()                               # and what became of it
    nbfaas.events.save(event, "large order")        # .nbfaas/events/large order.json
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbfaas.events.burst import Burst as Burst
    from nbfaas.events.burst import Planned as Planned
    from nbfaas.events.burst_run import BurstProgress as BurstProgress
    from nbfaas.events.burst_run import BurstResult as BurstResult
    from nbfaas.events.burst_run import BurstRun as BurstRun
    from nbfaas.events.copying import as_curl as as_curl
    from nbfaas.events.copying import as_pytest as as_pytest
    from nbfaas.events.copying import as_python as as_python
    from nbfaas.events.examples import example_of as example_of
    from nbfaas.events.form import schema_of as schema_of
    from nbfaas.events.locally import call_locally as call_locally
    from nbfaas.events.matching import test_pattern as test_pattern
    from nbfaas.events.matching import which as which
    from nbfaas.events.project import delete as delete
    from nbfaas.events.project import load as load
    from nbfaas.events.project import save as save
    from nbfaas.events.project import saved as saved
    from nbfaas.events.schedules import explain_cron as explain_cron
    from nbfaas.events.schedules import next_runs as next_runs
    from nbfaas.events.sending import Sent as Sent
    from nbfaas.events.sending import fresh as fresh
    from nbfaas.events.sending import history as history
    from nbfaas.events.sending import invoke as invoke
    from nbfaas.events.sending import send as send
    from nbfaas.events.templating import template as template
    from nbfaas.events.templating import templates as templates
    from nbfaas.events.typing_in import Problem as Problem
    from nbfaas.events.typing_in import problems as problems
    from nbfaas.events.typing_in import read as read
    from nbfaas.events.variations import Choice as Choice
    from nbfaas.events.variations import Counter as Counter
    from nbfaas.events.variations import Range as Range
    from nbfaas.events.variations import Times as Times
    from nbfaas.events.variations import Uuid as Uuid

# Imported at first use; what needs no service starts none.
_WHERE = {
    "Burst": "burst",
    "BurstProgress": "burst_run",
    "BurstResult": "burst_run",
    "BurstRun": "burst_run",
    "Choice": "variations",
    "Counter": "variations",
    "Planned": "burst",
    "Problem": "typing_in",
    "Range": "variations",
    "Sent": "sending",
    "Times": "variations",
    "Uuid": "variations",
    "as_curl": "copying",
    "as_pytest": "copying",
    "as_python": "copying",
    "call_locally": "locally",
    "delete": "project",
    "example_of": "examples",
    "explain_cron": "schedules",
    "fresh": "sending",
    "history": "sending",
    "invoke": "sending",
    "load": "project",
    "next_runs": "schedules",
    "problems": "typing_in",
    "read": "typing_in",
    "save": "project",
    "saved": "project",
    "schema_of": "form",
    "send": "sending",
    "template": "templating",
    "templates": "templating",
    "test_pattern": "matching",
    "which": "matching",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module 'nbfaas.events' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"nbfaas.events.{where}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
