"""nbfaas turns a Jupyter notebook into a serverless platform on Docker.

::

    %load_ext nbfaas
    import nbfaas
    from nbfaas import on, remote

    @remote(memory="512MB")
    def score(x): ...

    score(3)                    # here
    score.remote(3)             # in a hardened container
    list(score.map(range(99)))  # in several

    @on.event({"type": ["order.created"], "data": {"total": [{"numeric": [">", 100]}]}})
    @remote
    def on_order(event, context): ...

    nbfaas.emit("order.created", {"total": 120})
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from nbfaas.agent.context import Context as Context
    from nbfaas.agent.event import Event as Event
    from nbfaas.client.connecting import connect as connect
    from nbfaas.events.matching import test_pattern as test_pattern
    from nbfaas.images.image import Image as Image
    from nbfaas.model.delivery import DeliveryPolicy as DeliveryPolicy
    from nbfaas.model.function import Retries as Retries
    from nbfaas.model.function import Volume as Volume
    from nbfaas.model.secret import Secret as Secret
    from nbfaas.notebook.widgets.cron_tester import cron_tester as cron_tester
    from nbfaas.notebook.widgets.rule_tester import rule_tester as rule_tester
    from nbfaas.notebook.widgets.simulator import simulate as simulate
    from nbfaas.pipeline.exporting import export as export
    from nbfaas.remote.call import FunctionCall as FunctionCall
    from nbfaas.remote.dead_letters import dead_letters as dead_letters
    from nbfaas.remote.decorator import functions as functions
    from nbfaas.remote.decorator import remote as remote
    from nbfaas.remote.deployed import deployed as deployed
    from nbfaas.remote.emit import emit as emit
    from nbfaas.remote.endpoint import endpoint as endpoint
    from nbfaas.remote.function import RemoteFunction as RemoteFunction
    from nbfaas.remote.gathering import as_completed as as_completed
    from nbfaas.remote.gathering import gather as gather
    from nbfaas.remote.here import State as State
    from nbfaas.remote.map_run import MapRun as MapRun
    from nbfaas.remote.on import on as on
    from nbfaas.remote.put import put as put
    from nbfaas.remote.triggers import triggers as triggers
    from nbfaas.rules import Pattern as Pattern
    from nbfaas.settings import config as config

    from . import events as events

# Imported at first use: `import nbfaas` must not take longer than a blink.
_WHERE = {
    "Context": "nbfaas.agent.context",
    "DeliveryPolicy": "nbfaas.model.delivery",
    "Event": "nbfaas.agent.event",
    "FunctionCall": "nbfaas.remote.call",
    "Image": "nbfaas.images.image",
    "MapRun": "nbfaas.remote.map_run",
    "Pattern": "nbfaas.rules",
    "RemoteFunction": "nbfaas.remote.function",
    "Retries": "nbfaas.model.function",
    "Secret": "nbfaas.model.secret",
    "State": "nbfaas.remote.here",
    "Volume": "nbfaas.model.function",
    "as_completed": "nbfaas.remote.gathering",
    "config": "nbfaas.settings",
    "connect": "nbfaas.client.connecting",
    "cron_tester": "nbfaas.notebook.widgets.cron_tester",
    "dead_letters": "nbfaas.remote.dead_letters",
    "deployed": "nbfaas.remote.deployed",
    "emit": "nbfaas.remote.emit",
    "endpoint": "nbfaas.remote.endpoint",
    "export": "nbfaas.pipeline.exporting",
    "functions": "nbfaas.remote.decorator",
    "gather": "nbfaas.remote.gathering",
    "on": "nbfaas.remote.on",
    "put": "nbfaas.remote.put",
    "remote": "nbfaas.remote.decorator",
    "rule_tester": "nbfaas.notebook.widgets.rule_tester",
    "simulate": "nbfaas.notebook.widgets.simulator",
    "test_pattern": "nbfaas.events.matching",
    "triggers": "nbfaas.remote.triggers",
}

__all__ = [*_WHERE, "events", "load_ipython_extension", "unload_ipython_extension"]


class _Package(ModuleType):
    """``nbfaas.remote`` is the decorator, ``nbfaas.triggers`` the list of triggers: importing part
    of the package of that name, as ``%load_ext nbfaas`` does, must not put the package there."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _WHERE or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name == "events":  # the package itself
        return import_module("nbfaas.events")
    where = _WHERE.get(name)
    if where is None:
        raise AttributeError(f"module 'nbfaas' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(where), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext nbfaas``: the magics, progress lines and remote tracebacks of the notebook."""
    from nbfaas.notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext nbfaas``."""
    from nbfaas.notebook.extension import unload

    unload(shell)
