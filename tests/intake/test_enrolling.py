"""People whom an organiser brings in: asked, subscribed at once, kept out, left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from mailer.errors import Fault
from mailer.files.people_csv import PersonRow
from mailer.intake import importing
from mailer.intake.context import hash_address
from mailer.intake.enrolling import Fate, Taken
from mailer.intake.importing import Summary
from mailer.message.address import Address
from mailer.message.command import Channel
from mailer.parts import Parts
from mailer.store import people, staging, suppression
from mailer.store.people import Act, State
from mailer.store.staging import Terms
from mailer.store.suppression import Reason
from scheduler.clock import VirtualClock
from tests.outbox_reader import mails, queued, templates, text
from tests.world import ANA, BOB, SERIES, letter, mail_in, send_all, subscribed

ASKING = Terms(confirmed=False, evidence="a list")
STATED = Terms(confirmed=True, evidence="at the stand")
BAD = Fault(where="line 3, address", found='"x"', expected="an address")


def row(number: int, **more: str) -> PersonRow:
    address = f"p{number}@example.org"
    return PersonRow(address=Address(key=address, mailbox=address), **more)


ROWS = tuple(row(number) for number in range(5))


async def state(parts: Parts, address: Address = ANA) -> State | None:
    found = await parts.store.read(lambda c: people.find(c, SERIES.id, address.key))
    return None if found is None else found.state


async def consents(parts: Parts, address: Address = ANA) -> list[tuple[Act, str, str]]:
    found = await parts.store.read(lambda c: people.find(c, SERIES.id, address.key))
    assert found is not None
    notes = await parts.store.read(lambda c: people.consents(c, found.id))
    return [(one.act, one.channel, one.evidence) for one in notes]


async def add(parts: Parts, terms: Terms = ASKING, **more: str) -> Taken:
    return await parts.enrolling.add(SERIES, PersonRow(address=ANA, **more), terms)


async def suppress(parts: Parts, address: Address, scope: str, reason: Reason) -> None:
    await parts.store.write(
        lambda c: suppression.add(
            c,
            address_hash=hash_address(parts.secrets.hash_key, address),
            scope=scope,
            reason=reason,
            now=parts.clock.now(),
        )
    )


async def test_who_is_added_is_asked_once_and_a_plain_yes_makes_them_a_subscriber(
    parts: Parts,
) -> None:
    assert await add(parts, language="fr") == Taken(fate=Fate.ASKED)
    again = await add(parts)
    assert again == Taken(fate=Fate.UNCHANGED, why="asked to confirm before")
    assert await consents(parts) == [(Act.ASKED, "command line", "a list")]
    await send_all(parts)
    (request,) = mails(parts.config.outbound.maildir)
    assert request["Auto-Submitted"] == "auto-generated"
    assert "Les organisateurs" in text(request)
    yes = letter(ANA.mailbox, SERIES.address, "ok", "", f"In-Reply-To: {request['Message-ID']}")
    assert (await mail_in(parts, yes)).word == "confirmed"
    assert await state(parts) is State.ACTIVE


async def test_the_confirmation_can_be_answered_at_its_own_address(parts: Parts) -> None:
    await add(parts)
    await send_all(parts)
    (request,) = mails(parts.config.outbound.maildir)
    yes = letter(ANA.mailbox, str(request["Reply-To"]), "Re: x")
    assert (await mail_in(parts, yes, str(request["Reply-To"]))).word == "confirmed"


async def test_an_invitation_waits_behind_the_bulk_and_takes_no_answer_from_the_limits(
    parts: Parts,
) -> None:
    for number in range(5):
        await parts.enrolling.add(SERIES, row(number), ASKING)
    await mail_in(parts, letter("bob@example.com", SERIES.address, "subscribe"))
    await send_all(parts)
    first = mails(parts.config.outbound.maildir)
    assert len(first) == 6
    assert [one.recipient for one in await queued(parts)][-1] == "bob@example.com"
    (priority,) = {
        one.priority
        for one in await parts.store.read(
            lambda c: c.exec_driver_sql(
                "SELECT DISTINCT priority FROM outbox WHERE recipient LIKE 'p%'"
            )
        )
    }
    assert priority == 7


async def test_a_stated_consent_subscribes_at_once_and_sends_nothing(parts: Parts) -> None:
    assert await add(parts, STATED) == Taken(fate=Fate.ADDED)
    assert await state(parts) is State.ACTIVE
    assert await consents(parts) == [(Act.STATED, "command line", "at the stand")]
    assert await queued(parts) == []
    assert await add(parts, STATED) == Taken(fate=Fate.UNCHANGED, why="subscribed already")


async def test_a_welcome_goes_out_if_it_is_wanted(parts: Parts) -> None:
    await add(parts, Terms(confirmed=True, evidence="x", welcome=True))
    assert await templates(parts) == ["welcome"]
    await send_all(parts)
    (mail,) = mails(parts.config.outbound.maildir)
    assert mail["To"] == ANA.mailbox


async def test_a_stated_consent_voids_the_question_that_is_out(parts: Parts) -> None:
    await add(parts)
    await add(parts, STATED)
    await send_all(parts)
    assert [one.state for one in await queued(parts)] == ["suppressed"]


@pytest.mark.parametrize("terms", [ASKING, STATED])
@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        (SERIES.id, Reason.LEFT),
        (SERIES.id, Reason.REMOVED),
        (suppression.EVERYWHERE, Reason.BOUNCE),
        (suppression.EVERYWHERE, Reason.FORGOTTEN),
    ],
)
async def test_who_is_suppressed_stays_out(
    parts: Parts, terms: Terms, scope: str, reason: Reason
) -> None:
    await suppress(parts, ANA, scope, reason)
    assert await add(parts, terms) == Taken(fate=Fate.SUPPRESSED, why=reason)
    assert await state(parts) is None
    assert await queued(parts) == []


async def test_a_suppression_in_another_series_keeps_nobody_out(parts: Parts) -> None:
    await suppress(parts, ANA, "another", Reason.LEFT)
    assert (await add(parts)).fate is Fate.ASKED


async def test_who_is_removed_gets_no_mail_and_cannot_be_brought_back_by_a_list(
    parts: Parts,
) -> None:
    await subscribed(parts)
    outcome = await parts.enrolling.remove(SERIES, ANA)
    assert outcome.word == "removed"
    assert await state(parts) is State.UNSUBSCRIBED
    assert (await consents(parts))[-1] == (Act.LEFT, "command line", "")
    assert await queued(parts) == []
    assert await add(parts) == Taken(fate=Fate.SUPPRESSED, why=Reason.REMOVED)
    assert (await parts.enrolling.remove(SERIES, ANA)).word == "unsubscribed before"
    assert (await parts.enrolling.remove(SERIES, BOB)).word == "unknown"


async def test_an_import_asks_each_and_says_what_it_did(parts: Parts) -> None:
    await subscribed(parts, ROWS[0].address)
    await suppress(parts, ROWS[1].address, SERIES.id, Reason.COMPLAINT)
    foreseen = await parts.importing.foresee(SERIES, [*ROWS, *ROWS], ASKING)
    summary = await parts.importing.take(SERIES, [*ROWS, *ROWS], ASKING)
    assert summary == foreseen
    assert summary == Summary(asked=3, unchanged=1, suppressed=[("p1@example.org", "complaint")])
    assert [one.recipient for one in await queued(parts)] == [
        "p2@example.org",
        "p3@example.org",
        "p4@example.org",
    ]
    assert await parts.importing.take(SERIES, ROWS, ASKING) == Summary(
        unchanged=4, suppressed=[("p1@example.org", "complaint")]
    )


async def test_what_an_import_foresees_it_does_not_do(parts: Parts) -> None:
    await parts.importing.foresee(SERIES, ROWS, ASKING)
    assert await state(parts, ROWS[0].address) is None


async def test_one_bad_row_keeps_everybody_out(parts: Parts) -> None:
    summary = await parts.importing.take(SERIES, [*ROWS, BAD], ASKING)
    assert summary == Summary(faults=[BAD])
    assert await state(parts, ROWS[0].address) is None
    assert await parts.store.read(lambda c: staging.find(c, 1)) is None


async def test_bad_rows_are_left_out_if_that_is_wanted(parts: Parts) -> None:
    summary = await parts.importing.take(SERIES, [*ROWS, BAD], ASKING, skip_bad=True)
    assert summary == Summary(asked=5, faults=[BAD])


async def test_a_file_of_nobody_is_a_fault(parts: Parts) -> None:
    summary = await parts.importing.take(SERIES, [], ASKING)
    assert [one.found for one in summary.faults] == ["no address"]


async def test_very_many_faults_are_counted(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_FAULTS", 2)
    summary = await parts.importing.take(SERIES, [BAD] * 5, ASKING)
    assert (len(summary.faults), summary.more_faults) == (2, 3)


async def test_an_import_in_many_slices_takes_everybody_once(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SLICE", 2)
    told: list[tuple[str, int, int | None]] = []
    summary = await parts.importing.take(SERIES, ROWS, STATED, tell=lambda *step: told.append(step))
    assert summary == Summary(added=5)
    assert told == [
        *(("read", done, None) for done in (2, 4, 5)),
        *(("taken", done, 5) for done in (2, 4, 5)),
    ]


async def test_an_import_that_is_stopped_while_reading_has_happened_for_nobody(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SLICE", 2)

    def rows() -> Iterator[PersonRow]:
        yield from ROWS
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await parts.importing.take(SERIES, rows(), ASKING)
    await parts.importing.finish()
    assert [await state(parts, one.address) for one in ROWS] == [None] * 5
    assert await parts.store.read(lambda c: staging.find(c, 1)) is None


async def test_an_import_that_is_stopped_after_it_was_decided_is_finished_by_who_looks(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SLICE", 2)

    def stop(what: str, done: int, _total: int | None) -> None:
        if (what, done) == ("taken", 2):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await parts.importing.take(SERIES, ROWS, ASKING, tell=stop)
    assert (await state(parts, ROWS[1].address), await state(parts, ROWS[2].address)) == (
        State.PENDING,
        None,
    )
    await parts.importing.finish()
    assert [await state(parts, one.address) for one in ROWS] == [State.PENDING] * 5
    assert len(await queued(parts)) == 5


async def test_what_a_killed_import_left_is_cleared_after_a_day(
    parts: Parts, clock: VirtualClock
) -> None:
    left = await parts.store.write(
        lambda c: staging.open_batch(c, SERIES.id, ASKING, now=clock.now())
    )
    await parts.store.write(lambda c: staging.stage(c, left, ROWS))
    await parts.importing.take(SERIES, ROWS[:1], ASKING)
    assert await parts.store.read(lambda c: staging.find(c, left)) is not None
    clock.advance_to(clock.now() + timedelta(days=2))
    await parts.importing.take(SERIES, ROWS[:1], ASKING)
    assert await parts.store.read(lambda c: staging.find(c, left)) is None


async def test_a_prepared_file_counts_for_nothing_until_it_is_decided(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SLICE", 2)
    prepared = await parts.importing.prepare(SERIES, [*ROWS, ROWS[0], BAD], ASKING)
    assert prepared.summary == Summary(asked=5, faults=[BAD])
    await parts.importing.finish()
    assert await queued(parts) == []
    other = replace(SERIES, id="patents")
    assert await parts.importing.decide(other, prepared.batch_id) is None
    batch = await parts.importing.decide(SERIES, prepared.batch_id)
    assert batch is not None
    assert (batch.total, batch.finished) == (5, False)
    assert await parts.importing.decide(SERIES, prepared.batch_id) is None
    await parts.importing.drop(SERIES, prepared.batch_id)  # too late: it is decided
    await parts.importing.finish()
    assert len(await queued(parts)) == 5


async def test_a_prepared_file_is_put_away_by_its_series_or_after_a_day(
    parts: Parts, clock: VirtualClock
) -> None:
    first = (await parts.importing.prepare(SERIES, ROWS, ASKING)).batch_id
    await parts.importing.drop(replace(SERIES, id="patents"), first)
    assert await parts.store.read(lambda c: staging.find(c, first)) is not None
    await parts.importing.drop(SERIES, first)
    assert await parts.store.read(lambda c: staging.find(c, first)) is None
    second = (await parts.importing.prepare(SERIES, ROWS, ASKING)).batch_id
    clock.advance_to(clock.now() + timedelta(days=2))
    await parts.importing.finish()
    assert await parts.store.read(lambda c: staging.find(c, second)) is None


async def test_it_is_kept_by_which_way_people_were_brought_in(parts: Parts) -> None:
    by_page = replace(ASKING, channel=Channel.WEB)
    prepared = await parts.importing.prepare(SERIES, [PersonRow(address=ANA)], by_page)
    await parts.importing.decide(SERIES, prepared.batch_id)
    await parts.importing.finish()
    assert await consents(parts) == [(Act.ASKED, "web", "a list")]


async def test_two_who_finish_the_same_import_take_nobody_twice(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SLICE", 1)
    batch = await parts.store.write(
        lambda c: staging.open_batch(c, SERIES.id, ASKING, now=parts.clock.now())
    )
    await parts.store.write(lambda c: staging.stage(c, batch, ROWS))
    await parts.store.write(lambda c: staging.decide(c, batch, now=parts.clock.now()))
    await asyncio.gather(parts.importing.finish(), parts.importing.finish())
    found = await parts.store.read(lambda c: staging.find(c, batch))
    assert found is not None
    assert (found.asked, found.unchanged, found.finished) == (5, 0, True)
    assert len(await queued(parts)) == 5
