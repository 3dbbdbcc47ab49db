"""``context.state``: values by key that outlive calls, sandboxes and kernels, one set for each
function. Here is what functions use; where values are kept is behind ``StateAccess``.

A value is text for JSON (``J`` and the JSON, keys sorted) or bytes (``B`` and the bytes). A request
is a dict with ``op``, and the values it brings; so is its reply:

===========  ===========================  ======================================================
op           further keys; values         reply; values
===========  ===========================  ======================================================
get          key                          found; the value
set          key, ttl; the value          –
delete       key                          found
incr         key, by                      value
cas          key, absent, ttl; the old    swapped
             one unless absent, the new
keys         prefix, after                keys, at most ``PAGE``, sorted, those after ``after``
===========  ===========================  ======================================================

A refusal has ``refused``, one of ``REFUSALS``, and ``reason``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, Protocol

from nbfaas.agent.units import with_article

MAX_KEY = 512
"""Bytes of a key in UTF-8."""
MAX_VALUE = 256 * 1024
"""Bytes of a value, as JSON or as it is."""
PAGE = 1000
MOST = 2**63 - 1
_JSON, _BYTES = b"J", b"B"


class StateError(Exception):
    """State can't be read or changed. Nothing was changed."""


class StateRefused(StateError, ValueError):
    """A key or a value that state does not take; ``incr`` of what is no whole number."""


class StateFull(StateError):
    """The function has as much state as it may have."""


class StateUnavailable(StateError):
    """The place where state is kept can't be used, or not from here."""


REFUSALS: dict[str, type[StateError]] = {
    "bad": StateRefused,
    "full": StateFull,
    "unavailable": StateUnavailable,
}

Reply = tuple[dict[str, Any], Sequence[bytes]]


class StateAccess(Protocol):
    """The way to one function's state."""

    def ask(self, request: dict[str, Any], values: Sequence[bytes] = ()) -> Reply:
        """Do it, and return the reply and its values. Raises ``StateUnavailable``."""


class State:
    """Values by key: JSON (dicts, lists, texts, numbers, True, False, None) or bytes.

    Each method is one step that no other call can come between, in whatever sandbox; may be used
    from several threads. Raises ``StateRefused``, ``StateFull``, ``StateUnavailable``.
    """

    def __init__(self, name: str, access: StateAccess) -> None:
        self.name = name
        self._access = access

    def get(self, key: str, default: Any = None) -> Any:
        reply, values = self._ask("get", key)
        return _decode(key, values[0]) if reply.get("found") else default

    def set(self, key: str, value: Any, *, ttl: float | None = None) -> None:
        """``ttl``: seconds after which it is gone by itself."""
        self._ask("set", key, values=[_encode(key, value)], ttl=_checked_ttl(ttl))

    def delete(self, key: str) -> bool:
        """Whether there was one."""
        return bool(self._ask("delete", key)[0].get("found"))

    def incr(self, key: str, by: int = 1) -> int:
        """Add ``by`` to a whole number, 0 if there is none; the new number."""
        if not isinstance(by, int) or isinstance(by, bool) or abs(by) > MOST:
            raise StateRefused(f"incr({key!r}) adds a whole number of at most 63 bits, not {by!r}")
        return int(self._ask("incr", key, by=by)[0]["value"])

    def compare_and_set(self, key: str, old: Any, new: Any, *, ttl: float | None = None) -> bool:
        """Set it to ``new`` if it is ``old`` still; whether it was. ``old=None``: if there is none,
        or it is None. Values are the same if their JSON is (1 and 1.0 are not)."""
        values = [_encode(key, new)]
        if old is not None:
            values.insert(0, _encode(key, old))
        reply, _ = self._ask("cas", key, values=values, absent=old is None, ttl=_checked_ttl(ttl))
        return bool(reply.get("swapped"))

    def keys(self, prefix: str = "") -> list[str]:
        """All keys that begin with ``prefix``, sorted."""
        found: list[str] = []
        _check_key(prefix, "prefix", empty=True)
        while True:
            after = found[-1] if found else None
            reply, _ = self._request({"op": "keys", "prefix": prefix, "after": after})
            page = [str(key) for key in reply["keys"]]
            found += page
            if len(page) < PAGE:
                return found

    def __contains__(self, key: str) -> bool:
        return bool(self._ask("get", key)[0].get("found"))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def _ask(self, op: str, key: str, values: Sequence[bytes] = (), **more: Any) -> Reply:
        _check_key(key, "key")
        return self._request({"op": op, "key": key, **more}, values)

    def _request(self, request: dict[str, Any], values: Sequence[bytes] = ()) -> Reply:
        reply, found = self._access.ask(request, values)
        if (refused := reply.get("refused")) is not None:
            raise REFUSALS.get(refused, StateError)(str(reply.get("reason")))
        return reply, found

    def __repr__(self) -> str:
        return f"<State of {self.name!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "state is used where it is: take it from the context inside the function "
            "(context.state), or by nbfaas.State(name) in the notebook"
        )


def _check_key(key: object, what: str, *, empty: bool = False) -> None:
    if not isinstance(key, str):
        raise StateRefused(f"a {what} is a str, not {type(key).__name__}")
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        raise StateRefused(f"the {what} {key!r} is no Unicode text") from None
    if size > MAX_KEY or not (key or empty) or "\0" in key:
        raise StateRefused(
            f"a {what} has 1 to {MAX_KEY} bytes, none of them 0; {key[:40]!r} has {size}"
        )


def _checked_ttl(ttl: object) -> float | None:
    if ttl is None:
        return None
    if not isinstance(ttl, int | float) or isinstance(ttl, bool) or not 0 < ttl < MOST:
        raise StateRefused(f"ttl is seconds, more than 0, or None, not {ttl!r}")
    return float(ttl)


def _encode(key: str, value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        data = _BYTES + bytes(value)
    else:
        try:
            text = json.dumps(
                value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
            )
            data = _JSON + text.encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise StateRefused(
                f"state[{key!r}] can't be {with_article(type(value).__name__)}: {error}. "
                "State keeps JSON and bytes."
            ) from None
    if len(data) - 1 > MAX_VALUE:
        raise StateRefused(
            f"state[{key!r}] would have {len(data) - 1} bytes, and {MAX_VALUE} are allowed. Keep "
            "large data in a volume, and its path here."
        )
    return data


def _decode(key: str, data: bytes) -> Any:
    """What a sandbox has stored may be anything."""
    if data[:1] == _BYTES:
        return data[1:]
    try:
        return json.loads(data[1:])
    except (ValueError, RecursionError) as error:
        raise StateError(f"state[{key!r}] is no JSON ({error}); delete it") from None
