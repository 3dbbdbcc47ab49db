"""Failures as data: what a FAILURE frame says, as a JSON-able dict with a ``kind``.

==================  ================================================================================
kind                further keys
==================  ================================================================================
exception           what ``describe`` returns
load                the same, of an exception raised while the function was loaded
unpicklable_result  path, reason
result_too_large    size, limit (bytes)
missing_module      module
binding             parameter, problem: what an event lacks for its function to be called with it
exit                code: what was given to ``sys.exit``
crashed             exit_code, signal, oom: how the process of one call ended (isolation="call")
==================  ================================================================================
"""

from __future__ import annotations

import contextlib
import linecache
import os
from itertools import islice
from types import TracebackType
from typing import Any

from nbfaas.agent import wire
from nbfaas.agent.traceback_text import render

Failure = dict[str, Any]

MAX_FRAMES = 100
MAX_TEXT = 64 * 1024
MAX_MESSAGE = 16 * 1024
MAX_LINE = 1000
MAX_CHAIN = 8  # exceptions along __cause__ and __context__
MAX_GROUP = 32  # members of an exception group
_MAX_PARTS = 1024 * 1024
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: the class was made at run time
_INTERNAL = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Unbound(Exception):
    """An event does not have what ``parameter`` of its function needs; ``problem`` says so."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter}: {problem}")
        self.parameter = parameter
        self.problem = problem


def unpicklable_result(path: str, reason: str) -> Failure:
    return {"kind": "unpicklable_result", "path": path, "reason": reason}


def result_too_large(size: int, limit: int) -> Failure:
    return {"kind": "result_too_large", "size": size, "limit": limit}


def missing_module(module: str) -> Failure:
    return {"kind": "missing_module", "module": module}


def binding(error: Unbound) -> Failure:
    return {"kind": "binding", "parameter": error.parameter, "problem": error.problem}


def exited(code: object) -> Failure:
    return {"kind": "exit", "code": exit_code(code)}


def crashed(exit_code: int | None, signal: str | None, oom: bool = False) -> Failure:
    return {"kind": "crashed", "exit_code": exit_code, "signal": signal, "oom": oom}


def load(error: BaseException) -> Failure:
    """The failure of a function that could not be loaded because of ``error``."""
    failure, _ = describe(error)
    name, message = failure["type_qualname"], failure["message"]
    return {**failure, "kind": "load", "message": f"{name}: {message}" if message else name}


def describe(error: BaseException, *, skip_frames: int = 0) -> tuple[Failure, list[wire.Part]]:
    """Return ``error`` as data, and its arguments and attributes pickled (empty if they can't be).

    ``skip_frames`` outermost frames are left out, and those of the agent itself. Everything is
    bounded. The data::

        {kind, type_module, type_qualname, bases: ["builtins.ValueError", …], message, notes: [str],
         frames: [{filename, lineno, name, line: str | None, end_lineno, colno, end_colno}],
         cause: {…} | None, context: {…} | None, suppress_context, group: [{…}] | None, text}

    ``line`` is None where only the host may know the source; ``text`` is the traceback as Python
    prints it; ``exit_code`` is added for SystemExit. Never raises.
    """
    data = _describe(error, skip_frames, set(), MAX_CHAIN)
    data["text"] = _cut(render(data), MAX_TEXT)
    return data, _parts(error)


def builtin_base(cls: type[BaseException]) -> type[BaseException]:
    """The nearest class in the MRO of ``cls`` that is the interpreter's own, written in C."""
    return next(base for base in cls.__mro__ if not base.__flags__ & _HEAP_TYPE)


def exit_code(code: object) -> object:
    """``code`` if JSON knows it, else its repr."""
    if code is None or (type(code) is int and abs(code) < 1 << 62):
        return code
    return _cut(code if type(code) is str else _safe(repr, code), MAX_MESSAGE)


def _describe(error: BaseException, skip: int, seen: set[int], depth: int) -> Failure:
    seen.add(id(error))
    cls = type(error)
    data: Failure = {
        "kind": "exception",
        "type_module": str(cls.__module__),
        "type_qualname": cls.__qualname__,
        "bases": [f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__[:32]],
        "message": _cut(_safe(str, error), MAX_MESSAGE),
        "notes": _notes(error),
        "frames": _frames(error.__traceback__, skip),
        "cause": None,
        "context": None,
        "suppress_context": error.__suppress_context__,
        "group": None,
    }
    if isinstance(error, SystemExit):
        data["exit_code"] = exit_code(error.code)
    if depth:
        for key, linked in (("cause", error.__cause__), ("context", error.__context__)):
            if linked is not None and id(linked) not in seen:
                data[key] = _describe(linked, 0, seen, depth - 1)
        if isinstance(error, BaseExceptionGroup):
            members = error.exceptions[:MAX_GROUP]
            data["group"] = [_describe(each, 0, seen, min(depth - 1, 3)) for each in members]
    return data


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", None)
    found = [*notes[:32]] if isinstance(notes, list) else []
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    if name == "bdb.BdbQuit" or (name == "builtins.EOFError" and error.args == (_NO_INPUT,)):
        found.append(
            "(Functions run without a terminal, so nobody answers input() or breakpoint(). Pass "
            "what is needed as an argument; to debug, call the function here, without .remote.)"
        )
    return [_cut(_safe(str, note), MAX_MESSAGE) for note in found]


_NO_INPUT = "EOF when reading a line"  # what input() raises


def _frames(tb: TracebackType | None, skip: int) -> list[Failure]:
    links: list[TracebackType] = []
    while tb is not None:
        if skip > 0:
            skip -= 1
        elif not tb.tb_frame.f_code.co_filename.startswith(_INTERNAL):
            links.append(tb)
        tb = tb.tb_next
    if len(links) > MAX_FRAMES:  # both ends of a recursion tell more than its middle
        links = links[: MAX_FRAMES // 2] + links[-MAX_FRAMES // 2 :]
    return [_frame(link) for link in links]


def _frame(tb: TracebackType) -> Failure:
    frame, code = tb.tb_frame, tb.tb_frame.f_code
    filename, lineno = code.co_filename, tb.tb_lineno
    linecache.lazycache(filename, frame.f_globals)
    line = linecache.getline(filename, lineno).rstrip("\n") if lineno else ""
    at = next(islice(code.co_positions(), tb.tb_lasti // 2, None), (None, None, None, None))
    return {
        "filename": filename,
        "lineno": lineno,
        "name": code.co_name,
        "line": line[:MAX_LINE] if line else None,
        "end_lineno": at[1],
        "colno": at[2],
        "end_colno": at[3],
    }


def _parts(error: BaseException) -> list[wire.Part]:
    """``(args, state)`` pickled; only what can be pickled of the state, or nothing at all."""
    from nbfaas.agent import codec

    with contextlib.suppress(Exception):
        # The C type's own __reduce__ knows what args leave out, as OSError's file name.
        reduced: Any = builtin_base(type(error)).__reduce__(error)
        args, state = reduced[1], dict(reduced[2]) if len(reduced) > 2 and reduced[2] else {}
        state.pop("__notes__", None)
        if isinstance(error, BaseExceptionGroup):
            args = (error.message,)
        for attempt in (state, _picklable(state)):
            with contextlib.suppress(codec.Unpicklable):
                parts = codec.dump((args, attempt))
                return parts if wire.total(parts) <= _MAX_PARTS else []
    return []


def _picklable(state: dict[str, object]) -> dict[str, object]:
    from nbfaas.agent import codec

    kept = {}
    for name, value in state.items():
        with contextlib.suppress(codec.Unpicklable):
            codec.dump(value)
            kept[name] = value
    return kept


def _safe(to_text: Any, value: object) -> str:
    try:
        text = to_text(value)
        return text.encode("utf-8", "backslashreplace").decode()  # type: ignore[no-any-return]
    except Exception:  # noqa: BLE001 - __str__ of a user's class may raise anything
        return f"<{type(value).__name__} whose {to_text.__name__}() failed>"


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2 - 20
    return f"{text[:half]}\n… {len(text) - 2 * half} characters …\n{text[-half:]}"
