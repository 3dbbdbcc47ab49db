"""Settings, each with its default, unit and meaning: ``nbfaas.config.keep_alive = 60``.

A setting is taken, first found first: what was assigned to ``nbfaas.config``; the environment
variable ``NBFAAS_`` + the setting's name in capitals; the default. They are traitlets, so
``%config Settings`` shows and sets them in a notebook too.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import traitlets
from traitlets.config import Configurable

from nbfaas.errors import ConfigurationError

_MB = 1024 * 1024


def _default_data_dir() -> str:
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(Path.home(), ".local", "share")
    return os.path.join(base, "nbfaas")


class _Table(traitlets.Dict):
    """Settings within a setting."""

    def from_string(self, s: str) -> Any:
        return json.loads(s)


class Settings(Configurable):
    """All settings of nbfaas in this process."""

    backend = traitlets.Enum(
        ("auto", "docker", "process"),
        default_value="auto",
        help="Where functions run. 'auto': docker where a daemon answers, else process.",
    ).tag(config=True)
    prewarm = traitlets.Int(
        2, min=0, help="Sandboxes kept started in advance for each runtime in use."
    ).tag(config=True)
    keep_alive = traitlets.Float(
        600.0,
        min=0,
        help="Seconds an idle sandbox waits for the next call before it is removed, until enough "
        "is known of the gaps between a function's calls to choose them by itself (a tenth to "
        "three times of this).",
    ).tag(config=True)
    idle_memory = traitlets.Int(
        help="Bytes that idle sandboxes may hold together; above it the ones idle for longest are "
        "removed. Default: a quarter of this machine's memory.",
    ).tag(config=True)
    cpu_budget = traitlets.Float(
        None,
        allow_none=True,
        help="Cores that sandboxes at work may declare together when one more is started. None: "
        "this machine's. (Idle ones, and the first one of each function, do not count.)",
    ).tag(config=True)
    memory_budget = traitlets.Int(
        None,
        allow_none=True,
        help="Bytes that all functions' sandboxes may declare together. None: 80 % of this "
        "machine's memory.",
    ).tag(config=True)
    start_timeout = traitlets.Float(
        60.0, help="Seconds within which a started sandbox must have said hello."
    ).tag(config=True)
    silence = traitlets.Float(
        5.0, help="Seconds without a word from a busy sandbox before it is looked after."
    ).tag(config=True)
    closure_warning = traitlets.Int(
        1 * _MB, help="Bytes; a function that ships more than this with itself draws a warning."
    ).tag(config=True)
    payload_limit = traitlets.Int(
        1024 * _MB, help="Bytes; the largest function, or arguments of one call, that are shipped."
    ).tag(config=True)
    result_limit = traitlets.Int(
        1024 * _MB, help="Bytes; the largest result of one call that is accepted."
    ).tag(config=True)
    log_limit = traitlets.Int(
        1 * _MB, help="Bytes of output kept of one attempt; more is cut, with a marker."
    ).tag(config=True)
    journal_result_limit = traitlets.Int(
        1 * _MB, help="Bytes; results up to this size stay available after a kernel restart."
    ).tag(config=True)
    state_quota = traitlets.Int(
        64 * _MB, min=0, help="Bytes of keys and values that one function may keep in its state."
    ).tag(config=True)
    base_image = traitlets.Unicode(
        None,
        allow_none=True,
        help="The image the runtimes are built on. None: a local python:X.Y-slim, else one that "
        "Docker can pull, else one made from this very interpreter.",
    ).tag(config=True)
    pull = traitlets.Bool(
        True, help="Whether Docker may be asked to pull an image that is not on this machine."
    ).tag(config=True)
    echo = traitlets.Bool(
        True, help="Whether what functions print is shown in the cell that waits for them."
    ).tag(config=True)
    data_dir = traitlets.Unicode(
        help="Folder for the journal, saved events and build caches.",
    ).tag(config=True)
    event_store = traitlets.Unicode(
        "default",
        help="Name of the store that keeps events until they are delivered, a file in "
        "data_dir/events. One process at a time delivers from a store.",
    ).tag(config=True)
    max_backlog = traitlets.Int(
        200_000,
        min=1,
        help="Deliveries that may wait (an event has one for each trigger it matches); "
        "beyond that, events are refused.",
    ).tag(config=True)
    max_chain = traitlets.Int(
        16,
        min=0,
        help="How many destinations may follow one another; a longer chain is taken for a loop.",
    ).tag(config=True)
    http_host = traitlets.Unicode(
        "127.0.0.1", help="The address on which functions with an HTTP trigger listen."
    ).tag(config=True)
    http_port = traitlets.Int(
        0, min=0, max=65535, help="Their port. 0: one that is free; nbfaas.endpoint() tells."
    ).tag(config=True)
    registry = traitlets.Unicode(
        "",
        help="Where deployed functions are pushed to and pulled from: host:port/prefix, as in "
        "localhost:5000/functions. Credentials are Docker's own (docker login).",
    ).tag(config=True)
    allow = _Table(
        help="What versions pulled from a registry may have: {'network': True, 'volumes': "
        "['/data/*'], 'secrets': ['API_KEY'], 'trust': True}. Empty: none of it, and those that "
        "ask for it are refused. In NBFAAS_ALLOW it is JSON.",
    ).tag(config=True)
    json_log = traitlets.Unicode(
        None,
        allow_none=True,
        help="File that gets a line of JSON for each end of an invocation or attempt and each line "
        "of output, or 'stderr'. None: no such log. Read when the first function is called.",
    ).tag(config=True)
    http_token = traitlets.Unicode(
        "", help="The token that HTTP requests have to bring. Empty: a new one for each session."
    ).tag(config=True)
    show_progress = traitlets.Bool(
        True, help="Whether maps show a progress line, and image builds their steps."
    ).tag(config=True)

    @traitlets.default("idle_memory")
    def _idle_memory(self) -> int:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4

    @traitlets.default("data_dir")
    def _data_dir(self) -> str:
        return _default_data_dir()

    @traitlets.validate("allow")
    def _check_allow(self, proposal: Any) -> dict[str, Any]:
        from nbfaas.model.allowance import allowance

        allowance(proposal["value"])
        return dict(proposal["value"])

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        for name, trait in type(self).class_own_traits(config=True).items():
            variable = f"NBFAAS_{name.upper()}"
            text = os.environ.get(variable)
            if text is None:
                continue
            try:
                setattr(self, name, trait.from_string(text))
            except (ValueError, traitlets.TraitError) as error:
                raise ConfigurationError(
                    f"{variable}={text!r} is not valid: {str(error).rstrip('.')}. {trait.help}"
                ) from None
        for name, value in kwargs.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        # A misspelt setting would otherwise be accepted and have no effect.
        if not name.startswith("_") and not hasattr(type(self), name):
            raise ConfigurationError(
                f"there is no setting {name!r}. Settings: {', '.join(sorted(_names(type(self))))}."
            )
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        lines = [f"  {name} = {getattr(self, name)!r}" for name in sorted(_names(type(self)))]
        return "\n".join(["nbfaas settings", *lines])


_OTHERS = ("SERVER", "TOKEN")  # what the command line takes from the environment besides


def misspelt(environment: Mapping[str, str]) -> list[str]:
    """Variables that are nearly called as those of settings are, each with a line to tell. (Others
    with nbfaas's prefix may be anybody's: tokens, secrets.)"""
    known = [f"NBFAAS_{name}" for name in (*map(str.upper, _names(Settings)), *_OTHERS)]
    lines = []
    for name in sorted(environment):
        if not name.startswith("NBFAAS_") or name in known:
            continue
        short = [each.removeprefix("NBFAAS_") for each in known]
        near = difflib.get_close_matches(name.removeprefix("NBFAAS_"), short, n=1, cutoff=0.85)
        if near:
            lines.append(f"{name} is no setting, and has no effect; did you mean NBFAAS_{near[0]}?")
    return lines


def _names(cls: type[Settings]) -> list[str]:
    return list(cls.class_own_traits(config=True))


config = Settings()
