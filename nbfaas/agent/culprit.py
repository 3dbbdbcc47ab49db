"""Which part of an object can't be pickled: looked for only after pickling has failed."""

from __future__ import annotations

import functools
import time
import types
from collections.abc import Callable, Iterator

from nbfaas.agent.units import with_article

Try = Callable[[object], object]
"""Pickles an object and raises if that can't be done."""

_MAX_DEPTH = 30
_MAX_CHILDREN = 100_000
_SECONDS = 3.0


class StaysHere(TypeError):
    """What ``__reduce__`` raises of something that is used only where it is. ``fix`` says, in a
    sentence or two, what to do instead."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.fix = fix


class Reason(str):
    """Why something can't be pickled. ``fix``: what to do instead, if that is known."""

    __slots__ = ("fix",)
    fix: str

    def __new__(cls, text: str, fix: str = "") -> Reason:
        reason = super().__new__(cls, text)
        reason.fix = fix
        return reason


def find_culprit(value: object, label: str, attempt: Try) -> tuple[str, Reason]:
    """Return ``(path, reason)``: the deepest part of ``value`` that ``attempt`` fails on, written
    as Python would (``result['model'].lock``, ``score → global 'client' → .lock``), and why.

    Bounded in depth and time; where a bound is met, the path ends early.
    """
    reason = _failure_of(value, attempt)
    if reason is None:
        return label, Reason("it could be pickled when tried again; it changes while it is pickled")
    deadline = time.monotonic() + _SECONDS
    path, separate = label, isinstance(value, types.FunctionType)
    seen = {id(value)}
    for _ in range(_MAX_DEPTH):
        for count, (step, child) in enumerate(_children(value)):  # noqa: B007 - used after the loop
            if count > _MAX_CHILDREN or time.monotonic() > deadline:
                return path, reason
            if id(child) in seen:
                continue
            failure = _failure_of(child, attempt)
            if failure is not None:
                break
        else:
            return path, reason
        seen.add(id(child))
        named = not step.startswith((".", "["))
        path += f" → {step}" if named or separate else step
        value, reason, separate = child, failure, named
    return path, reason


def _failure_of(value: object, attempt: Try) -> Reason | None:
    try:
        attempt(value)
    except RecursionError:
        return Reason("it is nested too deeply")
    except StaysHere as error:
        return Reason(str(error), error.fix)
    except Exception as error:  # noqa: BLE001 - __reduce__ of anything may raise anything
        return Reason("it is nested too deeply" if "recursion" in str(error) else _one_line(error))
    return None


def _one_line(error: Exception) -> str:
    try:
        text = " ".join(str(error).split())[:300].rstrip(".")
    except Exception:  # noqa: BLE001 - __str__ of a user's exception
        text = ""
    return text if type(error) is TypeError and text else f"{type(error).__name__}: {text}"


def _children(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, item in list(value.items()):
            yield f"[{_short(key)}]", item
            yield f"[key {_short(key)}]", key
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield f"[{index}]", item
    elif isinstance(value, set | frozenset):
        for item in value:
            yield f"[element {_short(item)}]", item
    elif isinstance(value, types.FunctionType):
        yield from _function_children(value)
    elif isinstance(value, types.MethodType):
        yield ".__self__", value.__self__
        yield ".__func__", value.__func__
    elif isinstance(value, functools.partial):
        yield ".func", value.func
        yield ".args", value.args
        yield ".keywords", value.keywords
    elif isinstance(value, staticmethod | classmethod):
        yield ".__func__", value.__func__
    elif isinstance(value, property):
        yield ".fget", value.fget
        yield ".fset", value.fset
    elif isinstance(value, type):
        for name, item in list(value.__dict__.items()):
            if name not in ("__dict__", "__weakref__"):
                yield f".{name}", item
    elif not isinstance(value, types.ModuleType):
        yield from _instance_children(value)


def _function_children(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    wrapped = getattr(function, "__wrapped__", None)
    if wrapped is not None:
        yield ".__wrapped__", wrapped
    for name in _global_names(function.__code__):
        if name in function.__globals__:
            yield f"global {name!r}", function.__globals__[name]
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=False):
        try:
            yield f"closure variable {name!r}", cell.cell_contents
        except ValueError:  # an empty cell
            continue
    code, defaults = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
    for name, item in (
        *zip(names, defaults, strict=True),
        *(function.__kwdefaults__ or {}).items(),
    ):
        yield f"default of {name!r}", item
    for name, item in (*function.__annotations__.items(), *function.__dict__.items()):
        yield f".{name}", item


def _global_names(code: types.CodeType) -> Iterator[str]:
    """Names the code may look up as globals, nested functions included; some may be attributes."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def _instance_children(value: object) -> Iterator[tuple[str, object]]:
    try:
        reduced = value.__reduce_ex__(5)
    except Exception:  # noqa: BLE001 - then the attributes are looked at one by one
        reduced = None
    if isinstance(reduced, tuple) and len(reduced) > 2:
        state = reduced[2]
        if isinstance(state, dict):
            yield from ((f".{name}", item) for name, item in state.items())
        elif state is not None:
            yield ".__getstate__()", state
    if isinstance(reduced, tuple) and len(reduced) > 1 and isinstance(reduced[1], tuple):
        for item in reduced[1]:
            if not isinstance(item, type):
                yield ".__reduce_ex__()", item
    if isinstance(reduced, tuple) and len(reduced) > 3 and reduced[3] is not None:
        yield from ((f"[{index}]", item) for index, item in enumerate(reduced[3]))
    if isinstance(reduced, tuple) and len(reduced) > 4 and reduced[4] is not None:
        yield from ((f"[{_short(key)}]", item) for key, item in reduced[4])
    # What nbfaas itself refuses to have pickled says why; its insides do not.
    if reduced is None and not type(value).__module__.startswith("nbfaas."):
        yield from ((f".{name}", item) for name, item in getattr(value, "__dict__", {}).items())
        for cls in type(value).__mro__:
            slots = cls.__dict__.get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else tuple(slots):
                if hasattr(value, name):
                    yield f".{name}", getattr(value, name)


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - __repr__ of anything may raise anything
        text = with_article(type(value).__name__)
    return text if len(text) <= 60 else f"{text[:57]}..."
