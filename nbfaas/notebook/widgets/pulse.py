"""The one thread of all widgets: ten times a second it hands on records and refreshes."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from nbfaas.notebook.widgets.feed import Feed

EVERY = 0.1  # seconds; no widget is sent updates more often


class Beating(Protocol):
    def beat(self, now: float, changed: bool) -> None:
        """``now`` is monotonic; ``changed``: whether there were records. Must not raise."""


class Pulse:
    """The thread lives while there is a widget. From any thread."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._members: tuple[Beating, ...] = ()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def __repr__(self) -> str:
        return f"<Pulse of {len(self._members)} widgets>"

    def add(self, member: Beating) -> None:
        with self._lock:
            if not any(each is member for each in self._members):
                self._members = (*self._members, member)
            if self._thread is None:
                self._stopped = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stopped,), name="nbfaas-widgets", daemon=True
                )
                self._thread.start()

    def remove(self, member: Beating) -> None:
        """The thread ends with the last one, a moment later."""
        with self._lock:
            self._members = tuple(each for each in self._members if each is not member)
            thread = None if self._members else self._thread
            if thread is not None:
                self._stopped.set()
                self._thread = None
        if thread is not None and thread is not threading.current_thread():
            thread.join(1.0)

    def _run(self, stopped: threading.Event) -> None:
        while not stopped.wait(EVERY):
            changed = bool(self._feed.drain())
            now = time.monotonic()
            for member in self._members:
                member.beat(now, changed)
        with self._lock:
            if self._thread is None:
                self._feed.close()


feed = Feed()
pulse = Pulse(feed)
