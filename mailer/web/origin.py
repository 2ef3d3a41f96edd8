"""Whether a browser sends a form from a page of ours, and by which address it comes (S10).

`Sec-Fetch-Site` is what browsers say themselves; where it is missing the Origin has to be ours. A
page that tells no referrer has the Origin `null`, so alone that proves nothing either way: then the
form's token decides. Who stands in front of us is believed only if the configuration names it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

NETWORK_BITS = {4: 24, 6: 48}  # what one house or provider's customer has
_LONGEST_CHAIN = 20


def is_foreign(request: Request, base_url: str) -> bool:
    """Whether another site's page made the browser send this."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return True
    origin = request.headers.get("origin")
    return origin is not None and origin != "null" and origin.lower() != base_url


def network_of(request: Request, trusted: Sequence[str]) -> str:
    """The network that a request comes from, empty if nobody can tell."""
    address = _client(request, trusted)
    if address is None:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = NETWORK_BITS[address.version]
    return str(ipaddress.ip_network((address, bits), strict=False))


def is_passed_on(request: Request, trusted: Sequence[str]) -> bool:
    """Whether somebody in front says for whom they ask, whom the configuration does not name."""
    peer = _parsed(request.client.host if request.client else "")
    named = peer is not None and _is_within(peer, trusted)
    return "x-forwarded-for" in request.headers and not named


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _client(request: Request, trusted: Sequence[str]) -> _Address | None:
    """Who asks: the last in the chain that is not one of our own proxies."""
    address = _parsed(request.client.host if request.client else "")
    chain = [
        hop
        for field in request.headers.getlist("x-forwarded-for")
        for hop in field.split(",")[-_LONGEST_CHAIN:]
    ]
    while address is not None and chain and _is_within(address, trusted):
        said = _parsed(chain.pop())
        if said is None:
            break
        address = said
    return address


def _is_within(address: _Address, networks: Sequence[str]) -> bool:
    return any(address in ipaddress.ip_network(one) for one in networks)


def _parsed(text: str) -> _Address | None:
    """An address as proxies write it: bare, in brackets, or with a port behind."""
    text = text.strip()
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
