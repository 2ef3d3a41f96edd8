"""The whole examination, in the order in which faults lead to others.

The caller shows each finding as it comes. What the network says is asked for all at once, so the
whole takes as long as the slowest answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable

from mailer.checkup.certificate import certificate
from mailer.checkup.database import database, room
from mailer.checkup.exchanger import mail_exchanger
from mailer.checkup.finding import Finding, Verdict, fault, note, ok, softened
from mailer.checkup.host import leaving_by, names_lead_back
from mailer.checkup.listener import listeners
from mailer.checkup.lookup import Resolver, is_reserved
from mailer.checkup.mailserver import mail_server
from mailer.checkup.policy import dmarc
from mailer.checkup.sender import Leaving, sender_policy
from mailer.checkup.signature import signature
from mailer.checkup.texts import texts
from mailer.config.model import Config, TransportKind
from mailer.store import condition
from mailer.store.engine import open_store
from scheduler.clock import Clock


async def examine(config: Config, clock: Clock, resolver: Resolver) -> AsyncIterator[Finding]:
    """Every finding about this configuration and what it depends on."""
    for finding in configuration(config):
        yield finding
    for finding in texts(config):
        yield finding
    sound = True
    async for finding in database(config, clock):
        sound = sound and finding.verdict is not Verdict.FAULT
        yield finding
    for finding in room(config):
        yield finding
    hostname = domains(config)[0]
    for finding in await mail_server(config.outbound, hostname=hostname, now=clock.now()):
        yield finding
    for finding in await listeners(
        config.inbound, running=sound and await is_running(config, clock)
    ):
        yield finding
    if config.inbound.tls_cert_file is not None:
        yield certificate(config.inbound.tls_cert_file, clock.now())
    for finding in await names(config, resolver):
        yield finding


def configuration(config: Config) -> tuple[Finding, ...]:
    """The file was read, so it holds; what it leaves open."""
    rows = [ok("configuration", str(config.source), f"{len(config.series)} series")]
    rows += [
        fault(
            "organisers",
            series.id,
            "no organiser",
            expected="somebody who gets people's questions",
            advice=f'organisers = ["you@…"] under [series.{series.id}]',
        )
        for series in config.series
        if not series.organisers
    ]
    return tuple(_as_they_matter(rows, maildir=_is_maildir(config)))


def domains(config: Config) -> tuple[str, ...]:
    """The domains of the series, each once."""
    found = (series.address.rpartition("@")[2].lower() for series in config.series)
    return tuple(dict.fromkeys(found))


async def is_running(config: Config, clock: Clock) -> bool:
    """Whether a daemon of this machine has given a sign of life on this database."""
    store = open_store(config.database.url, password=config.database.password)
    try:
        now = clock.now()
        alive = await store.read(lambda c: condition.living(c, now=now))
    finally:
        await store.dispose()
    return any(one.partition(":")[0] == socket.gethostname() for one in alive)


async def names(config: Config, resolver: Resolver) -> tuple[Finding, ...]:
    """What the DNS says of the series' domains and of the way out."""
    leaving = await leaving_by(config.outbound, resolver)
    maildir = _is_maildir(config)
    groups = await asyncio.gather(
        *(domain_findings(config, one, leaving, resolver) for one in domains(config))
    )
    rows = [row for group in groups for row in group]
    if not maildir:
        rows += await names_lead_back(resolver, leaving)
    return tuple(_as_they_matter(rows, maildir=maildir))


def _is_maildir(config: Config) -> bool:
    return config.outbound.transport is TransportKind.MAILDIR


def _as_they_matter(rows: Iterable[Finding], *, maildir: bool) -> Iterable[Finding]:
    """As long as no mail leaves this machine, neither DNS nor missing organisers are a fault."""
    return (softened(row) if maildir else row for row in rows)


async def domain_findings(
    config: Config, domain: str, leaving: Leaving, resolver: Resolver
) -> tuple[Finding, ...]:
    """MX, SPF, DKIM and DMARC of one series' domain."""
    if await is_reserved(resolver, domain):
        return (
            note(
                "dns",
                domain,
                "a name for examples that is nobody's (RFC 2606), so its DNS was not examined",
                advice="use a domain of your own in the series' address when it is to be real",
            ),
        )
    signed_as = config.dkim.domain if config.dkim else ""
    exchanger, policy, key, rules = await asyncio.gather(
        mail_exchanger(resolver, domain),
        sender_policy(resolver, domain, leaving),
        signature(resolver, config.dkim, domain),
        dmarc(resolver, domain, signed_as=signed_as),
    )
    return (exchanger, *policy, *key, rules)
