"""Makes personal mails that have not gone out yet tell what is true of a webinar that has changed.

A welcome or an answer holds its facts as they were when it was queued. If it waits (the recipient's
server put it off), it must not tell an old time after all. What is under way or in doubt is left
as it is: its reader counts as told, and is owed the correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.message.facts import WebinarFacts
from mailer.message.letter import Letter, from_json, to_json
from mailer.store.outbox import State
from mailer.store.schema import mention, outbox
from mailer.store.webinar import WebinarRecord
from scheduler.model import Status


async def restate(connection: AsyncConnection, records: Sequence[WebinarRecord]) -> None:
    """Let what is queued tell of these webinars as they are now."""
    by_id = {one.id: one for one in records}
    rows = await connection.execute(
        select(outbox.c.id, outbox.c.data, mention.c.webinar_id)
        .join(mention, mention.c.outbox_id == outbox.c.id)
        .where(
            mention.c.webinar_id.in_(by_id),
            outbox.c.state == State.QUEUED,
            outbox.c.doubts == 0,
        )
    )
    letters: dict[int, Letter] = {}
    told: list[dict[str, int]] = []
    for row in rows:
        record = by_id[row.webinar_id]
        letters[row.id] = _restated(letters.get(row.id) or from_json(row.data), record)
        told.append({"row": row.id, "about": record.id, "as_of": record.sequence})
    if not told:
        return
    await connection.execute(
        update(outbox).where(outbox.c.id == bindparam("row")).values(data=bindparam("letter")),
        [{"row": row_id, "letter": to_json(letter)} for row_id, letter in letters.items()],
    )
    await connection.execute(
        update(mention)
        .where(mention.c.outbox_id == bindparam("row"), mention.c.webinar_id == bindparam("about"))
        .values(sequence=bindparam("as_of")),
        told,
    )


def _restated(letter: Letter, record: WebinarRecord) -> Letter:
    """The letter with the webinar as it is; one that is off leaves the list of what comes."""
    facts = letter.facts
    listed = tuple(_fresh(one, record) for one in facts.webinars)
    off = record.status is Status.CANCELLED
    kept = tuple(one for one in listed if not (off and one.number == record.number))
    webinar = facts.webinar and _fresh(facts.webinar, record)
    about = webinar is not None and webinar.number == record.number
    return replace(
        letter,
        facts=replace(facts, webinars=kept, webinar=webinar),
        calendar=None if about and off and letter.calendar == "REQUEST" else letter.calendar,
    )


def _fresh(old: WebinarFacts, record: WebinarRecord) -> WebinarFacts:
    if old.number != record.number:
        return old
    now = record.facts(base_url="", registered=bool(old.join_url))
    return replace(now, page_url=old.page_url)
