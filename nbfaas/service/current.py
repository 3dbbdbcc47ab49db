"""Where functions run: by the service of this process, which is started at the first use and closed
at exit, or on the server that it is connected to."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from nbfaas.settings import config

if TYPE_CHECKING:
    from nbfaas.service.place import Place
    from nbfaas.service.service import Service

_service: Service | None = None
_elsewhere: tuple[Place, ...] = ()  # servers that this process is connected to; the last counts
_service_lock = threading.Lock()
_notify: Callable[[str], None] | None = None
_moved: Callable[[], None] | None = None


class Here(str):
    """Words of where functions run in this process; not true while it works on a server."""

    __slots__ = ()

    @property
    def now(self) -> str:
        """What is true instead."""
        return str(self) if runs_here() else f"Functions run on the server {_elsewhere[-1].server}."


def get_service() -> Place:
    """Where functions run now: on the server that this process is connected to, else here."""
    return _elsewhere[-1] if _elsewhere else local_service()


def current_service() -> Place | None:
    """As ``get_service``, but nothing is started: None if there is no service yet."""
    return _elsewhere[-1] if _elsewhere else _service


def runs_here() -> bool:
    """Whether functions run in this process, and not on a server."""
    return not _elsewhere


def work_at(place: Place) -> None:
    """Have functions run there, until ``work_no_more_at``."""
    global _elsewhere
    with _service_lock:
        _elsewhere = (*_elsewhere, place)
        _close_at_exit()
    _tell_of_move()


def work_no_more_at(place: Place) -> None:
    """Have them run where they did before. Idempotent."""
    global _elsewhere
    with _service_lock:
        _elsewhere = tuple(each for each in _elsewhere if each is not place)
    _tell_of_move()


def _tell_of_move() -> None:
    if _moved is not None:
        _moved()
    if (service := _service) is not None:
        service.tell_where()


def places() -> tuple[Place, ...]:
    """The servers that this process is connected to, the one that counts last."""
    return _elsewhere


def local_service() -> Service:
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


def close_service() -> None:
    """Close the process's service; the next use starts another."""
    global _service
    with _service_lock:
        service, _service = _service, None
    if service is not None:
        service.close()


def notifier() -> Callable[[str], None] | None:
    """As it was set."""
    return _notify


def set_notify(notify: Callable[[str], None] | None) -> None:
    """Where one-line messages for the user go; None: to stderr."""
    global _notify
    _notify = notify


def set_moved(moved: Callable[[], None] | None) -> None:
    """What is called when functions may run somewhere else from now on, from any thread."""
    global _moved
    _moved = moved


_registered = False


def _close_at_exit() -> None:
    global _registered
    if _registered:
        return
    _registered = True
    # ``atexit`` runs after the thread pools have been shut down, which closing needs. Python's own
    # pools use this hook, newest first; it is private, so fall back where it is gone.
    register = getattr(threading, "_register_atexit", atexit.register)
    register(_close_all)


def _close_all() -> None:
    global _elsewhere
    left, _elsewhere = _elsewhere, ()  # nobody has to be told any more
    for place in reversed(left):
        place.close()
    close_service()


def _forget_after_fork() -> None:
    global _service, _service_lock, _elsewhere
    _service, _elsewhere = None, ()
    _service_lock = threading.Lock()  # another thread may have held it, and there is none now


os.register_at_fork(after_in_child=_forget_after_fork)
