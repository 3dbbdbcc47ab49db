"""An event as code: Python, a command for the shell, a test. Pure."""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Callable
from typing import Any

from nbfaas.agent.event import Event, format_time
from nbfaas.events.literals import bracketed, literal

_VARIABLE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_ARGUMENT = 100_000  # bytes; Linux takes 128 KiB in one argument
_STRUCTURED = "application/cloudevents+json"
_NONE: Any = object()


def as_python(event: Event, *, exact: bool = False) -> str:
    """Code that emits the event. Without ``exact``, id and time are left out, so that each run
    emits an event of its own; with it, it is this very event, and a duplicate if it was sent."""
    return (
        f"import nbfaas\n\nevent = {_constructor(event, 'nbfaas.Event', '', exact=exact)}\n"
        "nbfaas.emit(event)\n"
    )


def as_curl(event: Event, url: str, token_placeholder: str = "$NBFAAS_TOKEN") -> str:  # noqa: S107
    """A command for a POSIX shell that posts the event to ``url``, the address of the gateway
    (``nbfaas.endpoint().url``), as a structured CloudEvent.

    ``token_placeholder``: a variable of the shell, ``$NAME``, or the token itself. The id goes
    along: run twice, the second is a duplicate.
    """
    url = url.rstrip("/")
    address = url if url.endswith("/events") else f"{url}/events"
    bearer = f"Authorization: Bearer {token_placeholder}"
    is_variable = _VARIABLE.fullmatch(token_placeholder) is not None
    body = event.to_json()
    lines = [
        f"curl -X POST {shlex.quote(address)}",
        f"-H {shlex.quote(f'Content-Type: {_STRUCTURED}')}",
        f'-H "{bearer}"' if is_variable else f"-H {shlex.quote(bearer)}",
    ]
    if len(body) <= _LONGEST_ARGUMENT:
        return " \\\n  ".join([*lines, f"--data-binary {shlex.quote(body.decode())}"]) + "\n"
    # JSON without line breaks can't hold the line that ends it.
    return " \\\n  ".join([*lines, f"--data-binary @- <<'EVENT'\n{body.decode()}\nEVENT"]) + "\n"


def as_pytest(
    event: Event,
    function: Callable[..., Any] | str,
    *,
    saved: str | None = None,
    module: str | None = None,
    result: Any = _NONE,
) -> str:
    """A test that calls ``function`` (or the one with this name) with the event, in the test's own
    process.

    ``saved``: load it by this name from the project, instead of writing it out. ``module``: where
    the function is imported from; by default where it was defined, and if that was a notebook, it
    is looked up by name, for which the session must know it. ``result``: what it has to return
    (JSON); without it, the test only sees to it that it raises nothing.
    """
    name = function if isinstance(function, str) else _name_of(function)
    module = module or (None if isinstance(function, str) else _module_of(function))
    target = name if module else literal(name)
    lines = ["import nbfaas"]
    if module:
        lines.append(f"from {module} import {name}")
    lines += ["", "", f"def test_{_identifier(name)}_handles_{_identifier(event.type)}():"]
    if saved is not None:
        lines.append(f"    event = nbfaas.events.load({literal(saved)})")
    else:
        made = _constructor(event, "nbfaas.Event", "    ", exact=True)
        lines.append(f"    event = {made}")
    call = f"nbfaas.events.call_locally({target}, event)"
    if result is _NONE:
        lines.append(f"    {call}")
    else:
        lines += [f"    result = {call}", f"    assert result == {literal(result, '    ', 17)}"]
    return "\n".join(lines) + "\n"


def _constructor(event: Event, callee: str, indent: str, *, exact: bool) -> str:
    inner = indent + "    "
    lines = [literal(event.type), literal(event.data, inner)]
    named: dict[str, Any] = {"source": event.source}
    if exact:
        named |= {"id": event.id, "time": format_time(event.time)}
    for attribute in ("subject", "datacontenttype", "dataschema"):
        if (value := getattr(event, attribute)) is not None:
            named[attribute] = value
    if event.extensions:
        named["extensions"] = dict(event.extensions)
    lines += [f"{key}={literal(value, inner, len(key) + 2)}" for key, value in named.items()]
    return bracketed(f"{callee}(", ")", lines, indent)


def _name_of(function: Callable[..., Any]) -> str:
    return str(getattr(function, "name", None) or getattr(function, "__name__", "function"))


def _module_of(function: Callable[..., Any]) -> str | None:
    """Where it can be imported from; None if it can't."""
    module = getattr(function, "__module__", None)
    qualified = str(getattr(function, "__qualname__", "."))
    importable = isinstance(module, str) and module != "__main__" and qualified.isidentifier()
    return str(module) if importable else None


def _identifier(text: str) -> str:
    made = re.sub(r"[^0-9A-Za-z_]+", "_", text).strip("_").lower()
    return made if made and not keyword.iskeyword(made) else f"{made}_event"
