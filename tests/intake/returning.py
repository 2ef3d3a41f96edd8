"""What the tests of bounces and complaints share: mails that go out, and reports that come back."""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import select

from mailer.intake import answering
from mailer.intake.context import Asker, Outcome
from mailer.message.command import Channel
from mailer.parts import Parts
from mailer.store import people
from mailer.store.people import Subscription
from mailer.store.schema import bounce
from tests.outbox_reader import mails
from tests.world import ANA, mail_in, send_all

SAMPLES = Path(__file__).parents[1] / "message" / "samples"
SAMPLE_TOKEN = b"abcdefghijklmnopqrstuvwxyz"
SAMPLE_ADDRESS = b"ana@example.com"


async def queue_one(parts: Parts, reader: Subscription) -> None:
    """Queue one more mail to a subscriber."""

    async def unit(connection):  # type: ignore[no-untyped-def]
        context = parts.intake.context(connection, parts.config.series_by_id(reader.series_id))
        asker = Asker(address=reader.address, channel=Channel.MAIL)
        await answering.welcome(context, asker, reader)

    await parts.store.write(unit)


async def send_one(parts: Parts, reader: Subscription) -> str:
    """Send one more mail to a subscriber; its return path."""
    await queue_one(parts, reader)
    await send_all(parts)
    return last_return_path(parts)


def last_return_path(parts: Parts) -> str:
    """The envelope sender of the mail that went out last."""
    return str(mails(parts.config.outbound.maildir)[-1]["X-Envelope-From"]).strip("<>")


def sample(name: str, return_path: str = "", *, about: str = ANA.mailbox, number: int = 0) -> bytes:
    """A sample report as it would be of the mail with that return path."""
    content = (SAMPLES / f"{name}.eml").read_bytes().replace(SAMPLE_ADDRESS, about.encode())
    token = return_path.partition("@")[0][-26:].encode()
    content = content.replace(b"bounce-" + SAMPLE_TOKEN, b"bounce-" + (token or SAMPLE_TOKEN))
    return re.sub(rb"(?m)^Message-ID: <report", b"Message-ID: <report-%d" % number, content)


async def report(
    parts: Parts,
    return_path: str,
    name: str = "postfix-unknown",
    *,
    about: str = ANA.mailbox,
    number: int = 0,
) -> Outcome:
    """Let a report of a mail come back."""
    content = sample(name, return_path, about=about, number=number)
    return await mail_in(parts, content, return_path, sender="")


async def noted(parts: Parts) -> list[tuple[str, str, str]]:
    """Class, status and source of every mail that came back."""
    rows = await parts.store.read(
        lambda c: c.execute(
            select(bounce.c["class"], bounce.c.status, bounce.c.source).order_by(bounce.c.id)
        )
    )
    return [tuple(row) for row in rows]


async def now_of(parts: Parts, subscription: Subscription) -> Subscription:
    """A subscription as it stands now."""
    found = await parts.store.read(lambda c: people.by_id(c, subscription.id))
    assert found is not None
    return found


async def consents(parts: Parts, subscription: Subscription) -> list[tuple[str, str]]:
    """What happened to a consent, and what shows it."""
    found = await parts.store.read(lambda c: people.consents(c, subscription.id))
    return [(one.act.value, one.evidence) for one in found]
