"""Text from sandboxes, made harmless for where it is shown."""

from __future__ import annotations

import html
import re

# Control characters but tab and newline: escape sequences could move the cursor or hide text.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """``text`` with control characters made visible."""
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text.replace("\r\n", "\n"))


def markup(text: object) -> str:
    """``text`` as HTML that shows it, and is nothing else."""
    return html.escape(plain(str(text)))
