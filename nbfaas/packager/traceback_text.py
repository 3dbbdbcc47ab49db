"""A remote traceback as frozen data, checked, with the source lines that only the host knows."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nbfaas.agent import failure, traceback_text
from nbfaas.packager.modules import is_local

_MAX_DEPTH = 24  # of causes, contexts and groups in each other


@dataclass(frozen=True, slots=True)
class RemoteFrame:
    """A frame as it was in the sandbox. ``line`` is None where the source is not known here."""

    filename: str
    lineno: int
    name: str
    line: str | None
    end_lineno: int | None = None
    colno: int | None = None
    end_colno: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteTracebackData:
    """An exception of a sandbox, for renderers. All text is the sandbox's: escape it."""

    type_module: str
    type_qualname: str
    message: str
    bases: tuple[str, ...]
    notes: tuple[str, ...]
    frames: tuple[RemoteFrame, ...]
    cause: RemoteTracebackData | None
    context: RemoteTracebackData | None
    suppress_context: bool
    group: tuple[RemoteTracebackData, ...] | None
    sandbox: str = ""
    """The id of the sandbox; empty for causes, contexts and members of groups, and where it is not
    known."""

    @property
    def type_name(self) -> str:
        """As a traceback names it: without the module for builtins and the notebook's own."""
        if self.type_module in ("builtins", "__main__", ""):
            return self.type_qualname
        return f"{self.type_module}.{self.type_qualname}"

    @property
    def text(self) -> str:
        """As Python would print it."""
        return render(self)


def render(data: RemoteTracebackData) -> str:
    """The standard text of a traceback, source lines of the notebook's cells included."""
    return traceback_text.render(asdict(data))


def read_data(raw: object, depth: int = _MAX_DEPTH) -> RemoteTracebackData:
    """Check what a sandbox says about its exception, and fill in lines it can't know.

    Anything of another form than ``nbfaas.agent.failure.describe`` gives is replaced, never raised.
    """
    data: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    group = data.get("group")
    return RemoteTracebackData(
        type_module=_text(data.get("type_module")),
        type_qualname=_text(data.get("type_qualname")) or "Exception",
        message=_text(data.get("message"))[: 2 * failure.MAX_MESSAGE],
        bases=tuple(map(_text, _list(data.get("bases"))[:64])),
        notes=tuple(map(_text, _list(data.get("notes"))[:64])),
        frames=tuple(map(_frame, _list(data.get("frames"))[: failure.MAX_FRAMES])),
        cause=read_data(data["cause"], depth - 1) if depth and data.get("cause") else None,
        context=read_data(data["context"], depth - 1) if depth and data.get("context") else None,
        suppress_context=data.get("suppress_context") is True,
        group=tuple(read_data(each, depth - 1) for each in group[: failure.MAX_GROUP])
        if depth and isinstance(group, list)
        else None,
    )


def _frame(raw: object) -> RemoteFrame:
    data: Mapping[str, Any] = raw if isinstance(raw, dict) else {}
    filename, lineno = _text(data.get("filename")), _number(data.get("lineno")) or 0
    line = data.get("line")
    return RemoteFrame(
        filename=filename,
        lineno=lineno,
        name=_text(data.get("name")),
        line=line[: failure.MAX_LINE] if type(line) is str else source_line(filename, lineno),
        end_lineno=_number(data.get("end_lineno")),
        colno=_number(data.get("colno")),
        end_colno=_number(data.get("end_colno")),
    )


def source_line(filename: str, lineno: int) -> str | None:
    """The line of a cell or of a loaded local module; no other file is read for a sandbox."""
    if filename not in linecache.cache and not _is_local_source(filename):
        return None
    line = linecache.getline(filename, lineno).rstrip("\n")
    return line[: failure.MAX_LINE] or None


def _is_local_source(filename: str) -> bool:
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == filename:
            return name == "__main__" or is_local(name)
    return False


def _text(value: object) -> str:
    return value if type(value) is str else ""


def _number(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 1 << 31 else None


def _list(value: object) -> list[object]:
    return value if type(value) is list else []
