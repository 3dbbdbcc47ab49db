"""The network of sandboxes that are to have one: they reach out, but not each other.

One for all owners of the machine, since the daemon has addresses for some 30 networks only. It is
made when it is needed, and removed when nothing uses it. Blocking.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import Any

from nbfaas.backends.docker_options import NETWORK_ROLE, ROLE_LABEL

_ICC = "com.docker.network.bridge.enable_icc"
_making = threading.Lock()


def ensure_network(api: Any) -> str:
    """The network's id; it is made if there is none. Another process may remove it until a
    container is connected to it."""
    with _making:
        found = _networks(api)
        if not found:
            # Under a name of its own: if another process makes one as well, the older one is taken,
            # but of two with one name Docker takes neither.
            api.create_network(
                f"nbfaas-{secrets.token_hex(4)}",
                driver="bridge",
                options={_ICC: "false"},
                labels={ROLE_LABEL: NETWORK_ROLE},
            )
            found = _networks(api)
    return str(min(found, key=lambda each: (each["Created"], each["Id"]))["Id"])


def remove_unused_networks(api: Any) -> None:
    """Remove those that no container is connected to. Never raises."""
    with contextlib.suppress(Exception):  # the daemon is gone; the next process removes them
        for network in _networks(api):
            with contextlib.suppress(Exception):  # it is in use, or gone already
                api.remove_network(network["Id"])


def is_missing_network(error: Exception) -> bool:
    """Whether a container could not be started because its network is gone."""
    import docker.errors

    return isinstance(error, docker.errors.NotFound) and "network" in str(error.explanation)


def _networks(api: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.networks(filters={"label": f"{ROLE_LABEL}={NETWORK_ROLE}"})
    return found
