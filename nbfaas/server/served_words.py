"""How a server serves a function that was just deployed, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nbfaas.catalog import Alias
from nbfaas.catalog.names import LATEST, version_number
from nbfaas.server.functions import DEFAULT_ALIAS


def served_words(
    name: str,
    version: str,
    alias: str | None,
    served: Mapping[str, Alias],
    wanted: Sequence[str],
    file: str,
) -> str:
    """``served``: where each reference to the function leads that is served; ``wanted``: what the
    configuration in ``file`` names, or nothing for all that have the default alias. If none of them
    leads to ``version``, which ``alias`` leads to, it is told what to do."""
    if not served:
        return _not_served(name, version, alias, wanted, file)
    here = {each: led for each, led in served.items() if int(version[1:]) in led.versions}
    if here:
        return f"Served as {_listed(here)}."
    told = (
        f"The server goes on with {_listed(served)}; this one is {name}:{alias or version} there."
    )
    for led in served.values():
        if led.alias not in (LATEST, alias) and version_number(led.alias) is None:
            return f"{told} To serve it instead: %faas alias {name} {led.alias} {version}."
    return told


def _listed(served: Mapping[str, Alias]) -> str:
    return ", ".join(
        f"{each} ({led if version_number(led.alias) is None else led.alias})"
        for each, led in served.items()
    )


def _not_served(
    name: str, version: str, alias: str | None, wanted: Sequence[str], file: str
) -> str:
    call = f"This notebook may call it: nbfaas.deployed({name!r}, {alias or version!r})."
    if not wanted:
        lead = f"%faas alias {name} {DEFAULT_ALIAS} {version}"
        return f"Not served yet, as no alias {DEFAULT_ALIAS} leads to it: {lead}. {call}"
    entry = name if alias == DEFAULT_ALIAS else f"{name}:{alias or version}"
    return (
        f'Not served, as functions in {file} does not name it: put "{entry}" there and start the '
        f"server again. {call}"
    )
