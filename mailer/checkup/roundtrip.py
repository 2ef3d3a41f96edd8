"""Mails the series itself through the configured way out, and waits for it to come in again.

Only that shows what no record can: that mail arrives, who signed it on the way, and what the mail
server in front found out about it (RFC 8058 §4: the smarthost's signature must cover our fields).
The mail comes from an address of ours, so it is journalled and never answered.
"""

from __future__ import annotations

import asyncio
import secrets

from mailer.checkup.finding import Finding, fault, note, ok
from mailer.config.model import Config, Series, TransportKind
from mailer.errors import MailerError
from mailer.message import roundtrip
from mailer.message.address import Purpose, address_of
from mailer.message.facts import Facts
from mailer.message.letter import Letter, draw
from mailer.message.mark import Personal
from mailer.message.roundtrip import Returned
from mailer.parts import Parts, make_signer, make_transport, open_parts
from mailer.store import condition, journal
from mailer.store.journal import Arrived
from mailer.store.programme import series_facts
from mailer.transport.outcome import Fate, Outgoing
from mailer.transport.source import send_in_order
from scheduler.clock import Clock

TOPIC = "round trip"
_LOOK_SECONDS = 0.25


async def round_trip(config: Config, clock: Clock, *, seconds: float) -> tuple[Finding, ...]:
    """Send, wait at most ``seconds``, and say what came back; the first series stands for all."""
    series = config.series[0]
    if config.outbound.transport is TransportKind.MAILDIR:
        found = "mails become files, so none comes back"
        return (note(TOPIC, series.address, found, advice='try again with transport = "smtp"'),)
    try:
        async with open_parts(config, clock) as parts:
            return await _there_and_back(parts, series, seconds)
    except (MailerError, OSError) as error:
        return (
            fault(TOPIC, series.address, str(error), expected="a mail", advice="see what it says"),
        )


async def _there_and_back(parts: Parts, series: Series, seconds: float) -> tuple[Finding, ...]:
    now = parts.clock.now()
    if not await parts.store.read(lambda c: condition.living(c, now=now)):
        advice = "start `mailer serve`, then try again"
        found = "no daemon is running that could take the mail"
        return (fault(TOPIC, series.address, found, expected="a daemon", advice=advice),)
    name = roundtrip.name(parts.secrets.mint, secrets.randbits(40), now.date())
    refused = await _send(parts, series, name)
    if refused is not None:
        return (refused,)
    message_id = f"<{name}@{series.address.rpartition('@')[2]}>"
    arrived = await _arrival(parts, series, message_id, seconds)
    if arrived is None:
        return (
            fault(
                TOPIC,
                series.address,
                f"sent, and not back after {seconds:g} s",
                expected="the mail, by way of the series' MX and our listener",
                advice="look at the queue and the log of the mail server; --seconds waits longer",
            ),
        )
    took = max((arrived.received_at - now).total_seconds(), 0.0)
    rows = [ok(TOPIC, series.address, f"back by {arrived.source} after {took:.1f} s")]
    return (*rows, *judged(roundtrip.read_back(arrived.content), parts.config, series))


async def _send(parts: Parts, series: Series, name: str) -> Finding | None:
    """Hand the mail to the configured mail server; the finding if it was not taken."""
    recipient = address_of(series, Purpose.HELP)
    domain = series.address.rpartition("@")[2]
    transport = make_transport(parts.config.outbound, hostname=domain)
    mail = Outgoing(
        id=0,
        sender=series.address,
        recipient=recipient,
        content=_content(parts, series, recipient, name),
    )
    (outcome,) = await send_in_order(transport, [mail])
    if outcome.fate is Fate.SENT:
        return None
    return fault(
        TOPIC,
        recipient,
        f"not taken at {outcome.phase}: {outcome.code or ''} {outcome.text}".strip(),
        expected="250",
        advice="see what the mail server says here, and in its log",
    )


def _content(parts: Parts, series: Series, recipient: str, name: str) -> bytes:
    """A mail as subscribers get it: what becomes of its fields becomes of theirs."""
    now = parts.clock.now()
    facts = series_facts(series, base_url=parts.drawing.base_url)
    letter = Letter(
        template="message",
        facts=Facts(
            series=facts,
            language="en",
            zone=series.timezone,
            detail={"subject": "Round trip", "body": "`mailer check` sent this to the series."},
        ),
    )
    skeleton = draw(letter, parts.drawing.renderer, kind="message", date=now)
    token = parts.secrets.mint.mint(Purpose.UNSUBSCRIBE, subject=0, day=now.date())
    values = dict.fromkeys(skeleton.names, token)
    values |= {Personal.ADDRESS: recipient, Personal.MESSAGE_ID: name}
    content, signer = skeleton.fill(values), make_signer(parts.config)
    return signer.sign(content, now) if signer else content


async def _arrival(parts: Parts, series: Series, message_id: str, seconds: float) -> Arrived | None:
    key = series.address.lower()
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = await parts.store.read(lambda c: journal.arrived(c, key, message_id))
                if found is not None:
                    return found
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        return None


def judged(returned: Returned, config: Config, series: Series) -> tuple[Finding, ...]:
    """What the returned head says of signatures and authentication."""
    return (*_signatures(returned, config, series), _results(returned, config, series))


def _signatures(returned: Returned, config: Config, series: Series) -> tuple[Finding, ...]:
    if not returned.signatures:
        advice = "sign here with a [dkim] table, or let the mail server sign what we send"
        expected = "a DKIM signature"
        if config.dkim is None:
            return (note(TOPIC, series.address, "nobody signed", expected=expected, advice=advice),)
        found = "our signature was taken off on the way"
        advice = "see which server on the way removes it"
        return (fault(TOPIC, series.address, found, expected=expected, advice=advice),)
    wanted = roundtrip.ONE_CLICK if config.web else {"list-unsubscribe"}
    domains = ", ".join(one.domain for one in returned.signatures)
    if any(one.fields >= wanted for one in returned.signatures):
        return (ok(TOPIC, series.address, f"signed by {domains}, unsubscribe fields included"),)
    return (
        fault(
            TOPIC,
            series.address,
            f"signed by {domains}, without {' and '.join(sorted(wanted))}",
            expected="List-Unsubscribe and List-Unsubscribe-Post in h= (RFC 8058 §4)",
            advice="tell the server that signs to sign them, or sign here with a [dkim] table",
        ),
    )


def _results(returned: Returned, config: Config, series: Series) -> Finding:
    expected = "Authentication-Results of the mail server in front, named in inbound.authserv_id"
    if not returned.results:
        return note(
            TOPIC,
            series.address,
            "no Authentication-Results",
            expected=expected,
            advice="let the mail server in front check SPF, DKIM and DMARC; forged mail then gets "
            "no answer",
        )
    identity = returned.results.split(";")[0].split(" ")[0].strip()
    if identity.lower() == config.inbound.authserv_id.lower():
        return ok(TOPIC, series.address, returned.results)
    return note(
        TOPIC,
        series.address,
        returned.results,
        expected=expected,
        advice=f'if {identity} is your own mail server: authserv_id = "{identity}" under [inbound]',
    )
