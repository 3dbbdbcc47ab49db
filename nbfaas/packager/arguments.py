"""Arguments to bytes, as the host does it."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Collection
from typing import Any

from nbfaas.agent import wire
from nbfaas.agent.codec import dump_with, is_plain
from nbfaas.agent.culprit import find_culprit
from nbfaas.agent.wire import Part
from nbfaas.errors import NotPicklable, PayloadTooLarge
from nbfaas.packager.pickler import ShippingPickler


def dump_arguments(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    what: str,
    limit: int | None = None,
    *,
    sources: Collection[str] = frozenset(),
) -> list[Part]:
    """Pickle ``(args, kwargs)``: the pickle first, then its out-of-band buffers.

    ``what`` names the arguments in errors: ``the arguments of function 'score'``. ``sources`` are
    the modules the sandbox can import although no image has them (``Package.sources``). ``limit``
    in bytes. Raises ``NotPicklable`` or ``PayloadTooLarge``.
    """
    for value in args:
        if not is_plain(value):
            break
    else:
        if not kwargs or all(map(is_plain, kwargs.values())):
            data = pickle.dumps((args, kwargs), 5)
            if limit is not None and len(data) > limit:
                raise PayloadTooLarge(what, len(data), limit)
            return [data]
    pickler = functools.partial(ShippingPickler, sources=sources)
    try:
        parts = dump_with(pickler, (args, kwargs))
    except Exception:  # noqa: BLE001 - __reduce__ of anything may raise anything
        raise _explain(args, kwargs, what, pickler) from None
    size = wire.total(parts)
    if limit is not None and size > limit:
        raise PayloadTooLarge(what, size, limit)
    return parts


def _explain(
    args: tuple[Any, ...], kwargs: dict[str, Any], what: str, pickler: Any
) -> NotPicklable:
    named = [(f"argument {index}", value) for index, value in enumerate(args)]
    named += [(f"keyword argument {name!r}", value) for name, value in kwargs.items()]
    path, reason = "", "it could be pickled when tried again"
    for label, value in named:
        try:
            dump_with(pickler, value)
        except Exception:  # noqa: BLE001 - __reduce__ of anything may raise anything
            path, reason = find_culprit(value, label, lambda part: dump_with(pickler, part))
            break
    return NotPicklable(what, path, reason)
