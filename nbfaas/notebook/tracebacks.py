"""How errors of nbfaas and of functions are shown: the user's own lines, here and in the sandbox.

Plain Python is left as it is; this is about what IPython shows.
"""

from __future__ import annotations

import itertools
import linecache
import os
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from nbfaas.errors import CancelledError, NbfaasError
from nbfaas.notebook.text import plain
from nbfaas.packager.traceback_text import RemoteFrame, RemoteTracebackData

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_CAUSE = "\nThe above exception was the direct cause of the following exception:\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n"
_AROUND = 2  # lines shown before and after the one that raised
_REPEATS = 3  # a line that calls itself is shown so often


def render_error(shell: Any, error: BaseException) -> list[str] | None:
    """The lines to show for ``error``, or None if IPython shall show it in its own way."""
    remote = getattr(error, "remote_traceback", None)
    if isinstance(error, SyntaxError) and hasattr(error, "in_faas_cell"):
        lines: list[str] = shell.SyntaxTB.structured_traceback(type(error), error, [])
        return lines
    if not isinstance(remote, RemoteTracebackData):
        remote = None
        if not isinstance(error, NbfaasError) and not _stopped_here(error):
            return None
    paint = _Paint(getattr(shell, "colors", "nocolor"))
    if shell.InteractiveTB.mode == "Minimal":
        return [_headline(error, paint)]
    shown = _local(shell, error)
    if remote is not None:
        shown.append("\n".join(_remote(shell, remote, paint)))
    elif text := getattr(error, "traceback_text", ""):
        shown.append(f"Remote traceback (in the sandbox):\n{plain(text).rstrip()}\n")
    shown.append(_headline(error, paint))
    return shown


def cell_of(shell: Any, filename: str) -> str | None:
    """``Cell In[3]``; None if the file is no cell's."""
    known = shell.compile.format_code_name(filename)
    return None if known is None else f"{known[0]} {known[1]}"


def _headline(error: BaseException, paint: _Paint) -> str:
    name = type(error).__name__
    message = plain(str(error))
    if getattr(error, "type_name", None) and message.startswith(plain(error.type_name)):  # type: ignore[attr-defined]
        # A RemoteError is shown as what it stands for.
        name, message = plain(error.type_name), message[len(plain(error.type_name)) :].lstrip(": ")  # type: ignore[attr-defined]
    line = paint.name(name) + (f": {message}" if message else "")
    notes = [plain(str(note)) for note in getattr(error, "__notes__", ())]
    return "\n".join([line, *notes])


# -- here


def _stopped_here(error: BaseException) -> bool:
    """Whether it is an interrupt, or the end of a cancelled call, that came up through nbfaas."""
    if not isinstance(error, KeyboardInterrupt | CancelledError):
        return False
    files = (frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(file.startswith(_OURS) or file.endswith(_FUTURES) for file in files)


def _local(shell: Any, error: BaseException) -> list[str]:
    """The frames that are the user's, as IPython shows them; nothing where a magic raised."""
    steps = list(_users_steps(error.__traceback__))
    if not steps:
        return []
    kept: TracebackType | None = None
    for step in reversed(steps):
        kept = TracebackType(kept, step.tb_frame, step.tb_lasti, step.tb_lineno)
    # A stand-in without causes: what follows is shown by us.
    stand_in = type(type(error).__name__, (Exception,), {})
    lines: list[str] = shell.InteractiveTB.structured_traceback(stand_in, stand_in(), kept, 0)
    return lines[:-1]


def _users_steps(tb: TracebackType | None) -> Iterator[TracebackType]:
    """From the cell to where it called into nbfaas; frames of earlier raises come behind that."""
    while tb is not None:
        filename = tb.tb_frame.f_code.co_filename
        if filename.startswith(_OURS) or filename.endswith(_FUTURES):
            return
        if _is_faas_magic(tb):
            return
        if f"{os.sep}IPython{os.sep}" not in filename and _ASYNCIO not in filename:
            yield tb
        tb = tb.tb_next


def _is_faas_magic(tb: TracebackType) -> bool:
    """Whether this is IPython's own call of a magic of ours, which is no line of the user's."""
    following = tb.tb_next
    while following is not None:
        filename = following.tb_frame.f_code.co_filename
        if filename.startswith(_OURS):
            return filename.startswith(os.path.join(_OURS, "notebook", "magics"))
        if f"{os.sep}IPython{os.sep}" not in filename:
            return False
        following = following.tb_next
    return False


_FUTURES = os.path.join("concurrent", "futures", "_base.py")
_ASYNCIO = f"{os.sep}asyncio{os.sep}"


# -- in the sandbox


def _remote(shell: Any, data: RemoteTracebackData, paint: _Paint) -> Iterator[str]:
    if data.cause is not None:
        yield from _remote(shell, data.cause, paint)
        yield from (_exception_line(data.cause, paint), _CAUSE)
    elif data.context is not None and not data.suppress_context:
        yield from _remote(shell, data.context, paint)
        yield from (_exception_line(data.context, paint), _CONTEXT)
    if data.frames:
        where = plain(f"the sandbox {data.sandbox}" if data.sandbox else "the sandbox")
        yield f"Remote traceback (in {where}, most recent call last):"
    for _, alike in itertools.groupby(data.frames, lambda frame: (frame.filename, frame.lineno)):
        frames = list(alike)
        for frame in frames[:_REPEATS]:
            yield from _frame(shell, frame, paint)
        if len(frames) > _REPEATS:
            yield f"[… {len(frames) - _REPEATS} frames like the last one …]\n"
    for number, member in enumerate(data.group or (), start=1):
        yield f"  +---------------- {number} ----------------"
        lines = [*_remote(shell, member, paint), _exception_line(member, paint)]
        yield from (f"  | {line}" for text in lines for line in text.splitlines())


def _exception_line(data: RemoteTracebackData, paint: _Paint) -> str:
    name, message = paint.name(plain(data.type_name)), plain(data.message)
    return "\n".join([f"{name}: {message}" if message else name, *map(plain, data.notes)])


def _frame(shell: Any, frame: RemoteFrame, paint: _Paint) -> Iterator[str]:
    known = cell_of(shell, frame.filename)
    if known is not None:
        where = f"{known}, line {frame.lineno}"
    else:
        where = f"File {plain(frame.filename)}:{frame.lineno}"
    name = plain(frame.name)
    yield paint.where(where) + ("" if name in ("<module>", "") else f", in {name}")
    lines = linecache.getlines(frame.filename) if known is not None else []
    first = max(1, frame.lineno - _AROUND)
    for number in range(first, min(frame.lineno + _AROUND, len(lines)) + 1):
        if number != frame.lineno:
            yield f"{number:>7} {plain(lines[number - 1].rstrip())}"
        else:
            yield _arrow(frame, paint)
    if frame.lineno > len(lines) and frame.line is not None:
        yield _arrow(frame, paint)
    yield ""


def _arrow(frame: RemoteFrame, paint: _Paint) -> str:
    number = str(frame.lineno)
    return f"{paint.arrow('-' * (5 - len(number)) + '> ' + number)} {plain(frame.line or '')}"


class _Paint:
    """ANSI colours in IPython's manner, or none where the user has none."""

    def __init__(self, scheme: str) -> None:
        self._on = scheme.lower() != "nocolor"

    def name(self, text: str) -> str:
        return self._in("31", text)

    def where(self, text: str) -> str:
        return self._in("32", text)

    def arrow(self, text: str) -> str:
        return self._in("1;32", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._on else text
