"""Records, on their way from the service to widgets.

The dispatcher's thread only appends to a queue; the widgets' thread empties it ten times a second
and hands each listener the whole batch. So thousands of calls a second cost the dispatcher next to
nothing, and the listeners one call per batch.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from nbfaas.model.records import Record
from nbfaas.service import Place, current_service

Listener = Callable[[Sequence[Record]], None]

# Records that may wait for the widgets' thread; at 10,000 a second that is 20 s of it being stuck.
_WAITING = 200_000


class Feed:
    """Follows the process's service, also when that is replaced by another. ``listen`` from any
    thread; listeners are called by whoever calls ``drain``, and must not block."""

    def __init__(self, current: Callable[[], Place | None] = current_service) -> None:
        self._current = current
        self._service: Place | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._records: deque[Record] = deque(maxlen=_WAITING)
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()
        self.lost = False  # whether records came faster than they were taken, and some are missing

    def __repr__(self) -> str:
        return f"<Feed {len(self._listeners)} listeners, {len(self._records)} records waiting>"

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have ``listener`` called with every batch from now on. Returns what ends that."""
        with self._lock:
            self._listeners = (*self._listeners, listener)
        self._follow()

        def end() -> None:
            with self._lock:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return end

    def drain(self) -> int:
        """Hand on what has come since the last time; returns how many records that were."""
        self._follow()
        size = len(self._records)
        if not size:
            return 0
        self.lost = self.lost or size == _WAITING
        batch = [self._records.popleft() for _ in range(size)]
        for listener in self._listeners:
            listener(batch)
        return size

    def close(self) -> None:
        """Follow no service any more, until the next ``listen`` or ``drain``."""
        with self._lock:
            self._leave(None)
            self._records.clear()

    def _follow(self) -> None:
        service = self._current()
        with self._lock:
            if service is not self._service:
                self._leave(service)
                if service is not None:
                    # Nothing but the append happens on the dispatcher's thread.
                    self._unsubscribe = service.subscribe(self._records.append)

    def _leave(self, following: Place | None) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._service, self._unsubscribe = following, None
