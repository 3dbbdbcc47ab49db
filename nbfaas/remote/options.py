"""Options as users write them, checked and turned into ``FunctionOptions``."""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nbfaas.errors import OptionError
from nbfaas.model.function import MB, NO_RETRIES, FunctionOptions, Isolation, Retries, Volume
from nbfaas.model.secret import Secret

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?\s*", re.IGNORECASE)
_UNITS = {"": 1, "K": 1024, "M": MB, "G": 1024 * MB, "T": 1024 * 1024 * MB}
_LEAST_MEMORY = 16 * MB  # below this not even the interpreter starts
_LEAST_CPU = 0.01  # Docker's own bound
RESERVED_TARGETS = ("/tmp", "/run/nbfaas", "/opt/nbfaas", "/proc", "/sys", "/dev")  # noqa: S108
_VOLUME_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_options(base: FunctionOptions, given: Mapping[str, Any]) -> FunctionOptions:
    """``base`` with the ``given`` options changed. Raises ``OptionError``, naming the option."""
    options = base
    for name, value in given.items():
        parse = _PARSERS.get(name)
        if parse is None:
            near = difflib.get_close_matches(name, _PARSERS, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise OptionError(
                name, value, f"there is no such option; {hint}options are {', '.join(_PARSERS)}"
            )
        options = parse(options, value)
    return options


def parse_size(option: str, value: object) -> int:
    """Bytes from an int, or from text such as ``"512MB"``, ``"1.5 GiB"`` (powers of 1024)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        return int(float(match[1]) * _UNITS[match[2].upper()])
    raise OptionError(option, value, 'give bytes as an int, or text such as "512MB" or "2GB"')


def _image(options: FunctionOptions, value: Any) -> FunctionOptions:
    from nbfaas.images.image import to_spec

    return options.changed(image=to_spec(value))


def _cpu(options: FunctionOptions, value: Any) -> FunctionOptions:
    if not _is_number(value) or not _LEAST_CPU <= value < math.inf:
        raise OptionError("cpu", value, f"give a number of cores, at least {_LEAST_CPU}")
    return _resources(options, cpu=float(value))


def _memory(options: FunctionOptions, value: Any) -> FunctionOptions:
    memory = parse_size("memory", value)
    if memory < _LEAST_MEMORY:
        wanted = f"at least {_LEAST_MEMORY // MB} MB are needed"
        raise OptionError("memory", value, wanted + _meant_megabytes(value))
    return _resources(options, memory=memory)


def _scratch(options: FunctionOptions, value: Any) -> FunctionOptions:
    scratch = parse_size("scratch", value)
    if scratch < MB:
        wanted = "give the size of /tmp, at least 1 MB"
        raise OptionError("scratch", value, wanted + _meant_megabytes(value))
    return _resources(options, scratch=scratch)


def _meant_megabytes(value: object) -> str:
    if str(value).strip().isdecimal() and str(value).strip("0 "):
        return f'; a number without a unit is bytes: write "{str(value).strip()}MB" for megabytes'
    return ""


def _timeout(options: FunctionOptions, value: Any) -> FunctionOptions:
    if value is None:
        return options.changed(timeout=None)
    if not _is_number(value) or not 0 < value < math.inf:
        raise OptionError("timeout", value, "give seconds, more than 0, or None for no limit")
    return options.changed(timeout=float(value))


def _retries(options: FunctionOptions, value: Any) -> FunctionOptions:
    if value is None:
        return options.changed(retries=NO_RETRIES)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return options.changed(retries=Retries(max_retries=value))
    if isinstance(value, Retries):
        if value.max_retries < 0 or value.initial_delay < 0 or value.backoff_coefficient < 1:
            raise OptionError(
                "retries",
                value,
                "max_retries and initial_delay can't be negative, and backoff_coefficient is at "
                "least 1",
            )
        alone: Any = value.retry_on
        if _is_exception(alone):
            value = replace(value, retry_on=(alone,))
        if not isinstance(value.retry_on, tuple) or not all(map(_is_exception, value.retry_on)):
            raise OptionError(
                "retries", value, "retry_on is one exception class or a tuple of exception classes"
            )
        return options.changed(retries=value)
    raise OptionError("retries", value, "give a number of retries, or Retries(max_retries=3, …)")


def _max_containers(options: FunctionOptions, value: Any) -> FunctionOptions:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise OptionError("max_containers", value, "give a number, at least 1, or None")
    return options.changed(max_containers=value)


def _env(options: FunctionOptions, value: Any) -> FunctionOptions:
    if not isinstance(value, Mapping):
        raise OptionError("env", value, 'give a dict, such as {"MODE": "dev"}')
    for name, text in value.items():
        if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
            raise OptionError("env", value, f"{name!r} is no name of an environment variable")
        if not isinstance(text, str) or "\0" in text:
            raise OptionError("env", value, f"the value of {name!r} must be a str")
    return options.changed(env=tuple(sorted(value.items())))


def _volumes(options: FunctionOptions, value: Any) -> FunctionOptions:
    if not isinstance(value, Mapping):
        raise OptionError("volumes", value, 'give a dict, such as {"/data": "./data"}')
    volumes = tuple(_volume(target, source) for target, source in sorted(value.items()))
    return options.changed(volumes=volumes)


def _volume(target: object, source: object) -> Volume:
    if not isinstance(target, str) or not target.startswith("/") or target.rstrip("/") == "":
        raise OptionError("volumes", target, "mount at an absolute path, such as '/data'")
    target = target.rstrip("/")
    if target in RESERVED_TARGETS:
        raise OptionError("volumes", target, "this path is the sandbox's own")
    if f"{target}/".startswith("/tmp/.nbfaas/"):  # noqa: S108 - the sandbox's
        raise OptionError("volumes", target, "secrets are kept there")
    if isinstance(source, Volume):
        return Volume(target, source.source, source.read_only)
    if not isinstance(source, str | os.PathLike):
        raise OptionError("volumes", source, 'give a folder, a volume\'s name, or "folder:ro"')
    text = os.fspath(source)
    read_only = text.endswith(":ro")
    text = text.removesuffix(":ro").removesuffix(":rw")
    if "/" in text or text in (".", "..", "~") or isinstance(source, os.PathLike):
        return Volume(target, os.path.abspath(os.path.expanduser(text)), read_only)
    if not _VOLUME_NAME.fullmatch(text):
        raise OptionError("volumes", source, "a volume's name has letters, digits and _.- only")
    return Volume(target, text, read_only)


def _network(options: FunctionOptions, value: Any) -> FunctionOptions:
    if not isinstance(value, bool):
        raise OptionError("network", value, "give True or False")
    return options.changed(network=value)


def _isolation(options: FunctionOptions, value: Any) -> FunctionOptions:
    try:
        return options.changed(isolation=Isolation(value))
    except ValueError:
        raise OptionError(
            "isolation",
            value,
            '"reuse" (a process for many calls) or "call" (a fresh one for each)',
        ) from None


def _trust(options: FunctionOptions, value: Any) -> FunctionOptions:
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) and v for v in value):
        raise OptionError("trust", value, 'give names of modules, such as ["sklearn"]')
    return options.changed(trust=tuple(sorted(set(value))))


def _secrets(options: FunctionOptions, value: Any) -> FunctionOptions:
    given = (value,) if isinstance(value, Secret) else value
    if not isinstance(given, list | tuple) or not all(isinstance(each, Secret) for each in given):
        # What was given instead is perhaps a value: it is not shown.
        raise OptionError(
            "secrets", type(value).__name__, 'give Secrets, such as [Secret.from_env("API_KEY")]'
        )
    return options.changed(secrets=tuple(given))


_PARSERS: dict[str, Callable[[FunctionOptions, Any], FunctionOptions]] = {
    "image": _image,
    "cpu": _cpu,
    "memory": _memory,
    "scratch": _scratch,
    "timeout": _timeout,
    "retries": _retries,
    "max_containers": _max_containers,
    "env": _env,
    "volumes": _volumes,
    "network": _network,
    "isolation": _isolation,
    "trust": _trust,
    "secrets": _secrets,
}


def _resources(options: FunctionOptions, **changes: Any) -> FunctionOptions:
    return options.changed(resources=replace(options.resources, **changes))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_exception(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)
