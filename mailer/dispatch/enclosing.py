"""What a personal mail gets at the moment it leaves, and is not kept with its row.

Lists, counts and passed-on mails are looked up here: so they are never older than the mail, what is
kept of them ends with its own time, and no transaction of the intake reads through everybody.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from mailer.errors import MailerError
from mailer.files.export import registrations_to_csv
from mailer.intake.previewing import COUNTED, count_of
from mailer.message.compose import Attachment
from mailer.message.excerpt import excerpt
from mailer.message.letter import Letter
from mailer.store import journal, registration
from mailer.store.engine import Connection, Store
from mailer.store.lease import Claimed

LONG = 100_000  # bytes of a mail that takes too long to read beside everything else

Enclosed = tuple[Letter, tuple[Attachment, ...]]


class CannotFill(MailerError, ValueError):
    """This row has no value for a personal place, or its letter cannot be made."""


async def enclosed(store: Store, row: Claimed, letter: Letter, *, now: datetime) -> Enclosed:
    """The letter with what it is told only now, and what goes along with it. Raises CannotFill."""
    webinar_id, blob_id = row.webinar_id, row.blob_id
    if row.template in COUNTED:
        return await _counted(store, letter, now), ()
    if row.template == registration.REPORT and webinar_id is not None:
        return letter, (await _registrations(store, webinar_id),)
    if blob_id is not None:
        return await _passed_on(store, letter, blob_id)
    return letter, ()


async def _counted(store: Store, letter: Letter, now: datetime) -> Letter:
    """With how many would get the announcement that it is about."""

    async def unit(connection: Connection) -> int:
        return await count_of(connection, letter.facts.detail, now=now)

    detail = {**letter.facts.detail, "recipients": await store.read(unit)}
    return replace(letter, facts=replace(letter.facts, detail=detail))


async def _registrations(store: Store, webinar_id: int) -> Attachment:
    found = await store.read(lambda c: registration.listing(c, webinar_id=webinar_id))
    content = registrations_to_csv(found).encode()
    return Attachment(name="registrations.csv", media_type="text/csv", content=content)


async def _passed_on(store: Store, letter: Letter, blob_id: int) -> Enclosed:
    """With the first lines of a person's mail, and the whole of it."""
    kept = await store.read(lambda c: journal.content(c, blob_id))
    if kept is None:
        raise CannotFill("the mail to forward has expired")
    # As when it came in: what is long is read in a thread.
    shown = await asyncio.to_thread(excerpt, kept) if len(kept) > LONG else excerpt(kept)
    letter = replace(letter, facts=replace(letter.facts, items=shown))
    return letter, (Attachment(name="message.eml", media_type="message/rfc822", content=kept),)
