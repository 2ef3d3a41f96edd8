"""People in the database: many at once, unanswered questions, another address, nothing left."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import event, func, insert, literal, select, update

from mailer.files.people_csv import PersonRow
from mailer.message.address import parse_address
from mailer.message.command import Channel
from mailer.parts import Parts
from mailer.store import enrolment, erasure, journal, outbox, people, staging, suppression
from mailer.store.outbox import Envelope, Priority
from mailer.store.people import Act, State
from mailer.store.schema import (
    blob,
    bounce,
    consent,
    import_row,
    inbound,
    registration,
    subscriber,
    subscription,
)
from mailer.store.schema import (
    outbox as outbox_table,
)
from mailer.store.staging import Terms
from mailer.store.suppression import Reason
from tests.world import ANA, BOB, NOON, SERIES, scheduled, subscribed

DAY = timedelta(days=1)
ASKING = Terms(confirmed=False, evidence="a list")


def row(address: str, **more: str) -> PersonRow:
    found = parse_address(address)
    assert found is not None
    return PersonRow(address=found, **more)


def envelope(kind: str, **more: object) -> Envelope:
    fields: dict[str, object] = {
        "series_id": SERIES.id,
        "kind": kind,
        "template": kind,
        "priority": Priority.BULK,
        "recipient": ANA.mailbox,
        "recipient_key": ANA.key,
        "language": "en",
        "zone": "Europe/Zurich",
        "message_id": f"{kind}.1",
    }
    return Envelope(**{**fields, **more})  # type: ignore[arg-type]


async def count(parts: Parts, table: object) -> int:
    return int(await parts.store.read(lambda c: c.scalar(select(func.count()).select_from(table))))


async def enrol(parts: Parts, *rows: PersonRow, confirmed: bool = False) -> list[str]:
    found = await parts.store.write(
        lambda c: enrolment.enrol(
            c,
            rows,
            series_id=SERIES.id,
            confirmed=confirmed,
            channel=Channel.COMMAND_LINE,
            evidence="why",
            now=NOON,
        )
    )
    return [f"{one.address.key} {one.state} {one.generation}" for one in found]


async def test_people_are_enrolled_once(parts: Parts) -> None:
    assert await enrol(parts, row("ana@example.net"), row("bob@example.com")) == [
        "ana@example.net pending 1",
        "bob@example.com pending 1",
    ]
    assert await enrol(parts, row("ana@example.net"), row("eve@example.org")) == [
        "eve@example.org pending 1"
    ]


async def test_a_stated_consent_makes_the_pending_active_and_leaves_the_active_alone(
    parts: Parts,
) -> None:
    await enrol(parts, row("ana@example.net"))
    assert await enrol(parts, row("ana@example.net"), confirmed=True) == [
        "ana@example.net active 1"
    ]
    assert await enrol(parts, row("ana@example.net"), confirmed=True) == []
    found = await parts.store.read(lambda c: people.find(c, SERIES.id, ANA.key))
    assert found is not None
    assert found.since == NOON
    notes = await parts.store.read(lambda c: people.consents(c, found.id))
    assert [(one.act, one.evidence) for one in notes] == [(Act.ASKED, "why"), (Act.STATED, "why")]


async def test_who_left_is_asked_under_a_new_generation(parts: Parts) -> None:
    current = await subscribed(parts)
    await parts.store.write(lambda c: people.end(c, current.id, state=State.UNSUBSCRIBED, now=NOON))
    assert await enrol(parts, row("ana@example.net")) == ["ana@example.net pending 3"]


async def test_what_a_person_prefers_is_not_overwritten_only_filled_in(parts: Parts) -> None:
    await enrol(parts, row("ana@example.net", language="fr"))
    await parts.store.write(
        lambda c: c.execute(update(subscription).values(state=State.UNSUBSCRIBED))
    )
    await enrol(parts, row("ana@example.net", name="Ana", language="de", timezone="Asia/Tokyo"))
    found = await parts.store.read(lambda c: people.find(c, SERIES.id, ANA.key))
    assert found is not None
    assert (found.name, found.language, found.timezone) == ("Ana", "fr", "Asia/Tokyo")


async def test_many_people_take_no_more_statements_than_one(parts: Parts) -> None:
    async def statements(*rows: PersonRow) -> int:
        made: list[str] = []

        async def unit(connection) -> None:  # type: ignore[no-untyped-def]
            def seen(*arguments: object) -> None:
                made.append(str(arguments[2]))

            event.listen(connection.sync_connection, "before_cursor_execute", seen)
            await enrolment.enrol(
                connection,
                rows,
                series_id=SERIES.id,
                confirmed=False,
                channel=Channel.WEB,
                evidence="",
                now=NOON,
            )

        await parts.store.write(unit)
        return len(made)

    one = await statements(row("ana@example.net"))
    assert one == 4
    assert await statements(*(row(f"p{n}@example.org") for n in range(50))) == one


async def test_a_question_that_has_not_gone_out_does_not_lapse(parts: Parts) -> None:
    """It may have waited behind a large import; the time to answer begins when it is sent."""
    await enrol(parts, row("ana@example.net"), row("bob@example.com"))
    asked = await parts.store.read(lambda c: people.find(c, SERIES.id, ANA.key))
    assert asked is not None
    question = envelope("confirmation", subscription_id=asked.id, generation=1)
    row_id = await parts.store.write(lambda c: outbox.queue_one(c, question, now=NOON))

    async def lapsed(after: timedelta) -> int:
        now = NOON + after
        return await parts.store.write(lambda c: people.lapse(c, before=now - 7 * DAY, now=now))

    assert await lapsed(8 * DAY) == 1  # Bob alone
    assert await lapsed(30 * DAY) == 0
    sent = update(outbox_table).where(outbox_table.c.id == row_id)
    await parts.store.write(
        lambda c: c.execute(sent.values(state="sent", settled_at=NOON + 30 * DAY))
    )
    assert await lapsed(36 * DAY) == 0
    assert await lapsed(38 * DAY) == 1
    assert await count(parts, subscriber) == 0


async def test_the_first_row_of_an_address_stands_and_later_ones_fill_it_up(parts: Parts) -> None:
    batch = await parts.store.write(lambda c: staging.open_batch(c, SERIES.id, ASKING, now=NOON))
    rows = [
        row("Ana@example.net", language="fr"),
        row("bob@example.com"),
        row("ana@EXAMPLE.net", name="Ana", language="de"),
    ]
    await parts.store.write(lambda c: staging.stage(c, batch, rows))
    assert await parts.store.read(staging.unfinished) == ()
    assert await parts.store.write(lambda c: staging.decide(c, batch, now=NOON)) == 2
    (found,) = await parts.store.read(staging.unfinished)
    assert found.terms == ASKING
    slice_ = await parts.store.read(lambda c: staging.next_slice(c, found, limit=10))
    assert [one.person for one in slice_] == [
        row("Ana@example.net", name="Ana", language="fr"),
        row("bob@example.com"),
    ]


async def test_a_slice_that_is_worked_off_is_gone_but_for_those_kept_out(parts: Parts) -> None:
    batch = await parts.store.write(lambda c: staging.open_batch(c, SERIES.id, ASKING, now=NOON))
    rows = [row("ana@example.net"), row("bob@example.com"), row("eve@example.org")]
    await parts.store.write(lambda c: staging.stage(c, batch, rows))
    await parts.store.write(lambda c: staging.decide(c, batch, now=NOON))
    (found,) = await parts.store.read(staging.unfinished)
    slice_ = await parts.store.read(lambda c: staging.next_slice(c, found, limit=2))
    await parts.store.write(
        lambda c: staging.note(
            c, batch, slice_=slice_, kept_out={slice_[1].id: "left"}, added=0, asked=1, unchanged=0
        )
    )
    (found,) = await parts.store.read(staging.unfinished)
    assert (found.asked, found.total) == (1, 3)
    rest = await parts.store.read(lambda c: staging.next_slice(c, found, limit=2))
    assert [one.person for one in rest] == [row("eve@example.org")]
    assert await parts.store.read(lambda c: staging.kept_out(c, batch)) == (
        ("bob@example.com", "left"),
    )
    await parts.store.write(
        lambda c: staging.note(c, batch, slice_=(), kept_out={}, added=0, asked=0, unchanged=0)
    )
    assert await parts.store.read(staging.unfinished) == ()


async def test_an_import_that_was_given_up_is_found_and_discarded_in_slices(parts: Parts) -> None:
    batch = await parts.store.write(lambda c: staging.open_batch(c, SERIES.id, ASKING, now=NOON))
    rows = [row(f"p{n}@example.org") for n in range(3)]
    await parts.store.write(lambda c: staging.stage(c, batch, rows))
    assert await parts.store.read(lambda c: staging.abandoned(c, before=NOON)) == ()
    assert await parts.store.read(lambda c: staging.abandoned(c, before=NOON + DAY)) == (batch,)
    assert await parts.store.write(lambda c: staging.discard(c, batch, limit=2)) is True
    assert await parts.store.write(lambda c: staging.discard(c, batch, limit=2)) is False
    assert await parts.store.read(lambda c: staging.find(c, batch)) is None


async def test_a_new_address_takes_mails_and_letters_along(parts: Parts) -> None:
    current = await subscribed(parts)
    rows = [
        envelope("reminder", subscription_id=current.id),
        envelope("welcome", subscription_id=current.id),
        envelope("report"),  # to an organiser, who has the same address
    ]
    await parts.store.write(lambda c: outbox.queue(c, rows, now=NOON))
    sent = update(outbox_table).where(outbox_table.c.kind == "welcome")
    await parts.store.write(lambda c: c.execute(sent.values(state="sent", settled_at=NOON)))
    following = await parts.store.write(
        lambda c: erasure.readdress(c, current.subscriber_id, ANA.key, BOB, now=NOON)
    )
    assert following == 1
    columns = select(
        outbox_table.c.kind, outbox_table.c.recipient, outbox_table.c.recipient_key
    ).order_by(outbox_table.c.id)
    assert [tuple(one) for one in await parts.store.read(lambda c: c.execute(columns))] == [
        ("reminder", BOB.mailbox, BOB.key),
        ("welcome", ANA.mailbox, BOB.key),
        ("report", ANA.mailbox, ANA.key),
    ]
    moved = await parts.store.read(lambda c: people.by_id(c, current.id))
    assert moved is not None
    assert moved.address == BOB


async def test_what_a_person_decided_follows_them_and_a_bounce_does_not(parts: Parts) -> None:
    async def add(scope: str, reason: Reason) -> None:
        await parts.store.write(
            lambda c: suppression.add(
                c, address_hash=b"old", scope=scope, reason=reason, now=NOON, detail="x"
            )
        )

    await add(SERIES.id, Reason.COMPLAINT)
    await add(suppression.EVERYWHERE, Reason.BOUNCE)
    await parts.store.write(lambda c: suppression.carry_over(c, old_hash=b"old", new_hash=b"new"))
    found = await parts.store.read(lambda c: suppression.of_address(c, b"new"))
    assert [(one.scope, one.reason, one.detail, one.at) for one in found] == [
        (SERIES.id, Reason.COMPLAINT, "x", NOON)
    ]


async def test_a_forgotten_address_is_in_no_column_any_more_and_counts_survive(
    parts: Parts,
) -> None:
    current = await subscribed(parts, BOB)
    record = await scheduled(parts, NOON.replace(tzinfo=None) + 30 * DAY)
    blob_id = await parts.store.write(lambda c: journal.keep(c, b"From: Bob", until=NOON + DAY))
    theirs = {"recipient": BOB.mailbox, "recipient_key": BOB.key, "subscription_id": current.id}
    rows = [
        envelope("welcome", data='{"in_reply_to":"<1@example.com>"}', **theirs),
        envelope("reminder", **theirs),
        envelope("report", data='{"author":"BOB@example.com"}', blob_id=blob_id),
        envelope("report", data='{"author":"jobob@example.com"}'),
    ]
    batch = await parts.store.write(lambda c: staging.open_batch(c, SERIES.id, ASKING, now=NOON))

    async def fill(connection) -> None:  # type: ignore[no-untyped-def]
        await outbox.queue(connection, rows, now=NOON)
        await connection.execute(
            update(outbox_table)
            .where(outbox_table.c.kind == "welcome")
            .values(state="sent", settled_at=NOON, reply="250 <bob@example.com> ok")
        )
        failed = select(outbox_table.c.id, literal(current.id)).where(
            outbox_table.c.kind == "reminder"
        )
        await connection.execute(
            insert(bounce).from_select(
                ["outbox_id", "subscription_id", "at", "class", "source", "detail", "judged"],
                failed.add_columns(
                    literal(1),
                    literal("hard"),
                    literal("smtp"),
                    literal("550 <bob@example.com>"),
                    literal(False),
                ),
            )
        )
        await connection.execute(
            insert(registration).values(
                subscriber_id=current.subscriber_id,
                webinar_id=record.id,
                state="registered",
                at=NOON,
            )
        )
        await people.note_consent(
            connection, current.id, act=Act.CONFIRMED, channel="mail", evidence="<2@x>", now=NOON
        )
        arrival = journal.Arrival(
            dedupe_key=b"k",
            source="smtp",
            series_id=SERIES.id,
            recipient="webinars@lists.example.org",
            author_key=BOB.key,
            message_id="<3@bob.example.com>",
            size=1,
            command="FreeText",
        )
        entry = await journal.enter(connection, arrival, NOON)
        await journal.conclude(
            connection, entry, outcome="forwarded", subscription_id=current.id, blob_id=blob_id
        )
        await staging.stage(connection, batch, [row("bob@example.com")])

    await parts.store.write(fill)
    forwards = await parts.store.read(lambda c: erasure.forwarded(c, ["Bob@example.com"]))
    erased = await parts.store.write(
        lambda c: erasure.forget(c, BOB.key, forwards=forwards, now=NOON)
    )
    assert (erased.subscriptions, erased.mails, erased.cancelled, erased.received) == (1, 2, 1, 1)
    for table in (subscriber, subscription, consent, registration, blob, import_row):
        assert await count(parts, table) == 0
    dump = [
        str(tuple(one))
        for table in (outbox_table, inbound, bounce)
        for one in await parts.store.read(lambda c, table=table: c.execute(select(table)))
    ]
    assert not [line for line in dump if "bob@example.com" in line.lower().replace("jobob@", "")]
    assert not [line for line in dump if "bob.example.com" in line]
    states = select(outbox_table.c.kind, outbox_table.c.state).order_by(outbox_table.c.id)
    assert [tuple(one) for one in await parts.store.read(lambda c: c.execute(states))] == [
        ("welcome", "sent"),
        ("reminder", "cancelled"),
        ("report", "cancelled"),
        ("report", "queued"),
    ]
    assert await count(parts, inbound) == 1


async def test_forgetting_leaves_one_suppression_everywhere(parts: Parts) -> None:
    await parts.store.write(
        lambda c: suppression.add(
            c, address_hash=b"h", scope=SERIES.id, reason=Reason.LEFT, now=NOON, detail="x"
        )
    )
    await parts.store.write(lambda c: suppression.forget(c, b"h", now=NOON + DAY))
    found = await parts.store.read(lambda c: suppression.of_address(c, b"h"))
    assert [(one.scope, one.reason, one.detail) for one in found] == [
        (suppression.EVERYWHERE, Reason.FORGOTTEN, "")
    ]
