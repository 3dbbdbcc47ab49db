"""``%load_ext nbfaas``: what it adds to the shell, and how it is taken away again."""

from __future__ import annotations

import contextlib
import sys
import threading
import types
from typing import Any

from nbfaas.model.image import ImageSpec
from nbfaas.notebook.cells import CellWatch
from nbfaas.notebook.completion import complete
from nbfaas.notebook.formatters import Formatters
from nbfaas.notebook.magics import FaasMagics
from nbfaas.notebook.notices import Notices, is_notebook
from nbfaas.notebook.progress import Shows
from nbfaas.notebook.text import plain
from nbfaas.notebook.tracebacks import cell_of, render_error
from nbfaas.pictures.file_names import set_file_names
from nbfaas.remote.progress import set_watchers
from nbfaas.service import get_service, set_moved, set_notify
from nbfaas.settings import config

_MAGICS = ("line", "cell")


class Extension:
    """What was added to one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.notices = Notices(shell)
        self._cells = CellWatch(shell)
        self._shows = Shows(shell)
        self._formatters = Formatters(shell, self._shows)
        self._shadowed: dict[str, Any] = {}
        self._show = shell.showtraceback

    def __repr__(self) -> str:
        return f"<Extension of {type(self._shell).__name__}>"

    def add(self) -> None:
        shell = self._shell
        self._shadowed = {kind: shell.find_magic("faas", kind) for kind in _MAGICS}
        shell.register_magics(FaasMagics)
        if config not in shell.configurables:
            shell.configurables.append(config)
        self._cells.attach()  # before the notices, which end with the cell
        self.notices.attach()
        set_notify(_notify)
        set_moved(self.notices.refresh)
        if is_notebook(shell):
            set_watchers(self._shows.watch_run, self._shows.watch_call)
        set_file_names(lambda filename: cell_of(shell, filename))
        self._formatters.add()
        shell.set_hook("complete_command", complete, str_key="%faas")
        shell.showtraceback = types.MethodType(_showtraceback(self._show), shell)

    def remove(self) -> None:
        shell = self._shell
        del shell.showtraceback
        shell.strdispatchers["complete_command"].strs.pop("%faas", None)
        self._formatters.remove()
        set_file_names(None)
        set_watchers(None, None)
        set_notify(None)
        set_moved(None)
        self.notices.detach()
        self._cells.detach()
        shell.configurables[:] = [each for each in shell.configurables if each is not config]
        for kind, shadowed in self._shadowed.items():
            magics = shell.magics_manager.magics[kind]
            if shadowed is None:
                magics.pop("faas", None)
            else:
                magics["faas"] = shadowed
        shell.magics_manager.registry.pop("FaasMagics", None)


def _showtraceback(show: Any) -> Any:
    def showtraceback(shell: Any, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> None:
        try:
            kind, error, _ = shell._get_exc_info(exc_tuple)
        except ValueError:  # there is none to be shown
            return show(exc_tuple, *args, **kwargs)  # type: ignore[no-any-return]
        lines = None if kwargs.get("exception_only") else render_error(shell, error)
        if lines is None:
            return show(exc_tuple, *args, **kwargs)  # type: ignore[no-any-return]
        shell._showtraceback(kind, error, lines)
        if shell.call_pdb:
            shell.debugger(force=True)
        return None

    return showtraceback


_loaded: Extension | None = None


def _notify(message: str) -> None:
    # The service is given this once, and may live longer than an extension that is reloaded.
    if _loaded is not None:
        _loaded.notices.post(message)
    else:
        print(f"nbfaas: {plain(message)}", file=sys.stderr)


def load(shell: Any) -> None:
    """Add nbfaas to ``shell``. Idempotent; returns before anything has been asked of Docker."""
    global _loaded
    if _loaded is not None:
        unload(shell)
    _loaded = Extension(shell)
    _loaded.add()
    # A thread, because even the imports for this would hold up the cell.
    threading.Thread(target=_warm, name="nbfaas-warm", daemon=True).start()


def _warm() -> None:
    """Open the backend and start sandboxes: the first call finds them, or raises what is wrong."""
    with contextlib.suppress(RuntimeError):  # this process is ending already
        get_service().prewarm(ImageSpec())


def unload(shell: Any) -> None:
    """Take everything away again. Functions and their sandboxes stay until the service ends."""
    global _loaded
    extension, _loaded = _loaded, None
    if extension is not None:
        extension.remove()
        _close_widgets()


def _close_widgets() -> None:
    # Where no widget was ever shown, their modules need not be loaded.
    module = sys.modules.get("nbfaas.notebook.widgets.lifetime")
    if module is not None:
        module.lifetime.detach()
