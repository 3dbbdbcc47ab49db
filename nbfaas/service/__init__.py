"""The composition root: one service in each process, made at the first use and closed at exit.

It runs the loop's thread, chooses the backend, and connects the dispatcher, the journal and the
events' engine.
"""

from nbfaas.service.current import close_service, current_service, get_service, set_notify
from nbfaas.service.sandboxes import PoolState, SandboxRow
from nbfaas.service.service import Service

__all__ = [
    "PoolState",
    "SandboxRow",
    "Service",
    "close_service",
    "current_service",
    "get_service",
    "set_notify",
]
