"""Consent: who becomes a subscriber by which mails, and who does not."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import pytest

from mailer.parts import Parts
from mailer.store import people
from mailer.store.people import Act, State
from scheduler.clock import VirtualClock
from tests.outbox_reader import mails, queued, templates, text
from tests.world import ANA, SERIES, letter, mail_in, send_all, subscribed

TO = SERIES.address


async def state(parts: Parts) -> State | None:
    found = await parts.store.read(lambda c: people.find(c, SERIES.id, ANA.key))
    return None if found is None else found.state


async def acts(parts: Parts) -> list[Act]:
    found = await parts.store.read(lambda c: people.find(c, SERIES.id, ANA.key))
    assert found is not None
    return [one.act for one in await parts.store.read(lambda c: people.consents(c, found.id))]


async def confirmation(parts: Parts, content: bytes | None = None) -> EmailMessage:
    """The confirmation request that a subscribe mail leads to."""
    await mail_in(parts, content or letter("ana@example.net", TO, "subscribe"))
    await send_all(parts)
    return mails(parts.config.outbound.maildir)[-1]


async def reply(parts: Parts, to: EmailMessage, subject: str = "Re: x", *fields: str) -> str:
    content = letter("ana@example.net", str(to["Reply-To"]), subject, "", *fields)
    return (await mail_in(parts, content, str(to["Reply-To"]))).word


@pytest.mark.parametrize(
    ("subject", "body"),
    [("", ""), ("subscribe", ""), ("", "s'abonner"), ("Hello", "Please add me"), ("订阅", "")],
)
async def test_a_stranger_is_asked_once_and_a_reply_makes_them_a_subscriber(
    parts: Parts, subject: str, body: str
) -> None:
    request = await confirmation(parts, letter("ana@example.net", TO, subject, body))
    assert await state(parts) is State.PENDING
    assert await reply(parts, request) == "confirmed"
    assert await state(parts) is State.ACTIVE
    assert await acts(parts) == [Act.ASKED, Act.CONFIRMED]
    assert [row.kind for row in await queued(parts)] == ["confirmation", "welcome"]


@pytest.mark.parametrize(
    ("subject", "fields"),
    [
        ("Automatic reply: Please confirm", ("Auto-Submitted: auto-replied",)),
        ("Out of office: Please confirm", ()),
        ("Abwesenheitsnotiz: Please confirm", ()),
        ("Re: Please confirm", ("X-Auto-Response-Suppress: All",)),
        ("Re: Please confirm", ("Precedence: bulk",)),
    ],
)
async def test_a_machine_confirms_nothing_and_gets_no_answer(
    parts: Parts, subject: str, fields: tuple[str, ...]
) -> None:
    request = await confirmation(parts)
    assert (await reply(parts, request, subject, *fields)).startswith("ignored: ")
    assert await state(parts) is State.PENDING
    assert await templates(parts) == ["confirmation"]


async def test_a_plain_yes_to_the_series_confirms_if_it_answers_our_own_mail(parts: Parts) -> None:
    request = await confirmation(parts)
    yes = letter("ana@example.net", TO, "ok", "", f"In-Reply-To: {request['Message-ID']}")
    assert (await mail_in(parts, yes)).word == "confirmed"


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("", ""),
        ("Re: Please confirm", ""),
        ("Re: Please confirm", "Yes, that was me, I look forward to it."),
        ("Re: Please confirm", "subscribe"),
    ],
)
@pytest.mark.parametrize("field", ["In-Reply-To: {}", "References: <other@example.net> {}"])
async def test_any_reply_to_our_request_confirms_though_it_came_to_the_series(
    parts: Parts, subject: str, body: str, field: str
) -> None:
    request = await confirmation(parts)
    told = field.format(request["Message-ID"])
    assert (await mail_in(parts, letter("ana@example.net", TO, subject, body, told))).word == (
        "confirmed"
    )
    assert await state(parts) is State.ACTIVE
    assert await templates(parts) == ["confirmation", "welcome"]


async def test_a_long_reply_to_our_request_confirms_and_reaches_the_organisers(
    parts: Parts,
) -> None:
    request = await confirmation(parts)
    told = f"In-Reply-To: {request['Message-ID']}"
    content = letter("ana@example.net", TO, "Re: x", "word " * 41, told)
    assert (await mail_in(parts, content)).word == "confirmed"
    assert await templates(parts) == ["confirmation", "forward", "welcome"]


@pytest.mark.parametrize(
    "field",
    ["Auto-Submitted: auto-replied", "Precedence: bulk", "X-Spam-Flag: YES"],
)
async def test_no_machine_and_no_spam_confirms_by_a_reply_to_the_series(
    parts: Parts, field: str
) -> None:
    request = await confirmation(parts)
    told = f"In-Reply-To: {request['Message-ID']}"
    content = letter("ana@example.net", TO, "Re: x", "I am away.", told, field)
    assert (await mail_in(parts, content)).word.startswith("ignored: ")
    assert await state(parts) is State.PENDING


async def test_a_reply_to_the_request_of_somebody_else_confirms_nobody(parts: Parts) -> None:
    request = await confirmation(parts)
    told = f"In-Reply-To: {request['Message-ID']}"
    content = letter("bob@example.com", TO, "Re: x", "Yes, that was me.", told)
    assert (await mail_in(parts, content)).word == "asked to confirm"
    assert await state(parts) is State.PENDING


async def test_a_late_reply_to_our_request_is_asked_anew(parts: Parts, clock: VirtualClock) -> None:
    request = await confirmation(parts)
    clock.advance_to(clock.now() + timedelta(days=8))
    told = f"In-Reply-To: {request['Message-ID']}"
    content = letter("ana@example.net", TO, "Re: x", "Yes, that was me.", told)
    assert (await mail_in(parts, content)).word == "asked to confirm"
    assert await templates(parts) == ["confirmation", "confirmation"]


async def test_a_plain_yes_that_answers_nothing_of_ours_confirms_nothing(parts: Parts) -> None:
    await confirmation(parts)
    yes = letter("ana@example.net", TO, "ok", "", "In-Reply-To: <other@example.net>")
    assert (await mail_in(parts, yes)).word == "asked to confirm before"
    assert await state(parts) is State.PENDING


async def test_the_token_decides_who_is_meant_not_from(parts: Parts) -> None:
    request = await confirmation(parts)
    to = str(request["Reply-To"])
    await mail_in(parts, letter("somebody@example.com", to), to)
    assert await state(parts) is State.ACTIVE


async def test_a_second_copy_of_each_mail_changes_nothing(parts: Parts) -> None:
    first = letter("ana@example.net", TO, "subscribe")
    request = await confirmation(parts, first)
    assert (await mail_in(parts, first)).word == "seen before"
    to = str(request["Reply-To"])
    second = letter("ana@example.net", to, "Re: Please confirm")
    assert (await mail_in(parts, second, to)).word == "confirmed"
    assert (await mail_in(parts, second, to)).word == "seen before"
    assert await templates(parts) == ["confirmation", "welcome"]


async def test_a_hundred_subscribe_mails_in_an_hour_make_one_confirmation(parts: Parts) -> None:
    for number in range(100):
        await mail_in(parts, letter("ana@example.net", TO, "subscribe", f"copy {number}"))
    assert await templates(parts) == ["confirmation"]


async def test_a_victim_gets_three_confirmations_a_day_at_most(
    parts: Parts, clock: VirtualClock
) -> None:
    for number in range(23):
        await mail_in(parts, letter("ana@example.net", TO, "subscribe", f"copy {number}"))
        clock.advance_to(clock.now() + timedelta(hours=1, seconds=1))
    assert await templates(parts) == ["confirmation"] * 3


async def test_after_never_again_nobody_can_make_us_ask_for_a_month(
    parts: Parts, clock: VirtualClock
) -> None:
    request = await confirmation(parts)
    to = str(request["List-Unsubscribe"]).strip("<>").removeprefix("mailto:")
    assert (await mail_in(parts, letter("ana@example.net", to), to)).word == "unsubscribed"
    clock.advance_to(clock.now() + timedelta(days=29))
    again = letter("ana@example.net", TO, "subscribe", "again")
    assert (await mail_in(parts, again)).word == "declined before"
    clock.advance_to(clock.now() + timedelta(days=2))
    later = letter("ana@example.net", TO, "subscribe", "much later")
    assert (await mail_in(parts, later)).word == "asked to confirm"


async def test_an_expired_token_confirms_nothing_and_gets_one_kind_answer(
    parts: Parts, clock: VirtualClock
) -> None:
    request = await confirmation(parts)
    clock.advance_to(clock.now() + timedelta(days=8))
    assert await reply(parts, request) == "expired token"
    assert await state(parts) is State.PENDING
    assert await templates(parts) == ["confirmation", "reply-expired"]


async def test_unsubscribing_ends_it_at_once_with_one_farewell_that_offers_the_way_back(
    parts: Parts,
) -> None:
    await subscribed(parts)
    assert (await mail_in(parts, letter("ana@example.net", TO, "unsubscribe"))).word == (
        "unsubscribed"
    )
    assert await state(parts) is State.UNSUBSCRIBED
    await send_all(parts)
    (farewell,) = mails(parts.config.outbound.maildir)
    assert farewell["Reply-To"] is None
    (undo,) = [word for word in text(farewell).split() if "+confirm-" in word]
    assert (await mail_in(parts, letter("ana@example.net", undo), undo)).word == "confirmed"
    assert await state(parts) is State.ACTIVE
    assert await acts(parts) == [Act.LEFT, Act.RETURNED]


@pytest.mark.parametrize(
    "word", ["unsubscribe", "se désabonner", "baja", "отписаться", "إلغاء الاشتراك", "退订"]
)
async def test_unsubscribe_works_in_every_un_language(parts: Parts, word: str) -> None:
    await subscribed(parts)
    await mail_in(parts, letter("ana@example.net", TO, word))
    assert await state(parts) is State.UNSUBSCRIBED
    assert await templates(parts) == ["farewell"]


async def test_the_unsubscribe_button_acts_without_an_answer_and_twice_is_once(
    parts: Parts,
) -> None:
    ana = await subscribed(parts)
    token = parts.secrets.mint.mint(
        parts.intake.route(f"webinars+unsubscribe-{'a' * 26}@lists.example.org").purpose,  # type: ignore[union-attr]
        subject=ana.id,
        day=parts.clock.now().date(),
    )
    to = f"webinars+unsubscribe-{token}@lists.example.org"
    button = letter("daemon@example.com", to, "unsubscribe", "", "Auto-Submitted: auto-generated")
    assert (await mail_in(parts, button, to, sender="")).word == "unsubscribed"
    again = letter("daemon@example.com", to, "unsubscribe", "again")
    assert (await mail_in(parts, again, to)).word == "unsubscribed before"
    assert await templates(parts) == []


async def test_an_old_confirmation_does_not_bring_back_who_left(parts: Parts) -> None:
    request = await confirmation(parts)
    await reply(parts, request)
    await mail_in(parts, letter("ana@example.net", TO, "unsubscribe"))
    assert await reply(parts, request, "Re: again") == "expired token"
    assert await state(parts) is State.UNSUBSCRIBED


async def test_a_subscriber_who_subscribes_again_is_told_so(parts: Parts) -> None:
    await subscribed(parts)
    await mail_in(parts, letter("ana@example.net", TO, "subscribe"))
    assert await templates(parts) == ["reply-already-subscribed"]


async def test_who_is_not_subscribed_and_leaves_is_told_so(parts: Parts) -> None:
    await mail_in(parts, letter("ana@example.net", TO, "unsubscribe"))
    assert await templates(parts) == ["reply-not-subscribed"]


async def test_leaving_stops_what_is_queued_already(parts: Parts) -> None:
    ana = await subscribed(parts)
    await mail_in(parts, letter("ana@example.net", TO, "subscribe"))
    await send_all(parts)
    assert ana.state is State.ACTIVE
    await mail_in(parts, letter("ana@example.net", TO, "unsubscribe"))
    assert [row.state for row in await queued(parts)] == ["sent", "queued"]
