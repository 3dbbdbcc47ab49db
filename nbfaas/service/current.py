"""The service of this process: started at the first use, closed at exit."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from nbfaas.settings import config

if TYPE_CHECKING:
    from nbfaas.service.service import Service

_service: Service | None = None
_service_lock = threading.Lock()
_notify: Callable[[str], None] | None = None


def get_service() -> Service:
    """The process's service; started if there is none, or if the last one found no backend."""
    global _service
    service = _service
    if service is not None and not service.failed:
        return service
    with _service_lock:
        if _service is None or _service.failed:
            if _service is not None:
                _service.close()
            from nbfaas.service.service import Service

            _service = Service(config, _notify)
            _close_at_exit()
        return _service


def current_service() -> Service | None:
    """The process's service, if there is one."""
    return _service


def close_service() -> None:
    """Close the process's service; the next use starts another."""
    global _service
    with _service_lock:
        service, _service = _service, None
    if service is not None:
        service.close()


def set_notify(notify: Callable[[str], None] | None) -> None:
    """Where one-line messages for the user go; None: to stderr."""
    global _notify
    _notify = notify


_registered = False


def _close_at_exit() -> None:
    global _registered
    if _registered:
        return
    _registered = True
    # ``atexit`` runs after the thread pools have been shut down, which closing needs. Python's own
    # pools use this hook, newest first; it is private, so fall back where it is gone.
    register = getattr(threading, "_register_atexit", atexit.register)
    register(close_service)


def _forget_after_fork() -> None:
    global _service, _service_lock
    _service = None
    _service_lock = threading.Lock()  # another thread may have held it, and there is none now


os.register_at_fork(after_in_child=_forget_after_fork)
