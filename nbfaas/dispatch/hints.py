"""What is noted on a function's own exception, where it comes of how sandboxes are."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence

from nbfaas.agent.buffers import SealedBuffer
from nbfaas.agent.wire import Part
from nbfaas.dispatch.outcome import missing_package
from nbfaas.model.function import FunctionVersion, Volume
from nbfaas.packager.traceback_text import RemoteTracebackData

_LONGEST_PATH = 4096
# What the C library says where there is no network, by whichever module it is told.
_NO_NETWORK = re.compile(
    r"\[Errno (-[235]|101)\]|[Nn]ame resolution|Name or service not known|Network is unreachable"
)

_NO_MODULE = re.compile(r"No module named '([\w.]{1,100})'")


def add_hints(
    error: BaseException, function: FunctionVersion, parts: Sequence[Part], isolated: bool
) -> None:
    """Note on ``error`` what helps against it. ``parts`` are the arguments; ``isolated``: whether
    sandboxes are kept from this machine's files and network."""
    options = function.options
    for hint in (
        _of_read_only(error, parts),
        _of_network(error) if isolated and not options.network else None,
        _of_file(error, options.volumes, isolated),
        _of_module(error, function) if isolated else None,
    ):
        if hint is not None:
            error.add_note(hint)


def _of_read_only(error: BaseException, parts: Sequence[Part]) -> str | None:
    if not isinstance(error, ValueError) or "read-only" not in str(error):
        return None
    if not any(isinstance(part, SealedBuffer) for part in parts):
        return None
    return (
        "(Arrays of 256 KB and more arrive read-only, since sandboxes share their memory. Copy "
        "what the function changes: a = a.copy().)"
    )


def _of_module(error: BaseException, function: FunctionVersion) -> str | None:
    if not isinstance(error, ModuleNotFoundError):
        return None
    found = _NO_MODULE.fullmatch(str(error))
    if found is None or found[1] in sys.stdlib_module_names:
        return None
    return f"({missing_package(function, found[1]).advice})"


def _of_network(error: BaseException) -> str | None:
    data = getattr(error, "remote_traceback", None)
    if not isinstance(data, RemoteTracebackData) or not any(map(_lacks_network, _chain(data))):
        return None
    return "(The function has no network. Allow it: network=True, or %%faas --network.)"


def _chain(data: RemoteTracebackData | None) -> Iterator[RemoteTracebackData]:
    if data is not None:
        yield data
        yield from _chain(data.cause)
        yield from _chain(data.context)


def _lacks_network(data: RemoteTracebackData) -> bool:
    kind = (data.type_module, data.type_qualname)
    return kind == ("socket", "gaierror") or _NO_NETWORK.search(data.message) is not None


def _of_file(error: BaseException, volumes: Sequence[Volume], isolated: bool) -> str | None:
    path = error.filename if isinstance(error, FileNotFoundError) else None
    if not isinstance(path, str) or not 0 < len(path) < _LONGEST_PATH or "\0" in path:
        return None
    if any(_within(path, volume.target) is not None for volume in volumes):
        return None  # what this machine has there is something else
    try:
        here = os.path.abspath(path)
        if not os.path.exists(here):
            return None
    except OSError:  # the current folder is gone
        return None
    if not isolated:
        if os.path.isabs(path):
            return None  # it has come since
        return f"({here} exists, but functions run in a folder of their own. Give the whole path.)"
    for volume in volumes:
        if volume.is_host_folder and (rest := _within(here, volume.source)) is not None:
            there = os.path.join(volume.target, rest).rstrip("/")
            return f"({here} is mounted in the sandbox as {there!r}: open it there.)"
    folder, name = (path, "") if os.path.isdir(here) else os.path.split(path)
    folder = folder if os.path.isabs(folder) else os.path.join(".", folder)
    there = f"/data/{name}" if name else "/data"
    return (
        f"({here} exists on this machine, but a sandbox has none of its files. Mount the folder, "
        f"volumes={{'/data': {f'{folder}:ro'!r}}} or %%faas --volume /data={folder}:ro, and open "
        f"{there!r}.)"
    )


def _within(path: str, folder: str) -> str | None:
    """The rest of a path that is in the folder, or the folder itself."""
    folder = folder.rstrip("/")
    return path[len(folder) :].lstrip("/") if f"{path}/".startswith(f"{folder}/") else None
