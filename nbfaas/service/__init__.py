"""The composition root: one service in each process, made at the first use and closed at exit.

It runs the loop's thread, chooses the backend, and connects the dispatcher, the journal and the
events' engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbfaas.service.current import (
    close_service,
    current_service,
    get_service,
    local_service,
    set_moved,
    set_notify,
    work_at,
    work_no_more_at,
)

if TYPE_CHECKING:
    from nbfaas.service.place import Place
    from nbfaas.service.sandboxes import PoolState, SandboxRow
    from nbfaas.service.service import Service

__all__ = [
    "Place",
    "PoolState",
    "SandboxRow",
    "Service",
    "close_service",
    "current_service",
    "get_service",
    "local_service",
    "set_moved",
    "set_notify",
    "work_at",
    "work_no_more_at",
]


def __getattr__(name: str) -> Any:
    # Not at the top: they bring the dispatcher, which `%load_ext nbfaas` does not wait for.
    if name == "Service":
        from nbfaas.service.service import Service

        return Service
    if name == "Place":
        from nbfaas.service.place import Place

        return Place
    if name in ("PoolState", "SandboxRow"):
        from nbfaas.service import sandboxes

        return getattr(sandboxes, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
