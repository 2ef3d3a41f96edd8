"""The page of a person, of one series alone; ending, moving and erasing them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer.dossier import dossier
from mailer.intake.context import hash_address
from mailer.message.command import Channel
from mailer.store import page_deed, people, programme, registration, suppression
from mailer.store.people import Act, State, Subscription
from mailer.store.registration import State as Choice
from mailer.store.suppression import Reason
from tests.desk.filling import filled
from tests.desk.place import THEIRS, WEDNESDAY, Desktop, Place
from tests.intake.returning import last_return_path, report
from tests.outbox_reader import queued
from tests.peers.browser import Answer
from tests.world import ANA, BOB, SERIES, content, letter, mail_in, send_all, subscribed

THERE = "/admin/copyright/people"


async def pressed(ada: Desktop, one: Subscription, do: str, **fields: str) -> Answer:
    action = f"{THERE}/{one.id}"
    seal = filled(await ada.get(action), action)["seal"]
    return await ada.post(action, {"seal": seal, "do": do, **fields})


async def again(place: Place, one: Subscription) -> Subscription | None:
    return await place.parts.store.read(lambda c: people.by_id(c, one.id))


async def in_patents(place: Place) -> None:
    """Ana is in a series of somebody else as well."""
    now = place.clock.now()

    async def unit(connection):  # type: ignore[no-untyped-def]
        asked = await people.ask(
            connection, series_id=THEIRS.id, address=ANA, language=None, now=now
        )
        await people.note_consent(
            connection,
            asked.id,
            act=Act.ASKED,
            channel=Channel.WEB,
            evidence="a secret of patents",
            now=now,
        )

    await place.parts.store.write(unit)


async def deeds(place: Place, one: Subscription) -> list[tuple[str, str]]:
    about = page_deed.subscription(one.id)
    found = await place.parts.store.read(
        lambda c: page_deed.latest(c, "copyright", about=about, limit=9)
    )
    return [(each.who, each.act) for each in found]


async def test_it_says_everything_of_this_series_and_nothing_of_another(either: Place) -> None:
    place = either
    webinar = await place.webinar()
    ana = await subscribed(place.parts, ANA, since=place.clock.now() - timedelta(days=1))
    await in_patents(place)
    await place.parts.store.write(
        lambda c: registration.choose(
            c, ana.subscriber_id, webinar.id, Choice.REGISTERED, now=place.clock.now()
        )
    )
    place.clock.advance_to(place.clock.now() + timedelta(days=41))
    await place.parts.planner.tick()
    await send_all(place.parts)
    page = await (await place.signed_in()).get(f"{THERE}/{ana.id}")
    assert page.status == 200
    assert "Subscribed since 30 September 2026" in page.words
    assert "Announcement iscc was taken by the mail server" in page.words
    assert "Tuesday, 24 November 2026, 13:00 Zurich time: Reminder · iscc" in page.words
    assert "iscc: Registered, 1 October 2026" in page.words
    assert "iscc: was told that it begins on Wednesday, 25 November 2026" in page.words
    assert "patents" not in page.text.replace("Patent Webinars", "")


async def test_whatever_happens_in_another_series_the_page_stays_as_it_is(place: Place) -> None:
    """S12: subscribed, registered, written to and from, come back, left."""
    await place.webinar()
    ana = await subscribed(place.parts, ANA)
    ada = await place.signed_in()
    before = (await ada.get(f"{THERE}/{ana.id}")).words
    await in_patents(place)
    now, parts = place.clock.now(), place.parts
    theirs = await parts.store.write(
        lambda c: programme.add(
            c,
            series_id=THEIRS.id,
            slug="claims",
            content=content(WEDNESDAY, "Claims"),
            draft=False,
            now=now,
        )
    )
    await parts.store.write(
        lambda c: registration.choose(c, ana.subscriber_id, theirs.id, Choice.REGISTERED, now=now)
    )
    await mail_in(parts, letter(ANA.mailbox, THEIRS.address, "help"), THEIRS.address)
    assert await send_all(parts) == 1
    assert (await report(parts, last_return_path(parts))).word == "bounce: hard 5.1.1"
    await parts.store.write(
        lambda c: suppression.add(
            c,
            address_hash=hash_address(parts.secrets.hash_key, ANA),
            scope=THEIRS.id,
            reason=Reason.LEFT,
            now=now,
        )
    )
    found = await dossier(parts, ANA)
    everywhere = (found.mails, found.bounces, found.received, found.suppressions)
    assert [len(one) for one in (*everywhere, found.registrations)] == [1, 1, 1, 1, 1]
    assert (await ada.get(f"{THERE}/{ana.id}")).words == before


async def test_a_person_of_another_series_is_not_there(place: Place) -> None:
    """S12."""
    await in_patents(place)
    ada = await place.signed_in()
    theirs = await place.parts.store.read(lambda c: people.find(c, "patents", ANA.key))
    assert theirs is not None
    for number in (theirs.id, theirs.id + 1, 2**70):
        assert (await ada.get(f"{THERE}/{number}")).status == 404
        assert (await ada.post(f"{THERE}/{number}", {"do": "erase"})).status == 404
    assert (await ada.get(f"/admin/patents/people/{theirs.id}")).status == 404


async def test_a_subscription_is_ended_when_it_is_meant(either: Place) -> None:
    place = either
    ana = await subscribed(place.parts, ANA)
    ada = await place.signed_in()
    unsure = await pressed(ada, ana, "remove")
    assert (unsure.status, "please tick the box first" in unsure.words) == (422, True)
    answer = await pressed(ada, ana, "remove", sure="yes")
    assert answer.headers["location"] == f"{THERE}/{ana.id}?done=removed"
    found = await again(place, ana)
    assert found is not None
    assert found.state is State.UNSUBSCRIBED
    page = await ada.get(answer.headers["location"])
    assert "Gets no mail of this series since 1 October 2026: an organiser removed them." in (
        page.words
    )
    assert "left (on a page: by ada@example.org)" in page.words
    assert await deeds(place, ana) == [("ada@example.org", "remove")]


async def test_an_address_is_changed(either: Place) -> None:
    place = either
    ana = await subscribed(place.parts, ANA)
    ada = await place.signed_in()
    answer = await pressed(ada, ana, "change", address="ana@example.com")
    assert answer.headers["location"] == f"{THERE}/{ana.id}?done=changed"
    found = await again(place, ana)
    assert found is not None
    assert found.address.mailbox == "ana@example.com"
    (moved,) = await place.parts.store.read(lambda c: people.consents(c, ana.id))
    assert (moved.channel, moved.evidence) == (
        "web",
        "from ana@example.net to ana@example.com by ada@example.org",
    )
    assert await deeds(place, ana) == [("ada@example.org", "change")]


@pytest.mark.parametrize("address", ["nobody", "webinars@lists.example.org", "Bob@example.com"])
async def test_an_address_that_cannot_be_theirs_is_refused(place: Place, address: str) -> None:
    ana = await subscribed(place.parts, ANA)
    await subscribed(place.parts, BOB)
    answer = await pressed(await place.signed_in(), ana, "change", address=address)
    assert (answer.status, f'value="{address}"' in answer.text) == (422, True)
    assert await again(place, ana) == ana


async def test_erasing_asks_twice_and_leaves_nothing(either: Place) -> None:
    place = either
    ana = await subscribed(place.parts, ANA)
    ada = await place.signed_in()
    page = await pressed(ada, ana, "forget")
    assert (page.status, "Subscriptions that go 1" in page.words) == (200, True)
    unsure = await pressed(ada, ana, "erase")
    assert (unsure.status, await again(place, ana)) == (422, ana)
    answer = await pressed(ada, ana, "erase", sure="yes")
    assert answer.headers["location"] == f"{THERE}?done=forgotten"
    assert await again(place, ana) is None
    assert await place.parts.store.read(lambda c: people.of_person(c, ANA.key)) == ()
    assert await deeds(place, ana) == [("ada@example.org", "forget")]


@pytest.mark.parametrize("do", ["change", "forget", "erase"])
async def test_who_is_in_a_series_of_others_is_not_theirs_to_move_or_erase(
    place: Place, do: str
) -> None:
    ana = await subscribed(place.parts, ANA)
    await in_patents(place)
    ada = await place.signed_in()
    answer = await pressed(ada, ana, do, sure="yes", address="ana@example.com")
    assert (answer.status, "that you do not look after" in answer.words) == (422, True)
    assert await again(place, ana) == ana


@pytest.mark.parametrize("do", ["remove", "change", "erase"])
async def test_a_form_without_its_token_does_nothing(place: Place, do: str) -> None:
    """S10: nor with the token of another person's."""
    ana, bob = await subscribed(place.parts, ANA), await subscribed(place.parts, BOB)
    ada = await place.signed_in()
    others = filled(await ada.get(f"{THERE}/{bob.id}"), f"{THERE}/")["seal"]
    for seal in ("", others):
        fields = {"seal": seal, "do": do, "sure": "yes", "address": "ana@example.com"}
        assert (await ada.post(f"{THERE}/{ana.id}", fields)).status == 403
    assert await again(place, ana) == ana
    assert await queued(place.parts) == []
    assert SERIES.id == ana.series_id
