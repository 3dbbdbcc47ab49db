"""``FaasWidget``: what all widgets of nbfaas share.

A subclass names its file in ``static``, declares fields, and fills them in ``refresh``::

    class Counter(FaasWidget):
        script = "counter.js"
        number = field(0)

        def refresh(self) -> None:
            self.put(number=count())

        @action
        def add(self, amount: int = 1) -> int: ...

Fields are what a view shows; whoever opens one later gets their last values. ``refresh`` is called
by the widgets' thread, ten times a second at most, and only while there is a view to be seen and
something has happened. Actions run in a thread of their own each, so that neither the kernel nor a
busy cell holds them up; what they raise is shown in the view.
"""

from __future__ import annotations

import contextlib
import threading
import traceback
import uuid
from typing import Any, ClassVar

import anywidget
import traitlets

from nbfaas.errors import NbfaasError
from nbfaas.notebook.notices import is_notebook
from nbfaas.notebook.text import markup
from nbfaas.notebook.widgets import assets
from nbfaas.notebook.widgets.actions import BadAction, actions_of, arguments
from nbfaas.notebook.widgets.busy import hear_while_busy
from nbfaas.notebook.widgets.lifetime import lifetime
from nbfaas.notebook.widgets.pulse import pulse

_VIEW = "application/vnd.jupyter.widget-view+json"


def field(default: object) -> Any:
    """A field of a widget: JSON, or bytes, which reach the view as a ``DataView``. ``default`` must
    not be changed in place; ``put`` new values."""
    return traitlets.Any(default).tag(sync=True)


