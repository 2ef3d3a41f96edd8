"""Complaints: whose they are, and what they do (B3)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mailer.config.model import Operator
from mailer.dossier import dossier
from mailer.intake.complaining import FORWARDED_PER_DAY
from mailer.intake.context import hash_address
from mailer.parts import Parts, open_parts
from mailer.store import suppression
from mailer.store.people import State, Subscription
from mailer.store.suppression import Reason
from scheduler.clock import VirtualClock
from tests.intake.returning import (
    SAMPLE_TOKEN,
    consents,
    last_return_path,
    now_of,
    sample,
    send_one,
)
from tests.outbox_reader import mails, queued
from tests.world import ANA, BOB, NOON, SERIES, letter, mail_in, send_all, subscribed

FORMS = ["arf-abuse", "arf-redacted", "arf-outlook-jmrp", "arf-old-aol"]
ADDRESSES = [
    "webinars@lists.example.org",
    "webinars+owner@lists.example.org",
    "postmaster@lists.example.org",
    "webinars+help@lists.example.org",
]


async def reader_with_mail(parts: Parts) -> tuple[Subscription, bytes, str]:
    """A subscriber with a mail of ours: its unsubscribe token and its return path."""
    ana = await subscribed(parts)
    path = await send_one(parts, ana)
    field = str(mails(parts.config.outbound.maildir)[-1]["List-Unsubscribe"])
    return ana, field.partition("+unsubscribe-")[2].partition("@")[0].encode(), path


def complaint(name: str, token: bytes = SAMPLE_TOKEN, *, number: int = 0) -> bytes:
    """A sample of a report, of a mail with that unsubscribe token, to no address with a token."""
    content = sample(name, number=number).replace(SAMPLE_TOKEN, token)
    return content.replace(b"webinars+bounce-" + token, b"webinars")


async def suppressed(parts: Parts) -> list[tuple[str, Reason, str]]:
    found = await parts.store.read(
        lambda c: suppression.of_address(c, hash_address(parts.secrets.hash_key, ANA))
    )
    return [(one.scope, one.reason, one.detail) for one in found]


@pytest.mark.parametrize(
    ("name", "to"),
    list(zip(FORMS, ADDRESSES, strict=True)),
)
async def test_a_complaint_of_any_form_at_any_address_ends_the_subscription_of_our_token(
    parts: Parts, name: str, to: str
) -> None:
    ana, token, _ = await reader_with_mail(parts)
    found = await mail_in(parts, complaint(name, token), to, sender="fbl@fbl.example.com")
    assert found.word == "complaint: abuse, complained"
    assert (await now_of(parts, ana)).state is State.COMPLAINED
    assert await suppressed(parts) == [(SERIES.id, Reason.COMPLAINT, "abuse")]
    assert (await consents(parts, ana))[-1] == (
        "left",
        "complaint: abuse <report-0@mx.example.com>",
    )
    assert [row.template for row in await queued(parts)] == ["welcome"]


@pytest.mark.parametrize(
    ("feedback", "state", "reason"),
    [
        ("abuse", State.COMPLAINED, Reason.COMPLAINT),
        ("fraud", State.COMPLAINED, Reason.COMPLAINT),
        ("virus", State.COMPLAINED, Reason.COMPLAINT),
        ("other", State.COMPLAINED, Reason.COMPLAINT),
        ("opt-out", State.UNSUBSCRIBED, Reason.LEFT),
        ("not-spam", State.ACTIVE, None),
        ("auth-failure", State.ACTIVE, None),
    ],
)
async def test_each_type_of_feedback_does_what_it_means(
    parts: Parts, feedback: str, state: State, reason: Reason | None
) -> None:
    ana, token, _ = await reader_with_mail(parts)
    await mail_in(parts, complaint(f"arf-{feedback}", token), ADDRESSES[0], sender="fbl@x.example")
    assert (await now_of(parts, ana)).state is state
    assert [one for _, one, _ in await suppressed(parts)] == ([reason] if reason else [])


async def test_a_complaint_at_a_return_path_is_of_its_reader_even_if_it_names_nobody(
    parts: Parts,
) -> None:
    ana, _, path = await reader_with_mail(parts)
    await mail_in(parts, complaint("arf-redacted"), path, sender="")
    assert (await now_of(parts, ana)).state is State.COMPLAINED


async def test_a_return_path_in_the_mail_complained_of_is_enough(parts: Parts) -> None:
    ana, _, path = await reader_with_mail(parts)
    content = complaint("arf-redacted").replace(
        b"Received: from lists", f"Return-Path: <{path}>\nReceived: from lists".encode()
    )
    await mail_in(parts, content, ADDRESSES[2], sender="fbl@fbl.example.com")
    assert (await now_of(parts, ana)).state is State.COMPLAINED


async def test_without_a_token_of_ours_nobody_is_changed_and_a_person_reads_it(
    parts: Parts,
) -> None:
    ana, _, _ = await reader_with_mail(parts)
    content = sample("arf-abuse").replace(SAMPLE_TOKEN, b"a" * 26)  # names Ana, token is no token
    found = await mail_in(parts, content, ADDRESSES[1], sender="fbl@fbl.example.com")
    assert found.word == "complaint: abuse, without a token"
    assert (await now_of(parts, ana)).state is State.ACTIVE
    assert [(row.template, row.recipient) for row in await queued(parts)][1:] == [
        ("forward", "organiser@example.org")
    ]


async def test_a_complaint_in_the_name_of_a_subscriber_changes_nobody(parts: Parts) -> None:
    """S5: without a token anybody can have written it."""
    ana, _, _ = await reader_with_mail(parts)
    content = sample("arf-abuse").replace(SAMPLE_TOKEN, b"a" * 26)
    forged = re.sub(rb"(?m)^From: .*?(?=\r?$)", b"From: " + ANA.mailbox.encode(), content, count=1)
    assert forged != content
    found = await mail_in(parts, forged, ADDRESSES[0], sender=ANA.mailbox)
    assert found.word == "complaint: abuse, without a token"
    assert (await now_of(parts, ana)).state is State.ACTIVE


async def test_failed_authentication_is_for_the_operator(parts: Parts, clock: VirtualClock) -> None:
    config = replace(parts.config, operator=Operator(address="operator@example.org"))
    async with open_parts(config, clock) as parts_with_operator:
        await reader_with_mail(parts_with_operator)
        content = complaint("arf-auth-failure")
        found = await mail_in(parts_with_operator, content, ADDRESSES[0], sender="fbl@x.example")
        assert found.word == "complaint: auth-failure, for the operator"
        assert [row.recipient for row in await queued(parts_with_operator)][1:] == [
            "operator@example.org"
        ]


async def test_a_storm_of_reports_does_not_fill_a_persons_mailbox(parts: Parts) -> None:
    words = []
    for number in range(FORWARDED_PER_DAY + 2):
        content = complaint("arf-redacted", number=number)
        words.append((await mail_in(parts, content, ADDRESSES[0], sender="fbl@x.example")).word)
    told = "complaint: abuse, without a token"
    assert words == [told] * FORWARDED_PER_DAY + [f"{told}, held back by a limit"] * 2
    assert len(await queued(parts)) == FORWARDED_PER_DAY


async def test_who_complains_twice_is_ended_once(parts: Parts) -> None:
    ana, token, _ = await reader_with_mail(parts)
    words = [
        (await mail_in(parts, complaint("arf-abuse", token, number=number), ADDRESSES[0])).word
        for number in range(2)
    ]
    assert words == ["complaint: abuse, complained", "complaint: abuse, complained before"]
    assert [act for act, _ in await consents(parts, ana)] == ["left"]


async def test_a_complaint_of_somebody_forgotten_changes_nothing(parts: Parts) -> None:
    _, token, path = await reader_with_mail(parts)
    await parts.person_changes.forget(ANA)
    for number, to in enumerate((ADDRESSES[0], path)):
        content = complaint("arf-abuse", token, number=number)
        found = await mail_in(parts, content, to, sender="fbl@fbl.example.com")
        assert found.word == "complaint: abuse, from nobody subscribed"


async def test_a_complaint_about_the_question_keeps_us_from_asking_again(
    parts: Parts, clock: VirtualClock
) -> None:
    await mail_in(parts, letter(ANA.mailbox, SERIES.address, "subscribe"))
    await send_all(parts)
    path = last_return_path(parts)
    found = await mail_in(parts, complaint("arf-redacted"), path, sender="")
    assert found.word == "complaint: abuse, complained"
    assert await suppressed(parts) == [(SERIES.id, Reason.COMPLAINT, "abuse")]
    assert clock.now() == NOON


async def test_another_subscriber_is_not_touched_and_it_is_explained(parts: Parts) -> None:
    ana, token, _ = await reader_with_mail(parts)
    bob = await subscribed(parts, BOB)
    content = complaint("arf-abuse", token).replace(ANA.mailbox.encode(), b"bob@example.com")
    await mail_in(parts, content, ADDRESSES[0], sender="fbl@fbl.example.com")
    assert (await now_of(parts, ana)).state is State.COMPLAINED
    assert (await now_of(parts, bob)).state is State.ACTIVE
    told = await dossier(parts, ANA)
    assert [(one.scope, one.reason) for one in told.suppressions] == [(SERIES.id, Reason.COMPLAINT)]


async def test_a_persons_own_mail_about_spam_is_no_complaint(parts: Parts) -> None:
    ana, _, _ = await reader_with_mail(parts)
    words = letter(ANA.mailbox, SERIES.address, "Abuse report", "Somebody abuses your list.")
    assert (await mail_in(parts, words)).word == "forwarded"
    assert (await now_of(parts, ana)).state is State.ACTIVE
