"""The browser's side of widgets: each one's modules, put together into the one that it is sent as.

A widget is sent as a single module, so the relative imports between the files in ``static`` are
resolved here: every file once, those that are imported first.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

STATIC = Path(__file__).parent / "static"

_IMPORT = re.compile(r'^import\s[^;]*?\sfrom\s+"\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default\b)", re.MULTILINE)


@functools.cache
def script(name: str) -> str:
    """The file ``name`` of ``static`` and all that it imports, as one module."""
    return "\n".join(_without_links(each) for each in _in_order(name))


@functools.cache
def style(name: str) -> str:
    """The style sheets of the modules that ``script(name)`` is made of: where there is a file
    beside ``x.js`` that is called ``x.css``."""
    sheets = [STATIC / "base.css"]
    sheets += [(STATIC / each).with_suffix(".css") for each in _in_order(name)]
    return "\n".join(each.read_text("utf-8") for each in sheets if each.exists())


def _in_order(name: str) -> list[str]:
    found: list[str] = []

    def visit(each: str) -> None:
        if each in found:
            return
        for wanted in _IMPORT.findall((STATIC / each).read_text("utf-8")):
            visit(wanted)
        if each not in found:
            found.append(each)

    visit(name)
    return found


def _without_links(name: str) -> str:
    text = (STATIC / name).read_text("utf-8")
    return f"// {name}\n" + _EXPORT.sub("", _IMPORT.sub("", text))
