"""``nbfaas.put``: an object that many calls are given."""

from __future__ import annotations

from typing import TypeVar

from nbfaas.packager.buffers import Stored

T = TypeVar("T")


def put(value: T) -> Stored[T]:
    """Store an object once, to pass it to many calls: ``data = nbfaas.put(array)``, then
    ``f.remote(data)``. The function gets the object itself; arrays of 256 KB and more are shared
    by all sandboxes, and are read-only there. It is released when nobody holds it any more.

    Raises ``NotPicklable``.
    """
    return Stored(value)
