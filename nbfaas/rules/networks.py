"""``cidr``: addresses of a network, IPv4 or IPv6."""

from __future__ import annotations

import ipaddress

from nbfaas.errors import BadPattern
from nbfaas.rules.matchers import Matcher, shown

_EXAMPLE = 'Write for example {"cidr": "10.0.0.0/24"} or {"cidr": "2001:db8::/64"}.'


def cidr(value: object, place: str) -> Matcher:
    """A string that is an address of the network; bits of the network's host part are ignored."""
    if not isinstance(value, str):
        raise BadPattern(place, f"{shown(value)} is no string", _EXAMPLE)
    address, slash, bits = value.partition("/")
    if not slash or not (bits.isascii() and bits.isdigit()):
        problem = f"{shown(value)} is no address, slash and number of bits"
        raise BadPattern(place, problem, _EXAMPLE)
    try:
        network = ipaddress.ip_network(f"{address}/{bits}", strict=False)
    except ValueError:
        raise BadPattern(place, f"{shown(value)} is no network", _EXAMPLE) from None
    first, last = int(network.network_address), int(network.broadcast_address)

    def test(found: object) -> bool:
        if not isinstance(found, str):
            return False
        try:
            address = ipaddress.ip_address(found)
        except ValueError:
            return False
        return address.version == network.version and first <= int(address) <= last

    return Matcher(f"an address in {network}", shown({"cidr": value}), test)
