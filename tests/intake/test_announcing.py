"""Organisers announce by mail: preview, approval, another text, a no; and what forgers reach."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import pytest_asyncio

from mailer.config.model import Approval, Inbound
from mailer.files.draft import WebinarDraft
from mailer.intake import editing
from mailer.parts import Parts, open_parts
from mailer.store import approval, written
from mailer.store.announcement import State
from mailer.store.written import Written
from scheduler.clock import VirtualClock
from scheduler.model import Audience
from tests.outbox_reader import mails, text
from tests.world import (
    ANA,
    BOB,
    NOON,
    SERIES,
    letter,
    mail_in,
    make_config,
    make_sqlite,
    opened,
    scheduled,
    send_all,
    subscribed,
)

ANNOUNCE = "webinars+announce@lists.example.org"
ADA, BO = "ada@example.org", "bo@example.org"
TWO = replace(SERIES, organisers=(ADA, BO))
OTHER = replace(TWO, approval=Approval.OTHER)
PREVIEW, DECIDED = "reply-preview", "reply-announcement"
WALL = datetime(2026, 11, 25, 13)  # noqa: DTZ001 - by the clock on the wall
BODY = "Dear all,\r\n\r\nour next series starts in **January**."


@pytest_asyncio.fixture
async def world(migrated_url: str, tmp_path: Path) -> AsyncIterator[tuple[Parts, VirtualClock]]:
    async with opened(migrated_url, tmp_path, TWO) as world:
        yield world


@pytest_asyncio.fixture
async def parts(world: tuple[Parts, VirtualClock]) -> Parts:
    await subscribed(world[0], ANA)
    await subscribed(world[0], BOB)
    return world[0]


@pytest_asyncio.fixture
async def other(migrated_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    async with opened(migrated_url, tmp_path, OTHER) as (parts, _):
        await subscribed(parts, ANA)
        yield parts


async def write(parts: Parts, author: str = ADA, body: str = BODY, *fields: str) -> str:
    mail = letter(author, ANNOUNCE, "News", body, *fields)
    return (await mail_in(parts, mail, ANNOUNCE, sender=author)).word


async def answer(
    parts: Parts, to: str, body: str = "", subject: str = "Re: News", author: str = ADA
) -> str:
    fields = ("In-Reply-To: <preview@lists.example.org>",)
    return (await mail_in(parts, letter(author, to, subject, body, *fields), to)).word


async def sent(parts: Parts) -> list[EmailMessage]:
    """What goes out now, with what went out before, in that order."""
    await parts.planner.tick()
    await send_all(parts)
    return mails(parts.config.outbound.maildir)


def token_address(message: EmailMessage) -> str:
    address = str(message["Reply-To"])
    assert re.fullmatch(r"webinars\+approve-[a-z2-7]{26}@lists\.example\.org", address)
    assert address in text(message).replace("\n", "")
    return address


async def item(parts: Parts, number: int = 1) -> Written:
    found = await parts.store.read(lambda c: written.by_id(c, number))
    assert found is not None
    return found


async def acts(parts: Parts, number: int = 1) -> list[tuple[str, str]]:
    found = await parts.store.read(lambda c: written.deeds(c, number))
    return [(one.who, one.act) for one in found]


async def test_an_organiser_gets_the_preview_and_approves_by_an_empty_mail(parts: Parts) -> None:
    assert await write(parts) == "announcement 1 waits for approval"
    (preview,) = await sent(parts)
    assert (preview["To"], preview["Subject"]) == (ADA, "Please approve: News")
    assert "Recipients: 2 now" in text(preview)
    assert "our next series starts in January." in text(preview)
    assert (await item(parts)).state is State.WAITING

    assert await answer(parts, token_address(preview)) == "announcement 1 approved"
    _, decided, *copies = await sent(parts)
    assert (decided["To"], decided["Subject"]) == (ADA, "Approved: News")
    assert sorted(str(one["To"]) for one in copies) == [BOB.mailbox, ANA.mailbox]
    assert [one["Subject"] for one in copies] == ["News", "News"]
    assert all("our next series starts in January." in text(one) for one in copies)
    assert await acts(parts) == [(ADA, "queued"), (ADA, "approved")]
    assert (await item(parts)).state is State.DONE


async def test_it_goes_out_at_its_time_and_not_before(
    world: tuple[Parts, VirtualClock], parts: Parts
) -> None:
    await write(parts, ADA, f"at: 2026-10-02 09:00\r\n\r\n{BODY}")
    (preview,) = await sent(parts)
    assert "Goes out: Friday, 2 October 2026, 09:00 Zurich time" in text(preview)
    await answer(parts, token_address(preview), "approve")
    assert len(await sent(parts)) == 2
    world[1].advance_to(datetime.fromisoformat("2026-10-02T06:59:59+00:00"))
    assert len(await sent(parts)) == 2
    world[1].advance_to(datetime.fromisoformat("2026-10-02T07:00:00+00:00"))
    assert len(await sent(parts)) == 4


async def test_who_subscribes_before_it_goes_out_gets_it_too(parts: Parts) -> None:
    await write(parts)
    (preview,) = await sent(parts)
    carol = replace(ANA, key="carol@example.net", mailbox="carol@example.net")
    await subscribed(parts, carol)
    await answer(parts, token_address(preview))
    assert len(await sent(parts)) == 2 + 3


async def test_nobody_approves_what_is_not_sent(
    world: tuple[Parts, VirtualClock], parts: Parts
) -> None:
    await write(parts)
    (preview,) = await sent(parts)
    world[1].advance_to(NOON + timedelta(days=7, seconds=1))
    await sent(parts)
    found = await item(parts)
    assert (found.state, found.reason) == (State.EXPIRED, "nobody approved it in time")
    assert await answer(parts, token_address(preview)) == "announcement 1 ended"
    assert "is too late" in text((await sent(parts))[-1])


async def test_another_text_takes_its_place_and_voids_the_old_token(parts: Parts) -> None:
    await write(parts)
    (first,) = await sent(parts)
    body = "A better text.\r\n\r\nOn Thu, 1 Oct 2026, Talks wrote:\r\n> Dear all,\r\n"
    assert await answer(parts, token_address(first), body) == (
        "announcement 1 changed, waits for approval"
    )
    _, second = await sent(parts)
    assert token_address(second) != token_address(first)
    assert "A better text." in text(second)
    assert "Dear all" not in text(second)
    assert (await item(parts)).content == "A better text."
    assert (await item(parts)).subject == "News"

    assert await answer(parts, token_address(first), "approve") == "announcement 1 void"
    assert await answer(parts, token_address(first), "drop it") == "announcement 1 void"
    assert await answer(parts, token_address(first), "a third text") == "announcement 1 void"
    assert (await item(parts)).state is State.WAITING
    assert await answer(parts, token_address(second), "ok") == "announcement 1 approved"
    copies = (await sent(parts))[-2:]
    assert all("A better text." in text(one) for one in copies)
    assert await acts(parts) == [(ADA, "queued"), (ADA, "edited"), (ADA, "approved")]


async def test_another_text_may_say_another_time_and_subject(parts: Parts) -> None:
    await write(parts)
    (first,) = await sent(parts)
    await answer(parts, token_address(first), "subject: Old news\r\nat: 2026-10-05 10:00\r\n\r\nx")
    found = await item(parts)
    assert (found.subject, found.due_at.isoformat()) == ("Old news", "2026-10-05T08:00:00+00:00")


async def test_an_approved_text_is_not_changed_by_an_answer(parts: Parts) -> None:
    await write(parts, ADA, f"at: 2026-10-02 09:00\r\n\r\n{BODY}")
    (first,) = await sent(parts)
    await answer(parts, token_address(first), "approve")
    await answer(parts, token_address(first), "I am away until Monday")
    assert (await item(parts)).state is State.PLANNED
    assert (await item(parts)).version == 1
    told = (await sent(parts))[-1]
    assert "it does not wait for approval any more" in text(told).replace("\n", " ")


async def test_a_program_that_answers_everything_is_not_answered_for_ever(parts: Parts) -> None:
    await write(parts)
    for number in range(15):
        to = str((await sent(parts))[-1]["Reply-To"])
        await answer(parts, to, f"I am away, {number}")
    # One for what anybody could have written, ten for what its token proves to be the organiser's.
    assert len(await sent(parts)) == 1 + 10


async def test_it_is_dropped_by_a_word(parts: Parts) -> None:
    await write(parts)
    (preview,) = await sent(parts)
    assert await answer(parts, token_address(preview), "drop") == "announcement 1 dropped"
    assert (await item(parts)).state is State.CANCELLED
    assert await answer(parts, token_address(preview), "approve") == "announcement 1 ended"
    assert [one["Subject"] for one in await sent(parts)] == [
        "Please approve: News",
        "Dropped: News",
        "Not changed: News",
    ]
    assert await acts(parts) == [(ADA, "queued"), (ADA, "dropped")]


async def test_it_is_stopped_while_it_goes_out(parts: Parts) -> None:
    await write(parts)
    (preview,) = await sent(parts)
    await answer(parts, token_address(preview), "approve")
    await parts.planner.tick()  # queued, and not yet sent
    assert await answer(parts, token_address(preview), "stop") == "announcement 1 dropped"
    assert [one["Subject"] for one in (await sent(parts))[1:]] == [
        "Approved: News",
        "Dropped: News",
    ]
    assert await acts(parts) == [(ADA, "queued"), (ADA, "approved"), (ADA, "cancelled")]


async def test_approving_twice_sends_once(parts: Parts) -> None:
    await write(parts)
    (preview,) = await sent(parts)
    await answer(parts, token_address(preview), "approve")
    assert len(await sent(parts)) == 4
    assert await answer(parts, token_address(preview), "yes") == "announcement 1 already"
    assert len(await sent(parts)) == 5


async def test_faults_come_back_with_their_lines(parts: Parts) -> None:
    word = await write(parts, ADA, "at: yesterday\r\naudience: everybody\r\n\r\nx")
    assert word == "announcement refused: faulty text"
    (told,) = await sent(parts)
    assert (told["To"], told["Subject"]) == (ADA, "Your announcement could not be taken")
    assert "line 1, at: found 'yesterday'" in text(told)
    assert "line 2, audience: found 'everybody'" in text(told)
    assert "webinars+announce@lists.example.org" in text(told)
    assert await parts.store.read(written.waiting) == ()


async def test_a_faulty_answer_may_be_put_right_by_an_answer(parts: Parts) -> None:
    await write(parts)
    (preview,) = await sent(parts)
    await answer(parts, token_address(preview), "at: yesterday\r\n\r\nx")
    told = (await sent(parts))[-1]
    assert (await item(parts)).version == 1
    assert await answer(parts, str(told["Reply-To"]), "at: 2026-10-05 10:00\r\n\r\nx") == (
        "announcement 1 changed, waits for approval"
    )


async def test_the_same_text_again_is_the_same_announcement(parts: Parts) -> None:
    await write(parts)
    assert await write(parts, ADA, BODY + "\r\n") == "announcement 1 waits for approval"
    _, second = await sent(parts)
    await answer(parts, token_address(second), "approve")
    await sent(parts)
    assert await write(parts, ADA, "\r\n" + BODY) == "announcement 1 is there already"
    assert "is announcement 1 already, done" in text((await sent(parts))[-1]).replace("\n", " ")


async def test_attachments_are_said_to_stay_behind(parts: Parts) -> None:
    mail = letter(ADA, ANNOUNCE, "News", BODY).replace(
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nDear all\r\n--b\r\n"
        b'Content-Disposition: attachment; filename="a.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\nx\r\n--b--\r\n",
    )
    await mail_in(parts, mail, ANNOUNCE)
    (preview,) = await sent(parts)
    assert "Attachments are not sent along" in text(preview)
    assert (await item(parts)).content == "Dear all"


async def test_it_may_be_for_the_registered_of_a_webinar(parts: Parts) -> None:
    await scheduled(parts, WALL)
    body = f"audience: registered\r\nwebinar: capasso\r\n\r\n{BODY}"
    await write(parts, ADA, body)
    (preview,) = await sent(parts)
    assert "Recipients: 0 now" in text(preview)
    assert "For: who is registered for capasso" in text(preview)
    assert (await item(parts)).audience is Audience.REGISTERED


async def test_it_is_void_when_its_webinar_moves(
    world: tuple[Parts, VirtualClock], parts: Parts
) -> None:
    record = await scheduled(parts, WALL)
    await write(parts, ADA, f"webinar: capasso\r\nat: 2026-10-02 09:00\r\n\r\n{BODY}")
    (preview,) = await sent(parts)
    await answer(parts, token_address(preview), "approve")
    later = WebinarDraft(
        id="capasso",
        title=record.title,
        wall_start=WALL + timedelta(days=1),
        duration=timedelta(hours=1),
        language="en",
    )
    await parts.store.write(lambda c: editing.edit(c, TWO, "capasso", later, {"starts"}, now=NOON))
    world[1].advance_to(datetime(2026, 10, 2, 7, tzinfo=UTC))
    await sent(parts)
    found = await item(parts)
    assert (found.state, found.reason) == (State.CANCELLED, "the webinar was changed")


async def test_an_unknown_webinar_is_a_fault(parts: Parts) -> None:
    await write(parts, ADA, f"webinar: nowhere\r\n\r\n{BODY}")
    (told,) = await sent(parts)
    assert "webinar: found 'nowhere', expected the id of a webinar" in text(told)


# --- who may (S5) ---


async def test_what_a_stranger_writes_there_is_a_mail_for_the_organisers(parts: Parts) -> None:
    assert await write(parts, "mallory@example.net") == "forwarded"
    assert sorted(str(one["To"]) for one in await sent(parts)) == [ADA, BO]
    assert await parts.store.read(written.waiting) == ()


async def test_a_forged_mail_causes_one_preview_to_the_real_organiser(parts: Parts) -> None:
    await write(parts, ADA)
    (preview,) = await sent(parts)
    assert preview["To"] == ADA
    guess = "webinars+approve-" + "a" * 26 + "@lists.example.org"
    assert await answer(parts, guess, "approve", author=ADA) == "ignored: unknown token"
    assert (await item(parts)).state is State.WAITING
    assert len(await sent(parts)) == 1


async def test_a_token_decides_whoever_writes(parts: Parts) -> None:
    await write(parts)
    (preview,) = await sent(parts)
    word = await answer(parts, token_address(preview), "approve", author="phone@example.net")
    assert word == "announcement 1 approved"
    decided = (await sent(parts))[1]
    assert decided["To"] == ADA


async def test_a_token_for_something_else_approves_nothing(parts: Parts) -> None:
    await write(parts)
    (preview,) = await sent(parts)
    await answer(parts, token_address(preview), "approve")
    copy = (await sent(parts))[-1]
    token = re.search(r"unsubscribe-([a-z2-7]{26})@", str(copy["List-Unsubscribe"]))
    assert token is not None
    to = f"webinars+approve-{token[1]}@lists.example.org"
    assert await answer(parts, to, "drop") == "ignored: unknown token"


async def test_forged_mails_are_held_back_by_the_limits(parts: Parts) -> None:
    words = [await write(parts, ADA, f"text {number}") for number in range(12)]
    assert words.count("announcement held back by a limit") == 2
    assert len(await parts.store.read(written.waiting)) == 10
    assert len(await sent(parts)) == 10


async def test_an_out_of_office_answer_approves_nothing(parts: Parts) -> None:
    await write(parts)
    (preview,) = await sent(parts)
    to = token_address(preview)
    away = letter(ADA, to, "Re: Please approve", "", "Auto-Submitted: auto-replied")
    assert (await mail_in(parts, away, to)).word.startswith("ignored")
    assert (await item(parts)).state is State.WAITING


AUTHENTICATED = "Authentication-Results: mx.example.org; dmarc={}"


@pytest.mark.parametrize(
    ("result", "word"),
    [
        ("pass", "announcement 1 waits for approval"),
        ("none", "announcement 1 waits for approval"),
        ("fail", "ignored: authentication"),
    ],
)
async def test_a_mail_that_failed_authentication_causes_nothing(
    tmp_path: Path, result: str, word: str
) -> None:
    await make_sqlite(tmp_path / "mailer.db")
    config = make_config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, TWO)
    config = replace(config, inbound=Inbound(authserv_id="mx.example.org"))
    async with open_parts(config, VirtualClock(NOON)) as parts:
        mail = letter(ADA, ANNOUNCE, "News", BODY)
        mail = AUTHENTICATED.format(result).encode() + b"\r\n" + mail
        assert (await mail_in(parts, mail, ANNOUNCE)).word == word


# --- approval by another ---


async def test_another_organiser_approves_and_the_writer_cannot(other: Parts) -> None:
    await write(other)
    first, second = await sent(other)
    own, asked = (first, second) if first["To"] == ADA else (second, first)
    assert (own["To"], own["Subject"]) == (ADA, "Waits for approval: News")
    assert (asked["To"], asked["Subject"]) == (BO, "Please approve: News")
    assert "in the name of ada@example.org" in text(asked)
    assert await other.store.read(lambda c: approval.approvers(c, [1])) == {1: (BO,)}

    assert await answer(other, str(own["Reply-To"]), "approve") == "announcement 1 own"
    assert (await item(other)).state is State.WAITING
    assert await answer(other, token_address(asked), "approve", author=BO) == (
        "announcement 1 approved"
    )
    assert await acts(other) == [(ADA, "queued"), (BO, "approved")]
    told = [str(one["To"]) for one in await sent(other) if one["Subject"] == "Approved: News"]
    assert sorted(told) == [ADA, BO]


async def test_who_changes_the_text_cannot_approve_it(other: Parts) -> None:
    await write(other)
    asked = next(one for one in await sent(other) if one["To"] == BO)
    await answer(other, token_address(asked), "Bo's text", author=BO)
    assert await other.store.read(lambda c: approval.approvers(c, [1])) == {1: (ADA,)}
    again = {str(one["To"]): one for one in await sent(other)}
    assert await answer(other, str(again[BO]["Reply-To"]), "ok", author=BO) == "announcement 1 own"
    assert await answer(other, str(again[ADA]["Reply-To"]), "ok") == "announcement 1 approved"


async def test_the_writer_may_drop_what_somebody_forged(other: Parts) -> None:
    await write(other)
    own = next(one for one in await sent(other) if one["To"] == ADA)
    assert await answer(other, str(own["Reply-To"]), "drop") == "announcement 1 dropped"


async def test_who_is_no_organiser_any_more_decides_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mailer.db'}"
    async with opened(url, tmp_path, OTHER) as (parts, _):
        await write(parts)
        asked = next(one for one in await sent(parts) if one["To"] == BO)
    left = replace(SERIES, organisers=(ADA,))
    async with opened(url, tmp_path, left) as (parts, _):
        word = await answer(parts, token_address(asked), "approve", author=BO)
        assert word == "ignored: unknown token"
