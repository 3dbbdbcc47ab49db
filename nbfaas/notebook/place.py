"""Commands about what is deployed: of the server that this notebook works on, or of here."""

from __future__ import annotations

from typing import Any

from nbfaas.service import current_service


def on_server(what: str, **query: str) -> Any:
    """What the server knows of its deployed functions: rows, or text. None if functions run
    here."""
    place = current_service()
    if place is None or place.there is None:
        return None
    return place.there.deployments(what, **query)
