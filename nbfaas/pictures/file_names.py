"""What the files of cells are called where a traceback is shown: ``Cell In[3]``."""

from __future__ import annotations

import re
from collections.abc import Callable

NameOf = Callable[[str], str | None]
"""What a file is called; None if it is no cell's."""

_FILE = re.compile(r'File "([^"\n]{1,4096})", line (\d+)')
_name_of: NameOf | None = None


def set_file_names(name_of: NameOf | None) -> None:
    global _name_of
    _name_of = name_of


def with_cells(text: str) -> str:
    """A traceback as Python prints it, with cells in the place of the files that they are kept in:
    ``Cell In[3], line 2, in score``."""
    name_of = _name_of
    if name_of is None:
        return text

    def named(found: re.Match[str]) -> str:
        name = name_of(found[1])
        return found[0] if name is None else f"{name}, line {found[2]}"

    return _FILE.sub(named, text)
