"""``endpoint``: where functions with an HTTP trigger answer."""

from __future__ import annotations

from nbfaas.service import get_service
from nbfaas.service.events import Endpoint


def endpoint() -> Endpoint:
    """The address of the HTTP gateway of this process, and its token; it listens from now on.

    Functions with ``@on.http`` answer there, ``POST /events`` takes CloudEvents, ``GET /metrics``
    tells the metrics. Raises ``GatewayUnavailable``.
    """
    return get_service().endpoint()
