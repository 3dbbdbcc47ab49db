"""The gateway: events and calls over HTTP. The server is imported when it is started."""

from nbfaas.gateway.gateway import Gateway
from nbfaas.gateway.limits import Limits
from nbfaas.gateway.port import CallResult, EventReceipt, GatewayPort
from nbfaas.gateway.routes import MethodNotAllowed, RouteMatch, RouteTable

__all__ = [
    "CallResult",
    "EventReceipt",
    "Gateway",
    "GatewayPort",
    "Limits",
    "MethodNotAllowed",
    "RouteMatch",
    "RouteTable",
]
