"""Reading the line behind a magic; mistakes are typed errors that say what was meant."""

from __future__ import annotations

import argparse
import difflib
import shlex

from IPython.core.error import UsageError

from nbfaas.errors import MagicError


def parse_line(parser: argparse.ArgumentParser, line: str, magic: str) -> argparse.Namespace:
    """The arguments in ``line``, quoted as in a shell. ``magic`` is what it is typed behind.

    Raises ``MagicError``, also for the beginning of an option's name: what it stands for now, it
    may not with the next release.
    """
    parser.allow_abbrev = False
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
    options = [option for action in parser._actions for option in action.option_strings]
    known = [option.lstrip("-") for option in options if option.startswith("--")]
    for word in words:
        given = word.partition("=")[0].removeprefix("--")
        if word.startswith("--") and given not in known:
            begun = [name for name in known if name.startswith(given)]
            near = begun or difflib.get_close_matches(given, known, 1)
            return f" Did you mean --{near[0]}?" if near else ""
    return ""
