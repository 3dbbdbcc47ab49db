"""The text Python would print for an exception, from the exception as data."""

from __future__ import annotations

import traceback
from typing import Any

_CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT = "\nDuring handling of the above exception, another exception occurred:\n\n"


def render(data: dict[str, Any]) -> str:
    """``Traceback (most recent call last): …`` for what ``nbfaas.agent.failure.describe`` made.

    Lines that the data does not hold are left out; no file is read.
    """
    return "".join(_blocks(data))


def _blocks(data: dict[str, Any]) -> list[str]:
    blocks: list[str] = []
    if data["cause"] is not None:
        blocks += [*_blocks(data["cause"]), _CAUSE]
    elif data["context"] is not None and not data["suppress_context"]:
        blocks += [*_blocks(data["context"]), _CONTEXT]
    if data["frames"]:
        blocks.append("Traceback (most recent call last):\n")
        blocks += traceback.StackSummary.from_list(map(_summary, data["frames"])).format()
    blocks.append(_headline(data))
    blocks += [f"{note}\n" for note in data["notes"]]
    for number, member in enumerate(data["group"] or (), start=1):
        blocks.append(f"  +---------------- {number} ----------------\n")
        blocks += [f"  | {line}\n" for line in render(member).splitlines()]
    return blocks


def _headline(data: dict[str, Any]) -> str:
    module, name, message = data["type_module"], data["type_qualname"], data["message"]
    if module not in ("builtins", "__main__"):
        name = f"{module}.{name}"
    return f"{name}: {message}\n" if message else f"{name}\n"


def _summary(frame: dict[str, Any]) -> traceback.FrameSummary:
    return traceback.FrameSummary(
        frame["filename"],
        frame["lineno"],
        frame["name"],
        lookup_line=False,
        # None would make the standard library read the file of this name.
        line=f"{frame['line']}\n" if frame["line"] else "",
        end_lineno=frame["end_lineno"] if frame["line"] else None,
        colno=frame["colno"] if frame["line"] else None,
        end_colno=frame["end_colno"] if frame["line"] else None,
    )
