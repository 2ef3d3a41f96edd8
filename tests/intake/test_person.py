"""A person with another address, and a person who is forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer.errors import PersonRefused
from mailer.files.people_csv import PersonRow
from mailer.intake.context import hash_address
from mailer.intake.enrolling import Fate
from mailer.message.address import Address
from mailer.parts import Parts
from mailer.store import people, registration, suppression
from mailer.store.people import Act, State
from mailer.store.staging import Terms
from mailer.store.suppression import Reason
from tests.outbox_reader import mails, queued
from tests.world import ANA, BOB, NOON, SERIES, letter, mail_in, scheduled, send_all, subscribed

NEW = Address(key="ana@example.org", mailbox="Ana@example.org")
ASKING = Terms(confirmed=False, evidence="a list")


async def state(parts: Parts, address: Address) -> State | None:
    found = await parts.store.read(lambda c: people.find(c, SERIES.id, address.key))
    return None if found is None else found.state


async def test_everything_moves_with_the_address_and_old_links_still_work(parts: Parts) -> None:
    current = await subscribed(parts)
    await mail_in(parts, letter(ANA.mailbox, SERIES.address, "status"))
    await send_all(parts)
    (answer,) = mails(parts.config.outbound.maildir)
    changed = await parts.person_changes.change(ANA, NEW)
    assert [(one.id, one.address, one.state) for one in changed.subscriptions] == [
        (current.id, NEW, State.ACTIVE)
    ]
    assert (changed.following, changed.asked) == (0, ())
    notes = await parts.store.read(lambda c: people.consents(c, current.id))
    assert [(one.act, one.channel, one.evidence) for one in notes] == [
        (Act.MOVED, "command line", "from ana@example.net to Ana@example.org")
    ]
    by_mail = str(answer["List-Unsubscribe"]).removeprefix("<mailto:").partition(">")[0]
    assert (await mail_in(parts, letter("x@example.com", by_mail), by_mail)).word == "unsubscribed"
    assert await state(parts, NEW) is State.UNSUBSCRIBED


async def test_queued_mail_follows_and_reaches_the_new_address(parts: Parts) -> None:
    await parts.enrolling.add(
        SERIES,
        PersonRow(address=ANA),
        Terms(confirmed=True, evidence="x", welcome=True),
    )
    assert (await parts.person_changes.change(ANA, NEW)).following == 1
    await send_all(parts)
    (mail,) = mails(parts.config.outbound.maildir)
    assert (mail["X-Envelope-To"], mail["To"]) == (f"<{NEW.mailbox}>", NEW.mailbox)


async def test_a_question_to_the_old_mailbox_is_void_and_the_new_one_is_asked(
    parts: Parts,
) -> None:
    """Who reads the old mailbox must not be able to consent for the new one."""
    await parts.enrolling.add(SERIES, PersonRow(address=ANA), ASKING)
    await send_all(parts)
    (old,) = mails(parts.config.outbound.maildir)
    assert (await parts.person_changes.change(ANA, NEW)).asked == (SERIES.id,)
    reply_to = str(old["Reply-To"])
    await mail_in(parts, letter(ANA.mailbox, reply_to, "Re: x"), reply_to)
    assert await state(parts, NEW) is State.PENDING
    await send_all(parts)
    (new,) = [one for one in mails(parts.config.outbound.maildir) if one["To"] == NEW.mailbox]
    reply_to = str(new["Reply-To"])
    assert (await mail_in(parts, letter(NEW.mailbox, reply_to), reply_to)).word == "confirmed"


async def test_a_question_that_has_not_gone_out_is_called_off(parts: Parts) -> None:
    await parts.enrolling.add(SERIES, PersonRow(address=ANA), ASKING)
    changed = await parts.person_changes.change(ANA, NEW)
    assert changed.following == 0
    assert [(one.recipient, one.state) for one in await queued(parts)] == [
        (ANA.mailbox, "cancelled"),
        (NEW.mailbox, "queued"),
    ]


async def test_an_address_that_is_known_is_not_taken_over(parts: Parts) -> None:
    await subscribed(parts)
    await subscribed(parts, BOB)
    with pytest.raises(PersonRefused, match=r"Bob@example\.com is known already"):
        await parts.person_changes.change(ANA, BOB)
    assert await state(parts, ANA) is State.ACTIVE


async def test_an_address_that_must_not_be_mailed_is_not_moved_to(parts: Parts) -> None:
    await subscribed(parts)
    await parts.store.write(
        lambda c: suppression.add(
            c,
            address_hash=hash_address(parts.secrets.hash_key, NEW),
            scope=suppression.EVERYWHERE,
            reason=Reason.BOUNCE,
            now=NOON,
        )
    )
    with pytest.raises(PersonRefused, match="must not be mailed"):
        await parts.person_changes.change(ANA, NEW)
    assert await state(parts, ANA) is State.ACTIVE


async def test_an_unknown_address_cannot_be_changed(parts: Parts) -> None:
    with pytest.raises(PersonRefused, match="not subscribed to anything"):
        await parts.person_changes.change(ANA, NEW)


async def test_a_new_spelling_of_the_same_address_is_taken(parts: Parts) -> None:
    await subscribed(parts)
    spelled = Address(key=ANA.key, mailbox="Ana@example.net")
    (moved,) = (await parts.person_changes.change(ANA, spelled)).subscriptions
    assert moved.address == spelled


async def test_who_left_cannot_be_brought_back_by_a_list_under_the_new_address(
    parts: Parts,
) -> None:
    await subscribed(parts)
    await mail_in(parts, letter(ANA.mailbox, SERIES.address, "unsubscribe"))
    await parts.person_changes.change(ANA, NEW)
    taken = await parts.enrolling.add(SERIES, PersonRow(address=NEW), ASKING)
    assert (taken.fate, taken.why) == (Fate.SUPPRESSED, Reason.LEFT)


async def test_registrations_move_along(parts: Parts) -> None:
    await subscribed(parts)
    record = await scheduled(
        parts, NOON.replace(tzinfo=None) + timedelta(days=30), registration_url=""
    )
    current = await parts.store.read(lambda c: people.find(c, SERIES.id, ANA.key))
    assert current is not None
    await parts.store.write(
        lambda c: registration.choose(
            c, current.subscriber_id, record.id, registration.State.REGISTERED, now=NOON
        )
    )
    await parts.person_changes.change(ANA, NEW)
    found = await parts.store.read(lambda c: registration.listing(c, webinar_id=record.id))
    assert [one.address for one in found] == [NEW.mailbox]


async def test_a_forgotten_person_leaves_no_trace_but_a_hash(parts: Parts) -> None:
    await subscribed(parts)
    words = "Dear organisers, I have a question about the programme: what comes next?"
    await mail_in(parts, letter(ANA.mailbox, SERIES.address, "Question", words))
    await send_all(parts)
    erased = await parts.person_changes.forget(ANA)
    assert (erased.subscriptions, erased.received) == (1, 1)
    assert await state(parts, ANA) is None
    dump = await parts.store.read(lambda c: c.exec_driver_sql("SELECT * FROM outbox"))
    assert not [one for one in dump if "ana@example.net" in str(tuple(one))]
    blobs = await parts.store.read(lambda c: c.exec_driver_sql("SELECT * FROM blob"))
    assert list(blobs) == []
    address_hash = hash_address(parts.secrets.hash_key, ANA)
    (kept,) = await parts.store.read(lambda c: suppression.of_address(c, address_hash))
    assert (kept.scope, kept.reason) == (suppression.EVERYWHERE, Reason.FORGOTTEN)


async def test_a_forgotten_person_stays_out_of_lists_and_can_come_back_themselves(
    parts: Parts,
) -> None:
    await subscribed(parts)
    await parts.person_changes.forget(ANA)
    taken = await parts.enrolling.add(SERIES, PersonRow(address=ANA), ASKING)
    assert (taken.fate, taken.why) == (Fate.SUPPRESSED, Reason.FORGOTTEN)
    await mail_in(parts, letter(ANA.mailbox, SERIES.address, "subscribe"))
    await send_all(parts)
    (request,) = mails(parts.config.outbound.maildir)
    reply_to = str(request["Reply-To"])
    assert (await mail_in(parts, letter(ANA.mailbox, reply_to), reply_to)).word == "confirmed"
    address_hash = hash_address(parts.secrets.hash_key, ANA)
    assert await parts.store.read(lambda c: suppression.of_address(c, address_hash)) == ()


async def test_queued_mail_to_a_forgotten_person_does_not_go_out(parts: Parts) -> None:
    await parts.enrolling.add(SERIES, PersonRow(address=ANA), ASKING)
    assert (await parts.person_changes.forget(ANA)).cancelled == 1
    assert await send_all(parts) == 0
