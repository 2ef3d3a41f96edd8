"""What comes back to our return paths, from a report to a removed subscriber (B2, B4, S25, F40)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import event, update

from mailer.config.model import Bounces, Outbound, Security
from mailer.dossier import dossier
from mailer.files.people_csv import PersonRow
from mailer.intake.context import hash_address
from mailer.intake.enrolling import Fate
from mailer.message.address import Address
from mailer.parts import Parts, make_transport, open_parts
from mailer.store import people, suppression
from mailer.store.people import State
from mailer.store.schema import outbox
from mailer.store.staging import Terms
from mailer.store.suppression import EVERYWHERE, Reason
from scheduler.clock import VirtualClock
from tests.intake.returning import (
    consents,
    last_return_path,
    noted,
    now_of,
    queue_one,
    report,
    sample,
    send_one,
)
from tests.outbox_reader import mails, queued, templates, text
from tests.peers.sink import Sink
from tests.peers.trouble import Phase
from tests.world import ANA, BOB, NOON, SERIES, letter, mail_in, opened, send_all, subscribed

DAY = timedelta(days=1)
OTHER = replace(SERIES, id="talks", title="Talks", address="talks@lists.example.org")
WORDS = "I shall be there, thank you."


@pytest_asyncio.fixture
async def both(migrated_url: str, tmp_path: Path) -> AsyncIterator[tuple[Parts, VirtualClock]]:
    """Two series, on each engine."""
    async with opened(migrated_url, tmp_path, SERIES, OTHER) as world:
        yield world


async def bounced_on_two_days(parts: Parts, clock: VirtualClock) -> people.Subscription:
    """Ana, whose mails came back twice, and whose test is queued."""
    ana = await subscribed(parts)
    for _ in range(2):
        clock.advance_to(clock.now() + DAY)
        path = await send_one(parts, ana)
        word = (await report(parts, path)).word
    assert word == "bounce: hard 5.1.1, tested"
    return ana


async def test_hard_on_two_days_then_a_test_that_comes_back_ends_everything(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    ana = await subscribed(parts)
    asked = await parts.store.write(
        lambda c: people.ask(c, series_id="talks", address=ANA, language=None, now=NOON)
    )
    await parts.store.write(lambda c: people.activate(c, asked.id, now=NOON))
    clock.advance_to(NOON + DAY)
    first = await send_one(parts, ana)
    assert (await report(parts, first)).word == "bounce: hard 5.1.1"
    clock.advance_to(NOON + 2 * DAY)
    second = await send_one(parts, ana)
    assert (await report(parts, second)).word == "bounce: hard 5.1.1, tested"
    assert (await now_of(parts, ana)).state is State.ACTIVE
    assert await templates(parts) == ["welcome", "welcome", "probe"]
    await send_all(parts)
    test = mails(parts.config.outbound.maildir)[-1]
    assert (test["To"], test["Subject"]) == (ANA.mailbox, "A test: do our mails reach you?")
    assert text(test).startswith("Mails from Copyright Infrastructure Webinars to ana@example.net")
    clock.advance_to(NOON + 2.1 * DAY)
    assert (await report(parts, last_return_path(parts))).word == "bounce: hard 5.1.1, ended"
    for one in (ana, asked):
        assert (await now_of(parts, one)).state is State.BOUNCED
        assert (await consents(parts, one))[-1] == (
            "left",
            "report <report-0@mx.example.com>: hard 5.1.1",
        )
    kept_out = await parts.store.read(
        lambda c: suppression.of_address(c, hash_address(parts.secrets.hash_key, ANA))
    )
    assert [(one.scope, one.reason, one.detail) for one in kept_out] == [
        (EVERYWHERE, Reason.BOUNCE, "hard 5.1.1")
    ]
    assert await noted(parts) == [("hard", "5.1.1", "report")] * 3
    assert [row.template for row in await queued(parts) if row.state == "queued"] == []


async def test_everything_that_came_back_is_explained(both: tuple[Parts, VirtualClock]) -> None:
    parts, clock = both
    await bounced_on_two_days(parts, clock)
    found = await dossier(parts, ANA)
    assert [(one.kind, one.cls, one.status, one.source) for one in found.bounces] == [
        ("welcome", "hard", "5.1.1", "report")
    ] * 2
    assert found.bounces[0].detail == (
        "smtp; 550 5.1.1 <ana@example.net>: Recipient address rejected: User unknown"
    )


async def test_what_was_queued_for_who_bounced_goes_nowhere(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    ana = await bounced_on_two_days(parts, clock)
    await send_all(parts)
    path = last_return_path(parts)
    clock.advance_to(clock.now() + DAY / 4)
    await queue_one(parts, ana)
    await report(parts, path)
    assert [row.state for row in await queued(parts)] == ["sent", "sent", "sent", "cancelled"]


async def test_the_same_report_five_times_and_five_reports_of_one_mail_count_once(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    path = await send_one(parts, await subscribed(parts))
    words = [(await report(parts, path)).word for _ in range(5)]
    assert words == ["bounce: hard 5.1.1", *["seen before"] * 4]
    clock.advance_to(NOON + DAY)
    words = [(await report(parts, path, number=number)).word for number in range(1, 6)]
    assert words == ["bounce: known before"] * 5
    assert await noted(parts) == [("hard", "5.1.1", "report")]
    assert await templates(parts) == ["welcome"]


async def test_a_forged_report_that_names_a_victim_counts_nothing(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    victim = await subscribed(parts)
    attacker = await subscribed(parts, BOB)
    await send_one(parts, victim)
    real = await send_one(parts, attacker)
    forged = "webinars+bounce-" + "a" * 26 + "@lists.example.org"
    for day in range(1, 4):
        clock.advance_to(NOON + day * DAY)
        found = await report(parts, forged, number=day)
        assert found.word == "ignored: forged return path"
    assert await noted(parts) == []
    # With a token of their own they can only hurt themselves.
    await report(parts, real, about=ANA.mailbox, number=9)
    (entry,) = (await dossier(parts, BOB)).bounces
    assert entry.cls == "hard"
    assert (await dossier(parts, ANA)).bounces == ()


async def test_a_token_of_another_series_or_in_another_spelling(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, _ = both
    path = await send_one(parts, await subscribed(parts))
    elsewhere = path.replace("webinars+", "talks+")
    assert (await report(parts, elsewhere)).word == "ignored: stale return path"
    shouted = path.upper()
    assert (await report(parts, shouted, number=1)).word == "bounce: hard 5.1.1"


async def test_a_stale_token_counts_nothing(both: tuple[Parts, VirtualClock]) -> None:
    parts, clock = both
    path = await send_one(parts, await subscribed(parts))
    clock.advance_to(NOON + 31 * DAY)
    assert (await report(parts, path)).word == "ignored: stale return path"
    assert await noted(parts) == []


async def test_of_a_mail_to_somebody_forgotten_nothing_is_kept(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, _ = both
    path = await send_one(parts, await subscribed(parts))
    await parts.person_changes.forget(ANA)
    assert (await report(parts, path)).word == "bounce: hard 5.1.1"
    assert await templates(parts) == ["welcome"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("exim-delay", "noted: delay"),
        ("gmail-delay", "noted: delay"),
        ("microsoft365-relayed", "noted: success"),
        ("vacation-auto-submitted", "noted: auto-reply"),
        ("barracuda-blocked", "bounce: block"),
    ],
)
async def test_what_is_no_failure_of_the_mailbox_counts_nothing(
    parts: Parts, clock: VirtualClock, name: str, word: str
) -> None:
    ana = await subscribed(parts)
    for day in range(1, 4):
        clock.advance_to(NOON + day * DAY)
        path = await send_one(parts, ana)
        assert (await report(parts, path, name, number=day)).word.startswith(word)
    assert await templates(parts) == ["welcome"] * 3
    assert (await now_of(parts, ana)).state is State.ACTIVE


async def test_a_vacation_note_to_the_return_path_counts_nothing(parts: Parts) -> None:
    path = await send_one(parts, await subscribed(parts))
    note = letter(ANA.mailbox, path, "Out of office: Welcome", "I am away.")
    assert (await mail_in(parts, note, path)).word == "noted: auto-reply"
    assert await noted(parts) == []
    assert await templates(parts) == ["welcome"]


async def test_a_mail_that_arrived_in_between_clears_what_was(
    parts: Parts, clock: VirtualClock
) -> None:
    ana = await subscribed(parts)
    clock.advance_to(NOON + DAY)
    await report(parts, await send_one(parts, ana))
    clock.advance_to(NOON + 2 * DAY)
    await send_one(parts, ana)
    clock.advance_to(NOON + 4 * DAY)
    assert (await report(parts, await send_one(parts, ana))).word == "bounce: hard 5.1.1"
    clock.advance_to(NOON + 5 * DAY)
    assert (await report(parts, await send_one(parts, ana))).word == "bounce: hard 5.1.1, tested"
    clock.advance_to(NOON + 6 * DAY)
    assert (await report(parts, await send_one(parts, ana))).word == "bounce: hard 5.1.1"


async def test_a_full_mailbox_is_tested_after_five_mails_in_thirty_days(
    parts: Parts, clock: VirtualClock
) -> None:
    ana = await subscribed(parts)
    words = []
    for day in (1, 8, 15, 22, 31):
        clock.advance_to(NOON + day * DAY)
        path = await send_one(parts, ana)
        words.append((await report(parts, path, "microsoft365-full")).word)
    assert [word.partition(", ")[2] for word in words] == ["", "", "", "", "tested"]
    assert {word.split()[1] for word in words} == {"full"}


async def test_a_report_without_an_address_is_of_an_unknown_class(parts: Parts) -> None:
    path = await send_one(parts, await subscribed(parts))
    bare = (
        b"From: MAILER-DAEMON@mx.example.com\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        b"Auto-Submitted: auto-replied\r\nMessage-ID: <bare@mx.example.com>\r\n\r\n"
        b"Your message could not be delivered.\r\n"
    )
    assert (await mail_in(parts, bare, path, sender="")).word == "bounce: unknown"
    assert await noted(parts) == [("unknown", "", "report")]


async def test_a_report_of_our_own_postmaster_counts(parts: Parts) -> None:
    path = await send_one(parts, await subscribed(parts))
    content = sample("postfix-unknown", path).replace(
        b"From: MAILER-DAEMON@mx.example.com", b"From: postmaster@lists.example.org"
    )
    assert (await mail_in(parts, content, path, sender="")).word == "bounce: hard 5.1.1"


async def test_reports_that_come_at_the_same_moment_lead_to_one_test(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    ana = await subscribed(parts)
    clock.advance_to(NOON + DAY)
    await report(parts, await send_one(parts, ana))
    clock.advance_to(NOON + 2 * DAY)
    paths = [await send_one(parts, ana) for _ in range(6)]
    found = await asyncio.gather(*(report(parts, path) for path in paths))
    assert sorted(one.word for one in found) == [
        *["bounce: hard 5.1.1"] * 5,
        "bounce: hard 5.1.1, tested",
    ]
    assert (await templates(parts)).count("probe") == 1


async def test_of_several_recipients_in_a_report_ours_counts(parts: Parts) -> None:
    ben = Address(key="ben@example.net", mailbox="Ben@example.net")
    path = await send_one(parts, await subscribed(parts, ben))
    assert (await report(parts, path, "postfix-two-recipients")).word == "bounce: hard 5.1.1"


async def test_a_subscription_confirmed_since_shows_that_the_mailbox_works(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    ana = await subscribed(parts)
    clock.advance_to(NOON + DAY)
    await report(parts, await send_one(parts, ana))
    clock.advance_to(NOON + 1.5 * DAY)
    asked = await parts.store.write(
        lambda c: people.ask(c, series_id="talks", address=ANA, language=None, now=clock.now())
    )
    await parts.store.write(lambda c: people.activate(c, asked.id, now=clock.now()))
    clock.advance_to(NOON + 2 * DAY)
    assert (await report(parts, await send_one(parts, ana))).word == "bounce: hard 5.1.1"


async def test_a_test_is_not_sent_to_who_has_left_or_paused(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    ana = await bounced_on_two_days(parts, clock)
    await parts.store.write(lambda c: people.pause(c, ana.id, until=clock.now() + 9 * DAY))
    await send_all(parts)
    assert [row.state for row in await queued(parts)] == ["sent", "sent", "suppressed"]


async def test_a_block_does_not_even_lead_to_another_test(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    ana = await bounced_on_two_days(parts, clock)
    path = await send_one(parts, ana)
    await parts.store.write(
        lambda c: c.execute(update(outbox).where(outbox.c.kind == "probe").values(state="expired"))
    )
    assert (await report(parts, path, "barracuda-blocked")).word.endswith("block 5.7.1")


async def test_what_is_told_of_the_old_address_is_not_told_of_the_new_one(
    parts: Parts, clock: VirtualClock
) -> None:
    ana = await subscribed(parts)
    paths = []
    for day in (1, 2):
        clock.advance_to(NOON + day * DAY)
        paths.append(await send_one(parts, ana))
    await parts.person_changes.change(ANA, BOB)
    words = [(await report(parts, path)).word for path in paths]
    assert words == ["bounce: hard 5.1.1"] * 2


async def test_who_has_not_confirmed_is_neither_tested_nor_ended(
    parts: Parts, clock: VirtualClock
) -> None:
    for day in (1, 2):
        clock.advance_to(NOON + day * DAY)
        asking = letter(ANA.mailbox, SERIES.address, "subscribe", message_id=f"<{day}@x.example>")
        await mail_in(parts, asking)
        await send_all(parts)
        await report(parts, last_return_path(parts))
    assert await templates(parts) == ["confirmation"] * 2
    found = await parts.store.read(lambda c: people.find(c, SERIES.id, ANA.key))
    assert found is not None
    assert found.state is State.PENDING


async def test_the_limits_are_configured(migrated_url: str, tmp_path: Path) -> None:
    async with opened(migrated_url, tmp_path) as (parts, clock):
        config = replace(parts.config, bounces=Bounces(hard_days=1))
        async with open_parts(config, clock) as strict:
            path = await send_one(strict, await subscribed(strict))
            assert (await report(strict, path)).word == "bounce: hard 5.1.1, tested"


# --- people's own words ---


async def test_a_persons_words_to_a_return_path_go_to_the_organisers(parts: Parts) -> None:
    path = await send_one(parts, await subscribed(parts))
    words = letter(ANA.mailbox, path, "Re: Welcome", WORDS)
    assert (await mail_in(parts, words, path)).word == "forwarded"
    assert [(row.template, row.recipient) for row in await queued(parts)][1:] == [
        ("forward", "organiser@example.org")
    ]


@pytest.mark.parametrize("body", ["", "> We write to you\n> when a webinar is announced\n"])
async def test_an_empty_or_only_quoting_mail_to_a_return_path_goes_nowhere(
    parts: Parts, body: str
) -> None:
    path = await send_one(parts, await subscribed(parts))
    assert (await mail_in(parts, letter(ANA.mailbox, path, "Re: Welcome", body), path)).word == (
        "ignored: empty"
    )
    assert await templates(parts) == ["welcome"]


async def test_spam_to_a_return_path_goes_nowhere(parts: Parts) -> None:
    path = await send_one(parts, await subscribed(parts))
    spam = letter(ANA.mailbox, path, "Offer", WORDS, "X-Spam-Flag: YES")
    assert (await mail_in(parts, spam, path)).word == "ignored: spam"


async def test_nothing_at_a_return_path_is_ever_answered(parts: Parts) -> None:
    path = await send_one(parts, await subscribed(parts))
    for number, name in enumerate(("postfix-unknown", "exim-delay", "arf-abuse", "gmail-unknown")):
        await report(parts, path, name, number=number)
    await mail_in(parts, letter(ANA.mailbox, path, "subscribe"), path)
    await mail_in(parts, letter(ANA.mailbox, path, "help", "help"), path)
    assert {row.recipient for row in (await queued(parts))[1:]} <= {"organiser@example.org"}


# --- afterwards ---


async def removed(parts: Parts, clock: VirtualClock) -> people.Subscription:
    ana = await bounced_on_two_days(parts, clock)
    await send_all(parts)
    await report(parts, last_return_path(parts))
    assert (await now_of(parts, ana)).state is State.BOUNCED
    return ana


async def test_an_import_leaves_out_who_bounced_and_their_own_word_brings_them_back(
    both: tuple[Parts, VirtualClock],
) -> None:
    parts, clock = both
    ana = await removed(parts, clock)
    terms = Terms(confirmed=True, evidence="a list")
    for series in (SERIES, OTHER):
        taken = await parts.enrolling.add(series, PersonRow(address=ANA), terms)
        assert (taken.fate, taken.why) == (Fate.SUPPRESSED, Reason.BOUNCE)
    clock.advance_to(clock.now() + DAY)
    await mail_in(parts, letter(ANA.mailbox, SERIES.address, "subscribe"))
    await send_all(parts)
    to = str(mails(parts.config.outbound.maildir)[-1]["Reply-To"])
    assert (await mail_in(parts, letter(ANA.mailbox, to), to)).word == "confirmed"
    assert (await now_of(parts, ana)).state is State.ACTIVE
    taken = await parts.enrolling.add(OTHER, PersonRow(address=ANA), terms)
    assert taken.fate is Fate.ADDED
    # What came back before they returned is over.
    clock.advance_to(clock.now() + DAY)
    assert (await report(parts, await send_one(parts, ana))).word == "bounce: hard 5.1.1"


# --- refused while we hand it over ---


async def test_a_recipient_refused_on_two_days_and_in_the_test_is_removed_too(
    migrated_url: str, tmp_path: Path, sink: Sink
) -> None:
    async with opened(migrated_url, tmp_path) as (parts, clock):
        ana, bob = await subscribed(parts), await subscribed(parts, BOB)
        sink.trouble(Phase.RCPT, matching="ana@", reply="550 5.1.1 No such user here")
        settings = Outbound(host=sink.host, port=sink.port, security=Security.NONE)
        transport = make_transport(settings, hostname="test")
        dispatch = parts.dispatch(transport, node="test", jitter=lambda: 0.0)
        decided = []
        for day in (1, 2):
            clock.advance_to(NOON + day * DAY)
            for reader in (ana, bob):
                await queue_one(parts, reader)
            await dispatch.drain()
            assert await parts.refusals.catch_up() == 1
            decided.append([row.template for row in await queued(parts) if row.state == "queued"])
        assert decided == [[], ["probe"]]
        await dispatch.drain()
        assert await parts.refusals.catch_up() == 1
        assert await parts.refusals.catch_up() == 0
        assert (await now_of(parts, ana)).state is State.BOUNCED
        assert (await now_of(parts, bob)).state is State.ACTIVE
        assert await noted(parts) == [("hard", "5.1.1", "refusal")] * 3
        assert (await consents(parts, ana))[-1] == (
            "left",
            "refused: 550 5.1.1 No such user here",
        )
        assert [row.kind for row in await queued(parts) if row.state == "failed"] == [
            "welcome",
            "welcome",
            "probe",
        ]


async def test_a_refusal_for_policy_is_noted_and_counts_nothing(
    parts: Parts, clock: VirtualClock, sink: Sink
) -> None:
    ana = await subscribed(parts)
    sink.trouble(Phase.RCPT, reply="550 5.7.1 Client host blocked using a list")
    settings = Outbound(host=sink.host, port=sink.port, security=Security.NONE)
    transport = make_transport(settings, hostname="test")
    dispatch = parts.dispatch(transport, node="test", jitter=lambda: 0.0)
    for day in (1, 2, 3):
        clock.advance_to(NOON + day * DAY)
        await queue_one(parts, ana)
        await dispatch.drain()
        assert await parts.refusals.catch_up() == 0
    assert await noted(parts) == [("block", "5.7.1", "refusal")] * 3
    assert await templates(parts) == ["welcome"] * 3


async def test_a_refused_mail_reported_as_well_counts_once(
    parts: Parts, clock: VirtualClock, sink: Sink
) -> None:
    ana = await subscribed(parts)
    await queue_one(parts, ana)
    sink.trouble(Phase.RCPT, reply="550 5.1.1 No such user here")
    settings = Outbound(host=sink.host, port=sink.port, security=Security.NONE)
    transport = make_transport(settings, hostname="test")
    await parts.dispatch(transport, node="test", jitter=lambda: 0.0).drain()
    (mail_from,) = [line for _, line in sink.commands if line.upper().startswith(b"MAIL")]
    path = mail_from.split(b"<")[1].split(b">")[0].decode()
    assert (await report(parts, path)).word == "bounce: known before"
    assert await noted(parts) == [("hard", "5.1.1", "refusal")]


async def test_a_report_takes_the_same_number_of_statements_however_long_the_history(
    postgres_url: str, tmp_path: Path
) -> None:
    async with opened(postgres_url, tmp_path) as (parts, _):
        ana = await subscribed(parts)
        counted = []
        for mails_before in (0, 30):
            for _ in range(mails_before):
                await queue_one(parts, ana)
            path = await send_one(parts, ana)
            counted.append(await statements(parts, report(parts, path, number=mails_before)))
            counted.append(await statements(parts, report(parts, path, number=mails_before + 1)))
        # First of a mail: journal, author, mail, bounce, count, person, subscriptions, mails, done.
        assert counted == [9, 5, 9, 5]


async def statements(parts: Parts, work: Awaitable[object]) -> int:
    """How many reach the database; of PostgreSQL, where each passes this event."""
    found: list[str] = []
    engine = parts.store._writer.sync_engine

    def note(_c, _cur, statement, *_: object) -> None:  # type: ignore[no-untyped-def]
        found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    await work
    event.remove(engine, "before_cursor_execute", note)
    return len([one for one in found if not one.startswith("BEGIN")])
