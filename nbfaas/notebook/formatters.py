"""How calls, runs and functions look as the value of a cell."""

from __future__ import annotations

from typing import Any

from nbfaas.notebook.notices import is_notebook
from nbfaas.notebook.progress import Shows
from nbfaas.notebook.text import markup, plain
from nbfaas.remote.call import FunctionCall
from nbfaas.remote.function import RemoteFunction
from nbfaas.remote.map_run import MapRun

_KINDS: tuple[type, ...] = (FunctionCall, RemoteFunction, MapRun)


class Formatters:
    """Registered with the shell's formatters, so that the layers below stay free of IPython."""

    def __init__(self, shell: Any, shows: Shows) -> None:
        self._formatter = shell.display_formatter
        self._notebook = is_notebook(shell)
        self._shows = shows

    def __repr__(self) -> str:
        return "<Formatters>"

    def add(self) -> None:
        for kind in _KINDS:
            self._formatter.formatters["text/html"].for_type(kind, _code)
            self._formatter.formatters["text/plain"].for_type(kind, _pretty)
        if self._notebook:
            show = self._formatter.ipython_display_formatter.for_type
            show(MapRun, self._shows.show_run)
            show(FunctionCall, self._shows.show_call)

    def remove(self) -> None:
        for kind in _KINDS:
            for name in ("text/html", "text/plain"):
                self._formatter.formatters[name].pop(kind, None)
            self._formatter.ipython_display_formatter.pop(kind, None)


def _code(value: object) -> str:
    return f"<code>{markup(repr(value))}</code>"


def _pretty(value: object, printer: Any, cycle: bool) -> None:
    printer.text(plain(repr(value)))