class FaasWidget(anywidget.AnyWidget):
    """See the module. Subclasses override ``refresh``, ``text`` and ``snapshot_html``."""

    script: ClassVar[str]  # the file in ``static``; a style sheet of that name goes with it
    pace: ClassVar[float | None] = None  # seconds after which to refresh even if nothing happened
    endless: ClassVar[bool] = False  # what it shows never comes to an end at which to ``settle``
    _actions: ClassVar[dict[str, Any]] = {}

    _problem = field(None)  # what went wrong outside of actions: {"title", "text", "trace"}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "script" in cls.__dict__:
            cls._esm = assets.script(cls.script)
            cls._css = assets.style(cls.script)
        super().__init_subclass__(**kwargs)
        cls._actions = actions_of(cls)

    def __init__(self, **fields: Any) -> None:
        self._display_id = f"nbfaas-{uuid.uuid4().hex[:12]}"
        self._shell: Any = None  # where it is displayed
        self._views: dict[str, bool] = {}  # whether each can be seen
        self._stale = True
        self._refreshed = 0.0
        self._refreshing = threading.RLock()
        self._putting = threading.Lock()
        super().__init__(**fields)
        hear_while_busy(self.comm)
        self.on_msg(self._hear)

    def __repr__(self) -> str:
        return self.text()

    # -- what subclasses say

    def refresh(self) -> None:
        """Bring the fields up to date with ``put``."""

    def text(self) -> str:
        """The present state as plain text, for terminals and readers without HTML."""
        return f"<{type(self).__name__}>"

    def snapshot_html(self) -> str:
        """The present state as HTML and SVG that need no kernel (``widgets/snapshot.py``)."""
        return f"<pre>{markup(self.text())}</pre>"

    # -- what subclasses use

    def put(self, **fields: Any) -> None:
        """Set fields; those that have changed are sent, in one message."""
        with self._putting, self.hold_sync():
            for name, value in fields.items():
                setattr(self, name, value)

    def tell(self, kind: str, buffers: list[bytes] | None = None, **content: Any) -> None:
        """A message for the views there are now, to ``view.hear(kind, …)``. It is lost if there is
        none: what has to last belongs into a field."""
        if self.comm is not None:
            self.send({"kind": kind, **content}, buffers)

    def stale(self) -> None:
        """Have it refreshed soon, though there was no record."""
        self._stale = True

    def settle(self) -> None:
        """Store the present picture and text with the output, for readers without a kernel. To be
        called when what the widget shows has come to its end: the view is drawn anew."""
        self._publish(self._bundle(), update=True)

    def cell_ended(self) -> None:
        """Where no view has said a word (a notebook run by nbclient), none will ask to have the
        picture of an endless widget stored."""
        if self.endless and self._shell is not None and not self._views:
            self._refresh()
            self.settle()

    # -- showing

    @property
    def displayed(self) -> bool:
        """Whether there is, as far as is known, a view that can be seen."""
        # Before the first view has said a word it may be one whose kernel can't hear it yet.
        return self._shell is not None and (not self._views or any(self._views.values()))

    def _ipython_display_(self) -> None:
        from IPython import get_ipython

        shell = get_ipython()
        if shell is None or not is_notebook(shell):
            print(self.text())
            return
        self._shell = shell
        lifetime.attach(shell)
        lifetime.keep(self)
        self._refresh()
        self._publish(self._bundle(), update=False)
        pulse.add(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._bundle(), {}

    def _bundle(self) -> dict[str, Any]:
        data: dict[str, Any] = {"text/plain": self.text(), "text/html": self.snapshot_html()}
        if self.comm is not None:
            data[_VIEW] = {"version_major": 2, "version_minor": 1, "model_id": self.model_id}
        return data

    def _publish(self, data: dict[str, Any], *, update: bool) -> None:
        if self._shell is not None:
            self._shell.display_pub.publish(
                data, transient={"display_id": self._display_id}, update=update
            )

    def close(self) -> None:
        """Leave a still picture in its place. Idempotent."""
        if getattr(self, "comm", None) is None:
            return
        pulse.remove(self)
        lifetime.forget(self)
        with self._refreshing, self._putting:
            bundle = self._bundle()
            del bundle[_VIEW]
            self._publish(bundle, update=True)
            super().close()

    # -- refreshing

    def beat(self, now: float, changed: bool) -> None:
        """Of the widgets' thread."""
        self._stale = self._stale or changed
        due = self.pace is not None and now - self._refreshed >= self.pace
        if self.displayed and (self._stale or due):
            self._refreshed = now
            self._refresh()

    def _refresh(self) -> None:
        with self._refreshing:
            if self.comm is None:
                return
            self._stale = False
            problem = None
            try:
                self.refresh()
            except Exception as error:  # noqa: BLE001 - told in the view
                problem = _told(error)
            self.put(_problem=problem)

    # -- hearing

    def _hear(self, _: object, content: Any, buffers: object) -> None:
        """A message of a view: that it can be seen or not, or an action."""
        if not isinstance(content, dict):
            return
        if isinstance(view := content.get("view"), str):
            self._views = {**self._views, view: content.get("visible") is True}
            self.stale()
            return
        number = content.get("id")
        self.tell("heard", id=number)
        threading.Thread(
            target=self._act,
            args=(content.get("action"), content.get("payload", {}), number),
            name="nbfaas-widget-action",
            daemon=True,
        ).start()

    def _act(self, name: object, payload: object, number: object) -> None:
        try:
            answer: dict[str, Any] = {"value": self.handle(name, payload)}
        except Exception as error:  # noqa: BLE001 - told in the view
            answer = {"error": _told(error)}
        with contextlib.suppress(AttributeError):  # it was closed meanwhile
            self.tell("answer", id=number, **answer)
        self._refresh()

    def handle(self, name: object, payload: object) -> object:
        """Do what a view asks for. Raises ``BadAction`` and what the action raises."""
        shape = self._actions.get(name) if isinstance(name, str) else None
        if shape is None:
            raise BadAction(f"{type(self).__name__} has no action {name!r}")
        return getattr(self, str(name))(**arguments(shape, str(name), payload))


def _told(error: Exception) -> dict[str, str]:
    """What the view shows of an error; of one that nobody expected, also where it came from."""
    expected = isinstance(error, (NbfaasError, ValueError, LookupError, OSError))
    return {
        "title": type(error).__name__,
        "text": str(error),
        "trace": "" if expected else "".join(traceback.format_exception(error)),
    }
