"""Reading the line behind a magic; mistakes are typed errors that say what was meant."""

from __future__ import annotations

import argparse
import difflib
import shlex

from IPython.core.error import UsageError

from nbfaas.errors import MagicError


def parse_line(parser: argparse.ArgumentParser, line: str, magic: str) -> argparse.Namespace:
    """The arguments in ``line``, quoted as in a shell. ``magic`` is what it is typed behind.

    Raises ``MagicError``.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise MagicError(f"{magic}: {line!r} can't be read: {error}.") from None
    try:
        return parser.parse_args(words)
    except UsageError as error:
        hint = _nearest(parser, words)
        how = f"{magic}?" if magic.startswith("%%") else f"{magic} -h"
        raise MagicError(f"{magic}: {error}.{hint} {how} shows what there is.") from None


def _nearest(parser: argparse.ArgumentParser, words: list[str]) -> str:
    known = [option for action in parser._actions for option in action.option_strings]
    for word in words:
        option = word.partition("=")[0]
        if option.startswith("--") and not any(name.startswith(option) for name in known):
            near = difflib.get_close_matches(option, known, 1)
            return f" Did you mean {near[0]}?" if near else ""
    return ""
