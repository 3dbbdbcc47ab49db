"""What of a server is used in the notebook only, and what functions do instead."""

from __future__ import annotations

from nbfaas.agent.culprit import StaysHere


def stays_here(what: str, url: str) -> StaysHere:
    """What pickling it raises. ``what``: a noun with its article, as ``a connection to a server``;
    ``url``: the server's."""
    return StaysHere(
        f"{what} is the notebook's own, and functions have none",
        "Call functions of the server in the notebook, and pass on what they return as an "
        "argument; what is to follow a call is a destination (on_success=…). From inside a "
        f"function with network=True, POST {url}/functions/NAME with a token of its secrets= "
        "calls one.",
    )
