"""Whether mail to a series finds a server: MX, else the domain's own address (RFC 5321 §5.1)."""

from __future__ import annotations

import asyncio

from mailer.checkup.finding import Finding, fault, note, ok, unanswered
from mailer.checkup.lookup import Resolver, Status, addresses_of


async def mail_exchanger(resolver: Resolver, domain: str) -> Finding:
    """Whether mail to the series finds a server."""
    answer = await resolver.look_up(domain, "MX")
    if answer.status is Status.FAILED:
        return unanswered("mx", domain, answer.cause)
    if not answer.values:
        return await _without_mx(resolver, domain)
    hosts = [host for _, _, host in (value.partition(" ") for value in answer.values)]
    if not any(host.strip(".") for host in hosts):
        return fault(
            "mx",
            domain,
            "a null MX: the domain takes no mail (RFC 7505)",
            expected="an MX record that names your mail server",
            advice=f"publish: {domain}. MX 10 mail.{domain}.",
        )
    return await _at_hosts(resolver, domain, hosts)


async def _at_hosts(resolver: Resolver, domain: str, hosts: list[str]) -> Finding:
    reachable = await asyncio.gather(*(addresses_of(resolver, host) for host in hosts))
    dead = [host for host, (found, _) in zip(hosts, reachable, strict=True) if not found]
    if len(dead) < len(hosts):
        shown = ", ".join(host for host in hosts if host not in dead)
        if not dead:
            return ok("mx", domain, shown)
        return note("mx", domain, f"{', '.join(dead)} has no address; {shown} has")
    if not all(answered for _, answered in reachable):
        return note("mx", domain, f"{', '.join(hosts)}, whose address was not to be had")
    return fault(
        "mx",
        domain,
        f"{', '.join(hosts)} without any address",
        expected="a server that has an A or AAAA record",
        advice=f"publish an address of {hosts[0]}, or name another server in the MX record",
    )


async def _without_mx(resolver: Resolver, domain: str) -> Finding:
    addresses, answered = await addresses_of(resolver, domain)
    if addresses:
        return note(
            "mx",
            domain,
            f"no MX record; mail goes to the domain's own address {addresses[0]}",
            expected="an MX record",
            advice=f"publish: {domain}. MX 10 {domain}.",
        )
    if not answered:
        return note("mx", domain, "no MX record, and no answer about the domain's address")
    return fault(
        "mx",
        domain,
        "no MX record and no address: mail to the series cannot arrive",
        expected="an MX record that names your mail server",
        advice=f"publish: {domain}. MX 10 mail.{domain}.",
    )
