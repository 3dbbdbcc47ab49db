"""Exceptions of a sandbox, made anew on the host: of their own type, without running its code."""

from __future__ import annotations

import ast
import concurrent.futures
import contextlib
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from nbfaas.agent import wire
from nbfaas.agent.wire import Bytes
from nbfaas.errors import FunctionExited, RemoteError
from nbfaas.packager.own_classes import find_class, make_exception, set_exception_state
from nbfaas.packager.policy import load_checked
from nbfaas.packager.traceback_text import RemoteTracebackData, read_data
from nbfaas.packager.weight import allowance, weigh

# Raised here they would mean something else: the end of a generator, or a cancelled call.
_NOT_RAISED = (StopIteration, StopAsyncIteration, concurrent.futures.CancelledError)
_MAX_CAUSES = 32


class RemoteTraceback(Exception):
    """The traceback from the sandbox, as the cause of the exception it belongs to."""

    def __init__(self, text: str, sandbox: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.sandbox = sandbox

    def __str__(self) -> str:
        where = f"In the sandbox {self.sandbox}:\n" if self.sandbox else ""
        return f'\n"""\n{where}{self.text.rstrip()}\n"""'


def rebuild_exception(
    data: Mapping[str, Any],
    parts: Sequence[Bytes] = (),
    *,
    function: str,
    trust: tuple[str, ...] = (),
    sandbox: str = "",
) -> BaseException:
    """Return the exception that a FAILURE of the kind ``exception`` or ``exit`` describes.

    It is of its own type if that is an ``Exception`` that is known here, else a ``RemoteError``;
    for ``sys.exit`` a ``FunctionExited``. Its ``remote_traceback`` is a ``RemoteTracebackData``,
    its deepest ``__cause__`` a ``RemoteTraceback``; both name the ``sandbox``, given by its id.
    Never raises, whatever ``data`` is.
    """
    traceback = dataclasses.replace(read_data(dict(data)), sandbox=sandbox)
    text = traceback.text
    error: BaseException
    if data.get("kind") == "exit" or (
        (traceback.type_module, traceback.type_qualname) == ("builtins", "SystemExit")
    ):
        error = FunctionExited(function, data.get("code", data.get("exit_code")))
        error.__dict__["remote_traceback"] = traceback
    else:
        error = _rebuild(traceback, parts, trust, text)
    if traceback.frames:
        last = error
        for _ in range(_MAX_CAUSES):
            if last.__cause__ is None:
                break
            last = last.__cause__
        last.__cause__ = RemoteTraceback(text, sandbox)
    return error


def _rebuild(
    data: RemoteTracebackData, parts: Sequence[Bytes], trust: tuple[str, ...], text: str
) -> BaseException:
    error = _own_type(data, parts, trust) or RemoteError(data.type_name, data.message, text)
    error.__dict__["remote_traceback"] = data
    if data.notes:
        error.__dict__["__notes__"] = list(data.notes)
    if data.cause is not None:
        error.__cause__ = _rebuild(data.cause, (), trust, data.cause.text)
    if data.context is not None:
        error.__context__ = _rebuild(data.context, (), trust, data.context.text)
    error.__suppress_context__ = data.suppress_context
    return error


def _own_type(
    data: RemoteTracebackData, parts: Sequence[Bytes], trust: tuple[str, ...]
) -> BaseException | None:
    cls = _known_class(data)
    if cls is None:
        return None
    if issubclass(cls, BaseExceptionGroup):
        return _group(cls, data, trust)
    args, state = _contents(parts, trust)
    for attempt, attributes in ((args, state), (_from_message(cls, data.message), {})):
        if attempt is None:
            continue
        try:
            error = make_exception(cls, attempt)
            set_exception_state(error, attributes)
            str(error)  # a __str__ that misses an attribute would fail wherever it is shown
        except Exception:  # noqa: BLE001, S112 - a class of the user's; RemoteError is left
            continue
        return error
    return None


def _from_message(cls: type[BaseException], message: str) -> tuple[Any, ...]:
    if issubclass(cls, KeyError):  # whose message is the repr of its key
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            return (ast.literal_eval(message),)
    return (message,) if message else ()


def _known_class(data: RemoteTracebackData) -> type[BaseException] | None:
    """The class in a module that is loaded already. nbfaas' own errors are the host's to raise."""
    if data.type_module.partition(".")[0] == "nbfaas" or data.type_module not in sys.modules:
        return None
    cls = find_class(data.type_module, data.type_qualname)
    if cls is None or not issubclass(cls, Exception) or issubclass(cls, _NOT_RAISED):
        return None
    return cls


def _contents(
    parts: Sequence[Bytes], trust: tuple[str, ...]
) -> tuple[tuple[Any, ...] | None, dict[str, Any]]:
    if not parts:
        return None, {}
    try:
        args, state = load_checked(parts, trust)
        if type(args) is not tuple or type(state) is not dict:
            return None, {}
        # Exceptions are shown; that would never end if lists that hold one another were among it.
        weigh((args, state), allowance(wire.total(parts)), shown=True)
    except Exception:  # noqa: BLE001 - what is not trusted is left out; the message remains
        return None, {}
    return args, state


def _group(
    cls: type[BaseException], data: RemoteTracebackData, trust: tuple[str, ...]
) -> BaseException | None:
    members = [_rebuild(each, (), trust, each.text) for each in data.group or ()]
    # str() of a group adds the number of its members.
    message = data.message.rpartition(" (")[0] or data.message
    try:
        return make_exception(cls, (message, members))
    except Exception:  # noqa: BLE001 - no members, or a user's subclass that wants more
        return None
