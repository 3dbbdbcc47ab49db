"""The formats of texts in schemas: what is one, and an example. Pure."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import NamedTuple


class Format(NamedTuple):
    """``parse`` raises ``ValueError`` or ``ArithmeticError`` for what is none."""

    text: str
    example: str
    parse: Callable[[str], object]

    def accepts(self, value: str) -> bool:
        try:
            self.parse(value)
        except (ValueError, ArithmeticError):
            return False
        return True


def _matching(pattern: str) -> Callable[[str], object]:
    def parse(value: str) -> None:
        if not re.fullmatch(pattern, value):
            raise ValueError

    return parse


_PART = r"(\d+(\.\d+)?{})?"
_DURATION = (
    rf"[+-]?P(?=.)({_PART.format('W')}|{_PART.format('Y')}{_PART.format('M')}{_PART.format('D')}"
    rf"(T(?=.){_PART.format('H')}{_PART.format('M')}{_PART.format('S')})?)"
)

FORMATS = {
    "date-time": Format("date and time", "2026-11-23T14:03:00Z", datetime.fromisoformat),
    "date": Format("date", "2026-11-23", date.fromisoformat),
    "time": Format("time", "14:03:00Z", time.fromisoformat),
    "duration": Format("duration", "PT90S", _matching(_DURATION)),
    "uuid": Format("UUID", "6f1f3a1e-8d0c-4c53-9d7e-2b6a5b1c7d10", uuid.UUID),
    "decimal": Format("decimal number", "19.99", Decimal),
    "email": Format("e-mail address", "ada@example.com", _matching(r"[^@\s]+@[^@\s]+")),
    "uri": Format("URI", "https://example.com/a", _matching(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")),
    "base64": Format("base64", "aGVsbG8=", lambda value: base64.b64decode(value, validate=True)),
}
