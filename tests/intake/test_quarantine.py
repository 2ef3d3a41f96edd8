"""A mail that fails: it comes again twice, and is kept aside at the third time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from mailer.checkup.database import kept_aside
from mailer.errors import StoreUnavailable
from mailer.intake.quarantine import MOST_FAILURES, Quarantine
from mailer.message.address import Purpose, Recipient
from mailer.parts import Parts
from mailer.store import journal
from mailer.store.engine import Store
from mailer.store.journal import Arrival
from mailer.store.schema import blob, inbound
from scheduler.clock import VirtualClock
from tests.world import NOON, SERIES

KEEP_FOR = timedelta(days=30)
CONTENT = b"Subject: \xff\r\n\r\nno reader likes this"


def arrival(name: str = "a") -> Arrival:
    return Arrival(
        dedupe_key=name.encode(),
        source="lmtp",
        series_id=SERIES.id,
        recipient=SERIES.address,
        author_key="ana@example.net",
        message_id="<1@example.net>",
        size=len(CONTENT),
        command="Subscribe",
    )


async def entries(store: Store) -> list[tuple[str, int]]:
    columns = (inbound.c.outcome, inbound.c.failures)
    rows = await store.read(lambda c: c.execute(select(*columns).order_by(inbound.c.id)))
    return [(row.outcome, row.failures) for row in rows]


async def test_the_third_failure_keeps_it_and_the_others_do_not_count(store: Store) -> None:
    quarantine = Quarantine(store, VirtualClock(NOON), keep_for=KEEP_FOR)
    error = RecursionError("deep")
    assert not await quarantine.keeps(arrival("other"), b"", error)
    kept = [await quarantine.keeps(arrival(), CONTENT, error) for _ in range(MOST_FAILURES)]
    assert kept == [False, False, True]
    assert await entries(store) == [("failing", 1), ("kept aside: RecursionError", 3)]
    rows = await store.read(lambda c: c.execute(select(blob.c.content, blob.c.keep_until)))
    assert [(bytes(row.content), row.keep_until) for row in rows] == [(CONTENT, NOON + KEEP_FOR)]


async def test_what_is_kept_aside_counts_as_taken(store: Store) -> None:
    quarantine = Quarantine(store, VirtualClock(NOON), keep_for=KEEP_FOR)
    for _ in range(MOST_FAILURES + 1):
        last = await quarantine.keeps(arrival(), CONTENT, RuntimeError())
    assert last
    assert await store.write(lambda c: journal.enter(c, arrival(), NOON)) is None
    assert await entries(store) == [("kept aside: RuntimeError", 3)]


async def test_a_mail_that_failed_may_still_be_processed(store: Store) -> None:
    quarantine = Quarantine(store, VirtualClock(NOON), keep_for=KEEP_FOR)
    await quarantine.keeps(arrival(), CONTENT, RuntimeError())
    entry = await store.write(lambda c: journal.enter(c, arrival(), NOON))
    assert entry is not None
    await store.write(lambda c: journal.conclude(c, entry, outcome="done"))
    assert await entries(store) == [("done", 1)]
    assert await store.write(lambda c: journal.enter(c, arrival(), NOON)) is None
    assert await quarantine.keeps(arrival(), CONTENT, RuntimeError())  # it is done with


async def test_check_tells_of_what_is_kept_aside(parts: Parts) -> None:
    assert await kept_aside(parts.store) == ()
    for _ in range(MOST_FAILURES):
        await parts.intake.set_aside(
            CONTENT,
            Recipient(series=SERIES.id, purpose=Purpose.SERIES),
            sender="ana@example.net",
            address=SERIES.address,
            source="smtp",
            error=ValueError(),
        )
    (finding,) = await kept_aside(parts.store)
    assert finding.found == (
        "1 mails could not be processed and are kept aside: 1 of 2026-10-01 12:00"
    )
    assert "2026-10-31" in finding.advice


async def test_a_database_that_is_not_there_is_no_fault_of_the_mail(parts: Parts) -> None:
    parts.store.fault = "nothing is durable"
    recipient = Recipient(series=SERIES.id, purpose=Purpose.SUBSCRIBE)
    mail = parts.intake.read(b"From: ana@example.net\r\n\r\n", sender="ana@example.net")
    for _ in range(MOST_FAILURES + 1):
        with pytest.raises(StoreUnavailable, match="nothing is durable"):
            await parts.intake.take(mail, recipient, address=SERIES.address, source="smtp")
    parts.store.fault = None
    assert await entries(parts.store) == []
