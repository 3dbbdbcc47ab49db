"""Whether what came from a registry may have what it asks for, by the settings of this process."""

from __future__ import annotations

from nbfaas.errors import NotAllowed
from nbfaas.model.manifest import FunctionManifest
from nbfaas.settings import config


def check_allowed(manifest: FunctionManifest) -> None:
    """Raises ``NotAllowed``, naming all that is missing."""
    from nbfaas.model.allowance import allowance, keys_for, not_allowed

    asks = not_allowed(manifest, allowance(config.allow))
    if asks:
        version = f"{manifest.name}:{manifest.version}"
        raise NotAllowed(version, [each.what for each in asks], keys_for(asks))
