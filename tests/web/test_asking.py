"""The form that asks for mails: the same for known and unknown, limited, sealed (S1, S10, S14)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mailer.config.model import Limits, Web
from mailer.message.address import Address, Purpose
from mailer.store.people import State
from tests.outbox_reader import queued, templates
from tests.peers.browser import Answer
from tests.web.place import ANYWHERE, BASE, Place, config, opened_place
from tests.world import subscribed

PATH = "/copyright/subscribe"


async def ask(place: Place, address: str, **headers: str) -> Answer:
    """Open the form and send it."""
    form = await place.browser.get(PATH)
    fields = {"seal": form.hidden("seal"), "address": address}
    return await place.browser.post(PATH, fields, **headers)


async def test_the_owner_of_the_mailbox_is_asked(either: Place) -> None:
    answer = await ask(either, "Zoe@Example.net")
    assert (answer.status, "look into your mailbox" in answer.words) == (200, True)
    (row,) = await queued(either.parts)
    assert (row.kind, row.recipient) == ("confirmation", "Zoe@example.net")


async def test_known_and_unknown_get_the_same_answer(place: Place) -> None:
    await place.ana()
    await place.bob()
    known = await ask(place, "ana@example.net")
    pending = await ask(place, "bob@example.com")
    unknown = await ask(place, "new@example.org")
    said = {(one.status, one.body, tuple(_fixed(one).items())) for one in (known, pending, unknown)}
    assert len(said) == 1
    assert await templates(place.parts) == [
        "reply-already-subscribed",
        "confirmation",
        "confirmation",
    ]


async def test_nothing_in_the_answer_tells_how_somebody_stands(place: Place) -> None:
    """S14: everybody there can be, several of each, also when they have had their mails for today.
    How long it takes is told by bench/telling.py."""
    for number in range(4):
        await subscribed(place.parts, person("active", number))
        await place.bob(person("pending", number))
        for how in ("left", "declined"):
            one = person(how, number)
            held = await (subscribed(place.parts, one) if how == "left" else place.bob(one))
            token = place.token(Purpose.UNSUBSCRIBE, held)
            await place.browser.post(f"/u/{token}", {"List-Unsubscribe": "One-Click"})
        forgotten = await subscribed(place.parts, person("forgotten", number))
        await place.parts.person_changes.forget(forgotten.address)
    kinds = ("active", "pending", "left", "declined", "forgotten", "unknown")
    people = [person(kind, number).mailbox for kind in kinds for number in range(4)]
    answers = await asyncio.gather(*(ask(place, one) for one in people * 2))
    assert len({(one.status, one.body, tuple(_fixed(one).items())) for one in answers}) == 1


def person(kind: str, number: int) -> Address:
    text = f"{kind}{number}@example.net"
    return Address(key=text, mailbox=text)


def _fixed(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}


async def test_the_answer_leaves_at_a_fixed_time_after_the_question(place: Place) -> None:
    loop = asyncio.get_running_loop()
    form = await place.browser.get(PATH)
    began = loop.time()
    await place.browser.post(PATH, {"seal": form.hidden("seal"), "address": "a@example.org"})
    assert loop.time() - began >= 0.2


async def test_what_is_no_address_is_said_and_stands_there_again(place: Place) -> None:
    answer = await ask(place, 'a"><script>alert(1)</script>')
    assert (answer.status, "<script>alert" in answer.text) == (422, False)
    assert "a&#34;&gt;&lt;script&gt;" in answer.text
    assert await queued(place.parts) == []


@pytest.mark.parametrize(
    "address",
    ["", "a", "a@b c", "a@x\r\nBcc: b@x", "webinars@lists.example.org", "x" * 400 + "@example.org"],
)
async def test_nobody_is_written_to_who_cannot_be(place: Place, address: str) -> None:
    assert (await ask(place, address)).status == 422
    assert await queued(place.parts) == []


@pytest.mark.parametrize(
    ("seal", "headers"),
    [
        ("", {}),
        (None, {"origin": "https://evil.example"}),
        (None, {"sec_fetch_site": "cross-site", "origin": "null"}),
    ],
)
async def test_a_form_from_elsewhere_is_refused(
    place: Place, seal: str | None, headers: dict[str, str]
) -> None:
    own = (await place.browser.get(PATH)).hidden("seal")
    fields = {"seal": own if seal is None else seal, "address": "a@example.org"}
    assert (await place.browser.post(PATH, fields, **headers)).status == 403
    assert await queued(place.parts) == []


async def test_a_seal_grows_old(place: Place) -> None:
    seal = (await place.browser.get(PATH)).hidden("seal")
    place.clock.advance_to(place.clock.now().replace(day=3))
    answer = await place.browser.post(PATH, {"seal": seal, "address": "a@example.org"})
    assert (answer.status, "This form has grown old" in answer.words) == (403, True)


async def test_one_network_is_limited_whatever_it_asks_for(tmp_path: Path) -> None:
    settings = config(
        f"sqlite:///{tmp_path}/mailer.db",
        tmp_path,
        limits=Limits(forms_per_network_per_hour=3),
        web=Web(base_url=BASE, listen=ANYWHERE, trusted_proxies=("127.0.0.0/8",)),
    )
    async with opened_place(settings) as place:
        from_one = [
            (await ask(place, f"a{n}@example.org", x_forwarded_for=f"192.0.2.{n}")).status
            for n in range(5)
        ]
        other = await ask(place, "b@example.org", x_forwarded_for="198.51.100.1")
        assert (from_one, other.status) == ([200, 200, 200, 429, 429], 200)
        assert len(await queued(place.parts)) == 4


async def test_nobody_is_asked_more_often_than_the_limits_say(place: Place) -> None:
    """However many networks there are (S1); silence is no different answer."""
    answers = [await ask(place, "victim@example.net") for _ in range(4)]
    assert {one.status for one in answers} == {200}
    assert [row.recipient for row in await queued(place.parts)] == ["victim@example.net"]


async def test_the_mail_is_in_the_language_of_the_page(place: Place) -> None:
    form = await place.browser.get(f"{PATH}?lang=fr")
    fields = {"seal": form.hidden("seal"), "address": "a@example.org"}
    await place.browser.post(f"{PATH}?lang=fr", fields)
    (row,) = await queued(place.parts)
    assert row.language == "fr"


async def test_who_said_never_again_is_left_alone_and_nobody_sees_it(place: Place) -> None:
    bob = await place.bob()
    token = place.token(Purpose.UNSUBSCRIBE, bob)
    await place.browser.post(f"/u/{token}", {"List-Unsubscribe": "One-Click"})
    assert (await ask(place, "bob@example.com")).status == 200
    assert await queued(place.parts) == []
    assert (await place.again(bob)).state is State.UNSUBSCRIBED


async def register(place: Place, address: str) -> Answer:
    """Open a webinar's page and ask for a place."""
    page = await place.browser.get("/copyright/w/iscc")
    fields = {"seal": page.hidden("seal"), "address": address}
    return await place.browser.post("/copyright/w/iscc/register", fields)


async def test_a_place_is_asked_for_with_an_address_that_is_proven_by_mail(either: Place) -> None:
    ana, webinar = await either.ana(), await either.webinar()
    known, unknown = await register(either, "ana@example.net"), await register(either, "n@x.org")
    assert (known.status, known.body) == (unknown.status, unknown.body)
    assert await either.choice(ana, webinar) is None
    assert [(row.template, row.recipient) for row in await queued(either.parts)] == [
        ("reply-authorise", "ana@example.net"),
        ("confirmation", "n@x.org"),
    ]


async def test_there_is_no_place_in_what_is_not_there_or_over(place: Place) -> None:
    webinar = await place.webinar()
    seal = (await place.browser.get("/copyright/w/iscc")).hidden("seal")
    fields = {"seal": seal, "address": "a@example.org"}
    assert (await place.browser.post("/copyright/w/none/register", fields)).status == 404
    assert (await place.browser.post(PATH, fields)).status == 403  # another form's seal
    place.clock.advance_to(webinar.ends_at)
    assert (await place.browser.post("/copyright/w/iscc/register", fields)).status == 404
    assert await queued(place.parts) == []
