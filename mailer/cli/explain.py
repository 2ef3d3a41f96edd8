"""`mailer explain`: everything about one person, in plain sentences or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mailer.cli.frame import config_option, json_option, show, with_parts

if TYPE_CHECKING:
    from mailer.dossier import Dossier
    from mailer.parts import Parts
    from mailer.store.bounce import Entry as Bounced
    from mailer.store.ledger import Mail
    from mailer.store.suppression import Entry

MAILS_SHOWN = 20
COMING_SHOWN = 20
RECEIVED_SHOWN = 10
_STATE = {
    "queued": "waits to go out",
    "deferred": "is tried again then",
    "sending": "is under way",
    "in_doubt": "may have arrived, nobody knows; it goes out again under the same Message-ID",
    "sent": "was taken by the mail server",
    "failed": "failed",
    "suppressed": "was not sent",
    "expired": "was too late to be sent",
    "cancelled": "was called off",
}


@click.command()
@click.argument("address")
@config_option
@json_option
@click.pass_context
@with_parts
async def explain(parts: Parts, address: str, as_json: bool) -> None:
    """Tell everything about one person: consent, mails and why, what comes next and what does not.

    \b
    mailer explain ana@example.org
    """
    from mailer.dossier import dossier
    from mailer.files.people_csv import ADDRESS_EXPECTED
    from mailer.message.address import parse_address

    whom = parse_address(address)
    if whom is None:
        raise click.UsageError(f"found {address!r}, expected {ADDRESS_EXPECTED}")
    await parts.importing.finish()
    found = await dossier(parts, whom)
    if as_json:
        plain = {name: getattr(found, name) for name in _FIELDS}
        show({**plain, "bounces": [_plain_bounce(one) for one in found.bounces]})
    elif found.known:
        click.echo("\n".join(_lines(found)))
    else:
        kept_out = "".join(f", {_suppression(one)}" for one in found.suppressions)
        click.echo(f"Nothing is known about {whom.mailbox}{kept_out}.")


_FIELDS = (
    "address",
    "name",
    "subscriptions",
    "registrations",
    "mails",
    "told",
    "next",
    "not_next",
    "suppressions",
    "received",
)


def _lines(found: Dossier) -> Iterator[str]:
    from mailer.cli import roster

    yield from roster.person_lines(found)
    if not found.subscriptions:
        yield "  Not subscribed to anything."
    for one in found.suppressions:
        yield f"  {_suppression(one)}."
    yield from _mails(found.mails)
    yield from _bounces(found)
    yield from _told(found)
    yield from _coming(found)
    yield from _received(found)


def _suppression(one: Entry) -> str:
    from mailer.cli.roster import WHY

    where = "from everything" if one.scope == "*" else f"from {one.scope}"
    detail = f": {one.detail}" if one.detail else ""
    since = f"{one.at:%Y-%m-%d %H:%M} UTC"
    return f"kept out {where} since {since}, because {WHY[one.reason]}{detail}"


def _mails(mails: tuple[Mail, ...]) -> Iterator[str]:
    yield ""
    if not mails:
        yield "No mail was ever queued for them."
        return
    yield f"Mails to them ({len(mails)}):"
    if len(mails) > MAILS_SHOWN:
        yield f"  … {len(mails) - MAILS_SHOWN} earlier; --json has all"
    for one in mails[-MAILS_SHOWN:]:
        yield from _mail(one)


def _mail(one: Mail) -> Iterator[str]:
    from mailer.files.draft import printable

    about = f" of {one.webinar}" if one.webinar else ""
    reason = f" ({one.reason})" if one.reason else ""
    yield f"  {one.at:%Y-%m-%d %H:%M} UTC  {one.kind}{about} {_STATE[one.state]}{reason}"
    if one.reply:
        yield f"      the mail server said: {printable(one.reply)}"
    tries = f", {one.attempts} tries" if one.attempts > 1 else ""
    yield f"      to {printable(one.to)}{tries}, {one.message_id}"


def _plain_bounce(one: Bounced) -> dict[str, object]:
    return {
        "at": one.at,
        "series": one.series,
        "kind": one.kind,
        "class": one.cls,
        "status": one.status or None,
        "source": one.source,
        "detail": one.detail,
    }


def _bounces(found: Dossier) -> Iterator[str]:
    from mailer.cli.announcement_output import CLASSES
    from mailer.files.draft import printable

    if not found.bounces:
        return
    yield ""
    yield f"Mails that came back ({len(found.bounces)}):"
    for one in found.bounces[-MAILS_SHOWN:]:
        why = " ".join(filter(None, (CLASSES[one.cls], one.status)))
        yield f"  {one.at:%Y-%m-%d %H:%M} UTC  {one.kind}, by a {one.source}: {why}"
        if one.detail:
            yield f"      {printable(one.detail)}"
    for held in found.held:
        where = "of all we sent" if held.domain == "*" else f"to {held.domain}"
        yield f"  Too many mails {where} come back at once ({held.hard} within a day, of"
        yield f"  {held.people} people): nobody is tested or removed for it. See mailer bounces."


def _told(found: Dossier) -> Iterator[str]:
    if found.told:
        yield ""
        yield "What they were told of coming webinars:"
    for one in found.told:
        begins = f"that it begins on {one.starts_at:%Y-%m-%d %H:%M} UTC"
        said = "that it was cancelled" if one.status == "cancelled" else begins
        wrong = "; that is not true any more" if one.outdated else ""
        yield f"  {one.webinar}: {said}{wrong}"


def _coming(found: Dossier) -> Iterator[str]:
    yield ""
    if found.next:
        yield "What comes next, as things stand:"
    else:
        yield "Nothing is planned for them."
    for one in found.next[:COMING_SHOWN]:
        about = f" of {one.webinar}" if one.webinar else ""
        yield f"  {one.at:%Y-%m-%d %H:%M} UTC  {one.kind}{about}"
    if len(found.next) > COMING_SHOWN:
        yield f"  … {len(found.next) - COMING_SHOWN} more; --json has all"
    if found.not_next:
        yield "What does not come to them:"
    for missed in found.not_next[:COMING_SHOWN]:
        when = f"{missed.at:%Y-%m-%d %H:%M} UTC"
        yield f"  {when}  {missed.kind} of {missed.webinar}: {missed.why}"


def _received(found: Dossier) -> Iterator[str]:
    from mailer.files.draft import printable

    if not found.received:
        return
    yield ""
    yield "What they wrote, newest first:"
    for one in found.received[:RECEIVED_SHOWN]:
        when = f"{one.received_at:%Y-%m-%d %H:%M} UTC"
        yield f"  {when}  to {printable(one.recipient)}: {one.command}, {one.outcome}"
