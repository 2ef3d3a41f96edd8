"""The machine that mail leaves from: which addresses it has, and whether their names lead back.

Large receivers refuse mail from an address whose PTR name does not lead to it (STANDARDS 1h).
Finding the addresses sends nothing: a UDP socket is only asked which one it would use.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from ipaddress import ip_address

from mailer.checkup.finding import Finding, fault, note, ok, unanswered
from mailer.checkup.lookup import Resolver, Status, addresses_of
from mailer.checkup.sender import Leaving
from mailer.config.model import Outbound, TransportKind
from mailer.config.tables import is_loopback

# Anywhere outside; nothing is sent there (RFC 5737, RFC 3849).
_OUTSIDE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


async def leaving_by(outbound: Outbound, resolver: Resolver) -> Leaving:
    """From which public addresses mail goes out to the world, as far as this can be known here."""
    if outbound.transport is TransportKind.MAILDIR:
        return Leaving()
    if is_loopback(outbound.host):
        return Leaving(addresses=own_public_addresses())
    with suppress(ValueError):
        return Leaving(addresses=(str(ip_address(outbound.host)),), certain=False)
    addresses, _ = await addresses_of(resolver, outbound.host)
    return Leaving(addresses=addresses, certain=False)


def own_public_addresses() -> tuple[str, ...]:
    """The addresses this machine would send from that exist outside; none behind a NAT."""
    found = []
    for family, outside in _OUTSIDE:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((outside, 9))
            address = probe.getsockname()[0]
            if ip_address(address).is_global:
                found.append(address)
    return tuple(found)


async def names_lead_back(resolver: Resolver, leaving: Leaving) -> tuple[Finding, ...]:
    """Forward-confirmed reverse DNS of our own addresses; another machine's are its operator's."""
    if not leaving.certain:
        return ()
    if not leaving.addresses:
        return (
            note(
                "ptr",
                "this machine",
                "no public address of its own is known here",
                expected="a PTR record of the address that mail leaves from, leading back to it",
                advice="look it up from outside, or ask who gives you the address",
            ),
        )
    found = await asyncio.gather(*(_leads_back(resolver, one) for one in leaving.addresses))
    return tuple(found)


async def _leads_back(resolver: Resolver, address: str) -> Finding:
    reverse = ip_address(address).reverse_pointer
    answer = await resolver.look_up(reverse, "PTR")
    if answer.status is Status.FAILED:
        return unanswered("ptr", address, answer.cause)
    advice = "ask who gives you the address to set its PTR to your mail server's name"
    if not answer.values:
        return fault(
            "ptr", address, "no PTR record", expected="a name that leads back to it", advice=advice
        )
    forward = [await addresses_of(resolver, name) for name in answer.values]
    wanted = ip_address(address)
    for name, (addresses, _) in zip(answer.values, forward, strict=True):
        if any(ip_address(one) == wanted for one in addresses):
            return ok("ptr", address, name)
    if not all(answered for _, answered in forward):
        return note("ptr", address, f"{answer.values[0]}, about which the DNS did not answer")
    return fault(
        "ptr",
        address,
        f"{answer.values[0]}, which does not lead back to {address}",
        expected="a name whose A or AAAA record is this address",
        advice=f"publish {address} as an address of {answer.values[0]}, or have the PTR changed",
    )
