"""A process that serves until it is told to end: its signals, and its exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import FrameType

from nbfaas.errors import NbfaasError
from nbfaas.server.config import ServerConfig
from nbfaas.server.server import Server

_SWITCH = 0.0005  # seconds
_ENDING: tuple[int, ...] = (signal.SIGTERM, signal.SIGINT)
_LOOK_EVERY = 1.0  # seconds


def serve(config: ServerConfig, file: str, notify: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends the process at once, with 128 and the
    signal's number. SIGHUP looks into the catalog. Raises ``NbfaasError``."""
    from nbfaas.service import set_notify

    asked: SimpleQueue[int] = SimpleQueue()
    ending = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal ending
        if number in _ENDING:
            if ending:
                # Sandboxes end when their connections close, attempts are begun anew.
                os._exit(128 + number)
            ending = True
            server.turn_away()
        asked.put(number)

    server = Server(config, file, notify)
    for each in (*_ENDING, signal.SIGHUP):
        signal.signal(each, on_signal)
    # The loop gives up the interpreter's lock at each request; the thread that writes the event
    # store then keeps it for so long at most. (Python's default, 5 ms, is as long as 25 requests.)
    sys.setswitchinterval(_SWITCH)
    # The same words as in notebooks, but commands and keys are those of the shell and the file.
    set_notify(lambda line: notify(line.replace("%faas ", "nbfaas ").replace("nbfaas.config.", "")))
    try:
        server.start()
        gc.collect()
        gc.freeze()  # what is there now stays: collections need not look at it again and again
        while (number := _next(asked)) not in _ENDING:
            try:
                server.reload()
            except NbfaasError as error:
                notify(f"the catalog can't be read: {error}")
        notify(f"{signal.Signals(number).name}: closing; once more ends at once")
    finally:
        server.stop()
    notify("closed")
    sys.stderr.flush()


def _next(asked: SimpleQueue[int]) -> int:
    """Wait for a signal. If the kernel gave it to another thread, its handler runs only once this
    one does something."""
    while True:
        try:
            return asked.get(timeout=_LOOK_EVERY)
        except Empty:
            continue
