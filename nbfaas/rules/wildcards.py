r"""``wildcard``: ``*`` stands for any characters, none included; ``\*`` and ``\\`` for themselves.

EventBridge refuses two ``*`` in a row, any other escape, and patterns that are too complex
("Wildcard matching" in its user guide). It does not say where it draws that line; it refuses
``*:*:*:*:*:event-bus/*``, so here it is five ``*`` in one wildcard.
"""

from __future__ import annotations

from nbfaas.errors import BadPattern
from nbfaas.rules.matchers import Test

MOST_STARS = 5


def wildcard(text: str, place: str) -> Test:
    """The test for a wildcard; BadPattern if it is not valid. Time is linear in the value."""
    first, *others = _literals(text, place)
    if len(others) > MOST_STARS:
        raise BadPattern(
            place,
            f"the wildcard is too complex: it has {len(others)} *",
            f"EventBridge allows {MOST_STARS}; write out what you know of the value.",
        )
    if not others:
        return lambda found: found == first if isinstance(found, str) else False
    *middle, last = others

    def test(found: object) -> bool:
        if not isinstance(found, str) or not found.startswith(first):
            return False
        # The leftmost place for each part leaves the most room for the next: no backtracking.
        at = len(first)
        for part in middle:
            at = found.find(part, at)
            if at < 0:
                return False
            at += len(part)
        return len(found) - len(last) >= at and found.endswith(last)

    return test


def _literals(text: str, place: str) -> list[str]:
    """What stands between the ``*``, with escapes resolved."""
    literals, literal = [], ""
    at = 0
    while at < len(text):
        char = text[at]
        if char == "*":
            if text[at : at + 2] == "**":
                raise BadPattern(
                    place,
                    f"two * in a row at position {at} of the wildcard",
                    r"One * matches any number of characters; write \* for the character itself.",
                )
            literals.append(literal)
            literal = ""
        elif char == "\\":
            at += 1
            if text[at : at + 1] not in ("*", "\\"):
                raise BadPattern(
                    place,
                    f"the backslash at position {at - 1} of the wildcard escapes nothing",
                    r"Only \* and \\ are escapes (in JSON: \\* and \\\\).",
                )
            literal += text[at]
        else:
            literal += char
        at += 1
    return [*literals, literal]
