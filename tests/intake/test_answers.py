"""Commands that change preferences or ask for something: who is believed, and what is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from mailer.config.model import Limits, Operator
from mailer.intake.context import Asker
from mailer.message import incoming
from mailer.message.command import Channel, SetLanguage
from mailer.parts import Parts
from mailer.store import journal, people, registration
from scheduler.clock import VirtualClock
from tests.outbox_reader import mails, queued, templates, text
from tests.world import (
    ANA,
    NOON,
    SERIES,
    letter,
    mail_in,
    opened,
    scheduled,
    send_all,
    subscribed,
)

TO = SERIES.address
SOON = datetime(2026, 10, 11, 13, 0)  # noqa: DTZ001 - wall clock


async def person(parts: Parts) -> people.Subscription:
    found = await parts.store.read(lambda c: people.find(c, SERIES.id, ANA.key))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("subject", "template"),
    [
        ("help", "reply-help"),
        ("aide", "reply-help"),
        ("status", "reply-status"),
        ("programme", "reply-programme"),
    ],
)
async def test_a_question_is_answered_to_anybody(parts: Parts, subject: str, template: str) -> None:
    await mail_in(parts, letter("ana@example.net", TO, subject))
    assert await templates(parts) == [template]
    assert await send_all(parts) == 1
    assert [row.state for row in await queued(parts)] == ["sent"]


async def test_an_answer_is_in_the_language_of_the_question(parts: Parts) -> None:
    await mail_in(parts, letter("ana@example.net", TO, "aide"))
    assert [row.language for row in await queued(parts)] == ["fr"]


@pytest.mark.parametrize("subject", ["language fr", "timezone America/New_York", "resume"])
async def test_a_from_line_alone_changes_no_preference_but_a_reply_to_our_answer_does(
    parts: Parts, subject: str
) -> None:
    before = await subscribed(parts)
    assert (await mail_in(parts, letter("ana@example.net", TO, subject))).word == "asked to prove"
    assert await person(parts) == before
    await send_all(parts)
    (answer,) = mails(parts.config.outbound.maildir)
    to = str(answer["Reply-To"])
    assert to.startswith("webinars+preferences-")
    reply = letter("ana@example.net", to, f"Re: {answer['Subject']}")
    assert (await mail_in(parts, reply, to)).word == "changed"
    after = await person(parts)
    if subject != "resume":
        assert (after.language, after.timezone) != (before.language, before.timezone)


async def test_a_pause_lasts_until_midnight_in_the_readers_zone(parts: Parts) -> None:
    ana = await subscribed(parts)
    await mail_in(parts, letter("ana@example.net", TO, "pause 2026-12-24"))
    await send_all(parts)
    to = str(mails(parts.config.outbound.maildir)[0]["Reply-To"])
    await mail_in(parts, letter("ana@example.net", to, "pause 2026-12-24"), to)
    found = await person(parts)
    assert found.paused_until is not None
    assert found.paused_until.isoformat() == "2026-12-23T23:00:00+00:00"
    assert ana.paused_until is None


async def test_a_subscribers_own_words_go_to_the_organisers_with_their_mail(parts: Parts) -> None:
    await subscribed(parts)
    content = letter("ana@example.net", TO, "The recording", "Where can I find the last one?")
    assert (await mail_in(parts, content)).word == "forwarded"
    await send_all(parts)
    forwarded, answer = sorted(
        mails(parts.config.outbound.maildir), key=lambda mail: str(mail["To"]), reverse=True
    )
    assert str(forwarded["To"]) == "organiser@example.org"
    (attached,) = list(forwarded.iter_attachments())
    assert b"Where can I find the last one?" in attached.as_bytes()
    assert str(answer["To"]) == "ana@example.net"


async def test_a_question_in_the_subject_alone_is_not_swallowed(parts: Parts) -> None:
    await subscribed(parts)
    content = letter("ana@example.net", TO, "Where can I find the recording?")
    assert (await mail_in(parts, content)).word == "forwarded"


async def test_an_empty_mail_of_a_subscriber_is_answered_that_they_are_one(parts: Parts) -> None:
    await subscribed(parts)
    assert (await mail_in(parts, letter("ana@example.net", TO))).word == "already subscribed"


async def test_a_strangers_long_text_is_a_wish_and_reaches_the_organisers(parts: Parts) -> None:
    content = letter("ana@example.net", TO, "Hello", "word " * 41)
    assert (await mail_in(parts, content)).word == "asked to confirm"
    assert await templates(parts) == ["forward", "confirmation"]


FORGED = "Authentication-Results: mx.example.org; dmarc=fail header.from=example.net"
DOUBTFUL = pytest.mark.parametrize(
    ("field", "doubt"), [("X-Spam-Flag: YES", "spam"), (FORGED, "authentication")]
)


async def doubtful(parts: Parts, subject: str, body: str, field: str) -> str:
    """What became of a mail that a server before us doubts."""
    content = letter("ana@example.net", TO, subject, body, field)
    mail = incoming.read(
        content, sender="ana@example.net", authserv_id="mx.example.org", own=frozenset()
    )
    recipient = parts.intake.route(TO)
    assert recipient is not None
    return (await parts.intake.take(mail, recipient, address=TO, source="test")).word


@DOUBTFUL
async def test_a_strangers_long_text_in_doubt_is_passed_on_without_an_answer(
    parts: Parts, field: str, doubt: str
) -> None:
    assert await doubtful(parts, "Hello", "word " * 41, field) == "forwarded"
    assert await templates(parts) == ["forward"]
    assert await parts.store.read(lambda c: people.find(c, SERIES.id, ANA.key)) is None


@DOUBTFUL
async def test_a_strangers_short_text_in_doubt_is_ignored(
    parts: Parts, field: str, doubt: str
) -> None:
    assert await doubtful(parts, "Hello", "Please add me", field) == f"ignored: {doubt}"
    assert await templates(parts) == []


@DOUBTFUL
async def test_a_subscribers_words_in_doubt_are_passed_on_without_an_answer(
    parts: Parts, field: str, doubt: str
) -> None:
    await subscribed(parts)
    assert await doubtful(parts, "The recording", "Where is it?", field) == "forwarded"
    assert await doubtful(parts, "", "", field) == f"ignored: {doubt}"
    assert await templates(parts) == ["forward"]


@pytest_asyncio.fixture
async def unattended(tmp_path: Path) -> AsyncIterator[Parts]:
    """A series without organisers, at somebody without an operator."""
    series = replace(SERIES, organisers=())
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, series) as (parts, _):
        yield parts


@pytest.mark.parametrize("to", [TO, "webinars+owner@lists.example.org"])
async def test_where_nobody_looks_after_the_series_a_mail_is_kept_and_nothing_is_claimed(
    unattended: Parts, to: str, caplog: pytest.LogCaptureFixture
) -> None:
    await subscribed(unattended)
    content = letter("ana@example.net", to, "The recording", "Where can I find the last one?")
    outcome = await mail_in(unattended, content, to)
    assert outcome.word == "kept: nobody to forward to"
    assert await templates(unattended) == []
    blob_id = outcome.blob_id
    assert blob_id is not None
    assert await unattended.store.read(lambda c: journal.content(c, blob_id)) == content
    (error,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert isinstance(error.msg, dict)
    assert error.msg["action"] == "mail.unforwarded"
    assert "@" not in "".join(str(value) for key, value in error.msg.items() if key[0] != "_")


async def test_the_operator_stands_in_where_there_are_no_organisers(unattended: Parts) -> None:
    config = replace(unattended.config, operator=Operator(address="operator@example.org"))
    object.__setattr__(unattended.intake, "_config", config)
    await subscribed(unattended)
    content = letter("ana@example.net", TO, "The recording", "Where can I find the last one?")
    assert (await mail_in(unattended, content)).word == "forwarded"
    assert [row.recipient for row in await queued(unattended)][:1] == ["operator@example.org"]


@pytest.mark.parametrize(
    "subject",
    [
        "unsubscribe webinars",
        "unsubscribe webinars@lists.example.org",
        "unsubscribe Copyright Infrastructure Webinars",
        "désabonner de Copyright Infrastructure Webinars",
    ],
)
async def test_the_series_may_be_named_as_people_know_it(parts: Parts, subject: str) -> None:
    await subscribed(parts)
    assert (await mail_in(parts, letter("ana@example.net", TO, subject))).word == "unsubscribed"


async def test_answers_to_one_address_end_at_the_limit_and_begin_again_a_day_later(
    parts: Parts, clock: VirtualClock
) -> None:
    for number in range(15):
        await mail_in(parts, letter("ana@example.net", TO, "help", f"copy {number}"))
    assert await templates(parts) == ["reply-help"] * 10
    clock.advance_to(NOON + timedelta(days=1, minutes=6))
    await mail_in(parts, letter("ana@example.net", TO, "help", "tomorrow"))
    assert len(await templates(parts)) == 11


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(answers_per_domain_per_hour=5), 5),
        (Limits(answers_per_hour=7), 7),
        (Limits(answers_per_domain_per_hour=0, answers_per_hour=0), 20),
    ],
)
async def test_forged_help_mails_from_many_addresses_are_answered_up_to_the_limit(
    parts: Parts, limits: Limits, expected: int
) -> None:
    object.__setattr__(parts, "config", replace(parts.config, limits=limits))
    for number in range(20):
        await mail_in(parts, letter(f"victim{number}@example.com", TO, "help"))
    assert len(await templates(parts)) == expected


async def test_registration_elsewhere_is_answered_with_the_link_once_it_is_proven(
    parts: Parts,
) -> None:
    await subscribed(parts)
    webinar = await scheduled(parts, SOON)
    asked = letter("ana@example.net", TO, f"register {webinar.number}")
    assert (await mail_in(parts, asked)).word == "asked to prove"
    await send_all(parts)
    to = str(mails(parts.config.outbound.maildir)[0]["Reply-To"])
    again = letter("ana@example.net", to, f"register {webinar.number}")
    assert (await mail_in(parts, again, to)).word == "registered"
    await send_all(parts)
    assert webinar.registration_url in text(mails(parts.config.outbound.maildir)[-1])


async def test_skipping_a_webinar_is_noted(parts: Parts) -> None:
    await subscribed(parts)
    webinar = await scheduled(parts, SOON)
    await mail_in(parts, letter("ana@example.net", TO, f"skip {webinar.number}"))
    await send_all(parts)
    to = str(mails(parts.config.outbound.maildir)[0]["Reply-To"])
    await mail_in(parts, letter("ana@example.net", to, f"skip {webinar.number}"), to)
    found = await parts.store.read(lambda c: registration.listing(c, webinar_id=webinar.id))
    assert [(one.address, one.state.value) for one in found] == [("ana@example.net", "declined")]


async def test_a_number_that_is_no_webinar_is_said(parts: Parts) -> None:
    await subscribed(parts)
    await mail_in(parts, letter("ana@example.net", TO, "register 99"))
    assert await templates(parts) == ["reply-no-webinar"]


@pytest.mark.parametrize(
    "address",
    ["webinars", "webinars+subscribe", "webinars+help", "webinars-programme", "webinars+owner"],
)
async def test_a_mail_without_sender_is_never_answered(parts: Parts, address: str) -> None:
    to = f"{address}@lists.example.org"
    await mail_in(parts, letter("ana@example.net", to, "help"), to, sender="")
    assert await templates(parts) == []


async def test_every_mail_that_is_sent_to_a_stranger_can_be_made(parts: Parts) -> None:
    for subject in (
        "subscribe",
        "unsubscribe",
        "help",
        "status",
        "programme",
        "register 1",
        "resume",
    ):
        await mail_in(parts, letter(f"{subject.split()[0]}@example.net", TO, subject))
    await send_all(parts)
    assert {row.state for row in await queued(parts)} == {"sent"}


async def test_who_writes_in_a_persons_name_does_not_silence_what_is_proven_theirs(
    parts: Parts,
) -> None:
    await subscribed(parts)
    limit = parts.config.limits.answers_per_address_per_day
    for number in range(limit + 2):
        await mail_in(parts, letter("ana@example.net", SERIES.address, "help", f"{number}"))
    assert len(await templates(parts)) == limit
    unproven = await mail_in(parts, letter("ana@example.net", SERIES.address, "language fr"))
    assert unproven.word == "not asked to prove: held back by a limit"
    ana = Asker(address=ANA, channel=Channel.MAIL, proven=True)
    for _ in range(limit + 2):
        await parts.intake.command(SERIES, ana, SetLanguage(language="fr"))
    assert (await templates(parts))[limit:] == ["reply-language"] * limit
