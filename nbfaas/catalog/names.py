"""Names of deployed functions, aliases and versions, and references such as ``thumb:prod``."""

from __future__ import annotations

import re

from nbfaas.errors import BadDeployment

# What Docker allows as a part of a repository's name.
_NAME = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}")
_VERSION = re.compile(r"v([1-9][0-9]{0,8})")
LATEST = "latest"


def check_name(name: object) -> str:
    """Raises ``BadDeployment``."""
    if isinstance(name, str) and len(name) <= 100 and _NAME.fullmatch(name):
        return name
    near = default_name(str(name))
    hint = f", such as {near!r}" if near else ""
    raise BadDeployment(
        "name", name, f"lower-case letters, digits and single . _ - between them{hint}"
    )


def default_name(function: str) -> str:
    """The name that a function of the notebook is deployed under: ``Make_Thumb`` → ``make_thumb``;
    empty if nothing of it can be used."""
    return re.sub(r"[^a-z0-9]+", "_", function.lower()).strip("_")[:100].strip("_")


def check_alias(alias: object) -> str:
    """Raises ``BadDeployment``."""
    if isinstance(alias, str) and _ALIAS.fullmatch(alias) and alias != LATEST:
        if version_number(alias) is None:
            return alias
        raise BadDeployment("alias", alias, "this is how versions are named")
    raise BadDeployment("alias", alias, "letters, digits and _ . -, and not 'latest'")


def check_weight(weight: object) -> float:
    """Raises ``BadDeployment``."""
    right = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not right or not 0 <= float(weight) <= 1:  # type: ignore[arg-type]
        raise BadDeployment("weight", weight, "a share from 0 to 1, such as 0.1 for a tenth")
    return float(weight)  # type: ignore[arg-type]


def version_number(reference: str) -> int | None:
    """3 for ``v3``; None if it is no version."""
    match = _VERSION.fullmatch(reference)
    return int(match[1]) if match else None


def split(reference: str) -> tuple[str, str | None]:
    """``thumb:prod`` → ``thumb`` and ``prod``; without a colon None."""
    name, _, rest = reference.partition(":")
    return name, rest or None
