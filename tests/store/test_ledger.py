"""What is kept of people, read back: pages of them, one person's mails and what they were told."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, update

from mailer.message.address import Address
from mailer.parts import Parts
from mailer.store import ledger, outbox, registration
from mailer.store.outbox import Envelope, Priority
from mailer.store.people import State
from mailer.store.registration import State as Choice
from mailer.store.schema import announcement, subscription
from mailer.store.schema import outbox as outbox_table
from tests.world import ANA, BOB, NOON, SERIES, scheduled, subscribed

LATER = NOON + timedelta(hours=1)


def envelope(kind: str, to: Address = ANA, **more: object) -> Envelope:
    fields: dict[str, object] = {
        "series_id": SERIES.id,
        "kind": kind,
        "template": kind,
        "priority": Priority.BULK,
        "recipient": to.mailbox,
        "recipient_key": to.key,
        "language": "en",
        "zone": "Europe/Zurich",
        "message_id": f"{kind}.1",
    }
    return Envelope(**{**fields, **more})  # type: ignore[arg-type]


async def test_a_list_comes_page_by_page_in_the_order_of_coming(parts: Parts) -> None:
    everybody = [Address(key=f"p{n}@x.org", mailbox=f"p{n}@x.org") for n in range(5)]
    for one in everybody:
        await subscribed(parts, one)
    found = []
    after = 0
    while page := await parts.store.read(
        lambda c, after=after: ledger.page(c, series_id=None, state=None, after=after, limit=2)
    ):
        found += [one.address for one in page]
        after = page[-1].id
    assert found == everybody


async def test_a_list_is_of_one_series_and_one_state_if_wanted(parts: Parts) -> None:
    ana, bob = await subscribed(parts, ANA), await subscribed(parts, BOB)
    ended = update(subscription).where(subscription.c.id == bob.id)
    await parts.store.write(lambda c: c.execute(ended.values(state=State.UNSUBSCRIBED)))

    async def ids(series_id: str | None, state: State | None) -> list[int]:
        found = await parts.store.read(
            lambda c: ledger.page(c, series_id=series_id, state=state, after=0, limit=9)
        )
        return [one.id for one in found]

    assert await ids(None, None) == [ana.id, bob.id]
    assert await ids(SERIES.id, State.ACTIVE) == [ana.id]
    assert await ids(SERIES.id, State.UNSUBSCRIBED) == [bob.id]
    assert await ids("another", None) == []


async def test_a_mail_is_told_with_its_state_its_time_and_the_message_id_it_bears(
    parts: Parts,
) -> None:
    record = await scheduled(parts, NOON.replace(tzinfo=None) + timedelta(days=30))
    await parts.store.write(
        lambda c: outbox.queue(
            c,
            [
                envelope("welcome"),
                envelope("reminder", webinar_id=record.id, not_before=LATER),
                envelope("reply"),
                envelope("farewell"),
                envelope("welcome", BOB),
            ],
            now=NOON,
        )
    )

    async def put(kind: str, **values: object) -> None:
        one = update(outbox_table).where(outbox_table.c.kind == kind)
        await parts.store.write(lambda c: c.execute(one.values(**values)))

    await put("welcome", state="sent", settled_at=LATER, attempts=1, reply="250 ok")
    await put("reply", attempts=2, reason="later (RCPT)", not_before=LATER, reply="451 wait")
    await put("farewell", state="sending", doubts=1)
    found = await parts.store.read(lambda c: ledger.mails(c, ANA.key))
    assert [(one.kind, one.state, one.at, one.webinar) for one in found] == [
        ("welcome", "sent", LATER, None),
        ("reminder", "queued", LATER, "capasso"),
        ("reply", "deferred", LATER, None),
        ("farewell", "in_doubt", NOON, None),
    ]
    assert (found[2].reason, found[2].reply, found[2].attempts) == ("later (RCPT)", "451 wait", 2)
    assert found[0].message_id == "<welcome.1@lists.example.org>"
    assert found[0].to == ANA.mailbox


async def test_told_are_the_notices_that_went_out_or_are_about_to(parts: Parts) -> None:
    ana = await subscribed(parts)
    record = await scheduled(parts, NOON.replace(tzinfo=None) + timedelta(days=30))

    async def unit(connection) -> None:  # type: ignore[no-untyped-def]
        for number, notice in enumerate(("first", "second"), start=1):
            await connection.execute(
                insert(announcement).values(
                    id=number,
                    key=notice,
                    series_id=SERIES.id,
                    webinar_id=record.id,
                    notice_id=notice,
                    kind="reminder",
                    audience="subscribed",
                    sequence=0,
                    due_at=NOON,
                    released_at=NOON,
                    expires_at=LATER,
                    state="done",
                    created_at=NOON,
                )
            )
            row = envelope("reminder", announcement_id=number, subscription_id=ana.id)
            await outbox.queue(connection, [row], now=NOON)
        lost = update(outbox_table).where(outbox_table.c.announcement_id == 2)
        await connection.execute(lost.values(state="failed"))

    await parts.store.write(unit)
    assert await parts.store.read(lambda c: ledger.told(c, ANA.key)) == {
        (ana.id, record.id, "first")
    }


async def test_choices_are_by_webinar(parts: Parts) -> None:
    ana = await subscribed(parts)
    record = await scheduled(parts, NOON.replace(tzinfo=None) + timedelta(days=30))
    await parts.store.write(
        lambda c: registration.choose(c, ana.subscriber_id, record.id, Choice.DECLINED, now=NOON)
    )
    assert await parts.store.read(lambda c: ledger.choices(c, ana.subscriber_id)) == {
        record.id: "declined"
    }
