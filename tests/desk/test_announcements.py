"""What organisers write in the browser: from the form to its end, approval by another included."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import insert, update

from mailer.config.model import Approval, Templates
from mailer.intake.context import hash_address
from mailer.message.address import Address
from mailer.store import written
from mailer.store.announcement import State
from mailer.store.schema import bounce, outbox, suppression
from mailer.store.written import Written
from tests.desk.place import ADA, COOKIE, EVE, OURS, THEIRS, Desktop, Place, config, opened_place
from tests.desk.writing import TEXT, write
from tests.outbox_reader import mails, queued, text
from tests.world import ANA, BOB, send_all, subscribed

HERE = "/admin/copyright/announcements"
NEW = f"{HERE}/new"
VECTORS = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}")


@pytest_asyncio.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Place]:
    """Where another organiser has to approve."""
    series = (replace(OURS, approval=Approval.OTHER), THEIRS)
    settings = config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path, series=series)
    async with opened_place(settings) as place:
        yield place


async def send(desktop: Desktop, do: str, **given: str):  # type: ignore[no-untyped-def]
    """Fill in the form and press a button."""
    return await desktop.press(NEW, NEW, {"subject": "News", "text": TEXT, "do": do, **given})


async def at(place: Place, location: str) -> Written:
    """The text that a page is about."""
    number = int(location.partition("?")[0].rpartition("/")[2])
    found = await place.parts.store.read(lambda c: written.by_id(c, number))
    assert found is not None
    return found


async def press(desktop: Desktop, item: Written, do: str, **more: str) -> str:
    """Press a button of an announcement; what its page then says."""
    path = f"{HERE}/{item.id}"
    page = await desktop.get(path)
    fields = {"seal": page.seal(path), "do": do, "version": str(item.version), **more}
    answer = await desktop.post(path, fields)
    assert answer.status == 303, answer.words
    return answer.headers["location"].partition("done=")[2]


async def test_a_text_is_kept_looked_at_and_approved(either: Place) -> None:
    await subscribed(either.parts, ANA)
    desktop = await either.signed_in()
    answer = await send(desktop, "keep", at="2026-12-01T09:00")
    assert (answer.status, answer.headers["location"]) == (303, f"{HERE}/1?done=kept")
    item = await at(either, answer.headers["location"])
    assert (item.state, item.writer, item.due_at.isoformat()) == (
        State.WAITING,
        "ada@example.org",
        "2026-12-01T08:00:00+00:00",
    )
    page = await desktop.get(answer.headers["location"])
    assert "Nothing goes out before it is approved." in page.words
    assert "our next series starts in January" in (await desktop.get(f"{HERE}/1?look=text")).words
    assert await press(desktop, item, "approve") == "approved"
    assert (await at(either, f"{HERE}/1")).state is State.PLANNED
    assert await queued(either.parts) == []


async def test_a_text_is_queued_at_once(either: Place) -> None:
    await subscribed(either.parts, ANA)
    answer = await send(await either.signed_in(), "queue")
    assert answer.headers["location"] == f"{HERE}/1?done=queued"
    await either.parts.planner.tick()
    await send_all(either.parts)
    (mail,) = mails(either.parts.config.outbound.maildir)
    assert (mail["To"], mail["Subject"]) == (ANA.mailbox, "News")
    assert "our next series starts in January." in text(mail)


async def test_the_same_text_twice_is_one_announcement(place: Place) -> None:
    desktop = await place.signed_in()
    await send(desktop, "queue")
    answer = await send(desktop, "queue")
    assert answer.headers["location"] == f"{HERE}/1?done=already"
    other_time = await send(desktop, "queue", at="2026-12-01T09:00")
    assert (other_time.status, "is announcement 1 already" in other_time.words) == (422, True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"subject": ""}, "subject : found nothing"),
        ({"text": "  \n "}, "text : found nothing, expected what the announcement says"),
        ({"text": "a" * 20_001}, "text : found the text"),
        (
            {"at": "2025-01-01T09:00"},
            "at : found '2025-01-01T09:00', expected a time that is still",
        ),
        ({"at": "soon"}, "at : found 'soon', expected a time such as"),
        ({"audience": "registered"}, "audience : found registered, expected a webinar beside it"),
        ({"audience": "everybody"}, "audience : found 'everybody', expected one of"),
        ({"webinar": "none"}, "webinar : found 'none', expected the id of a webinar"),
        (
            {"at": "2026-12-02T09:00", "expires": "2026-12-01T09:00"},
            "expires : found 2026-12-01 08:00 UTC, expected a time after it is due",
        ),
    ],
)
async def test_a_faulty_text_comes_back_with_what_is_wrong(
    place: Place, given: dict[str, str], told: str
) -> None:
    answer = await send(await place.signed_in(), "queue", **{"subject": "Kept words", **given})
    assert answer.status == 422
    assert told in answer.words
    assert 'aria-invalid="true"' in answer.text
    if "subject" not in given:
        assert 'value="Kept words"' in answer.text
    assert (await (await place.signed_in()).get(HERE)).words.count("Kept words") == 0


async def test_a_long_text_goes_through(place: Place) -> None:
    """20,000 characters, each of them nine on the wire."""
    answer = await send(await place.signed_in(), "keep", text="文" * 20_000)
    assert answer.status == 303


async def test_more_than_any_text_is_refused(place: Place) -> None:
    desktop = await place.signed_in()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": "300000",
        "Cookie": f"{COOKIE}={desktop.secret}",
    }
    assert (await place.browser.ask("POST", NEW, headers=headers)).status == 413


async def test_lines_stay_lines_and_other_fields_one_line(place: Place) -> None:
    """S6: a subject cannot bring a header along."""
    desktop = await place.signed_in()
    given = {"subject": "News\r\nBcc: x@example.org", "text": "One\r\n\r\nTwo\x00\x07"}
    item = await at(place, (await send(desktop, "keep", **given)).headers["location"])
    assert (item.subject, item.content) == ("News  Bcc: x@example.org", "One\n\nTwo")


async def test_a_text_that_waits_is_changed(place: Place) -> None:
    desktop = await place.signed_in()
    item = await write(place, "Draft", at="2026-12-01T09:00", audience="subscribed")
    path = f"{HERE}/{item.id}/edit"
    page = await desktop.get(path)
    assert ('value="Draft"' in page.text, 'value="2026-12-01T09:00"' in page.text) == (True, True)
    assert "our next series starts in **January**." in page.text
    fields = {"subject": "Better", "text": "New words", "at": "2026-12-02T10:00", "do": "keep"}
    answer = await desktop.press(path, path, fields)
    assert answer.headers["location"] == f"{HERE}/{item.id}?done=kept"
    now = await at(place, f"{HERE}/{item.id}")
    assert (now.subject, now.content, now.version, now.state) == (
        "Better",
        "New words",
        2,
        State.WAITING,
    )
    await desktop.press(path, path, {**fields, "do": "queue"})
    assert (await at(place, f"{HERE}/{item.id}")).state is State.PLANNED
    assert (await desktop.get(path)).status == 404  # it waits no more


async def test_a_change_of_an_older_version_is_refused(place: Place) -> None:
    """Two who change the same text: the second sees that there is a newer one."""
    item = await write(place, "Draft")
    ada, eve = await place.signed_in(ADA), await place.signed_in(EVE)
    path = f"{HERE}/{item.id}/edit"
    seal = (await ada.get(path)).seal(path)
    await eve.press(path, path, {"subject": "Eve's", "text": "Words", "do": "keep"})
    answer = await ada.post(path, {"seal": seal, "subject": "A", "text": "B", "do": "keep"})
    assert answer.status == 403
    assert (await at(place, f"{HERE}/{item.id}")).subject == "Eve's"


async def test_only_what_was_seen_is_approved(place: Place) -> None:
    item = await write(place, "Draft")
    ada, eve = await place.signed_in(ADA), await place.signed_in(EVE)
    path = f"{HERE}/{item.id}/edit"
    await eve.press(path, path, {"subject": "Eve's", "text": "Words", "do": "keep"})
    assert await press(ada, item, "approve") == "changed"
    assert (await at(place, f"{HERE}/{item.id}")).state is State.WAITING


async def test_another_organiser_has_to_approve(strict: Place) -> None:
    """With approval = "other" whoever wrote it cannot let it go, by no button."""
    await subscribed(strict.parts, ANA)
    ada, eve = await strict.signed_in(ADA), await strict.signed_in(EVE)
    answer = await send(ada, "queue")
    item = await at(strict, answer.headers["location"])
    assert item.state is State.WAITING
    asked = [row for row in await queued(strict.parts) if row.template == "reply-preview"]
    assert [row.recipient for row in asked] == ["ada@example.org", "Eve@example.org"]
    own = await ada.get(f"{HERE}/{item.id}")
    assert 'value="approve"' not in own.text
    assert "Waits for Eve@example.org" in own.words
    assert await press(ada, item, "approve") == "own"
    assert (await at(strict, f"{HERE}/{item.id}")).state is State.WAITING
    assert await press(eve, item, "approve") == "approved"
    assert (await at(strict, f"{HERE}/{item.id}")).state is State.PLANNED
    assert [row.recipient for row in await queued(strict.parts)][2:] == ["ada@example.org"]


async def test_a_kept_text_asks_the_others_when_its_writer_wants(strict: Place) -> None:
    ada = await strict.signed_in(ADA)
    item = await at(strict, (await send(ada, "keep")).headers["location"])
    assert await queued(strict.parts) == []
    assert await press(ada, item, "ask") == "asked"
    assert [row.template for row in await queued(strict.parts)] == ["reply-preview"] * 2
    path = f"{HERE}/{item.id}/edit"
    await ada.press(path, path, {"subject": "Other", "text": "Words", "do": "queue"})
    assert len(await queued(strict.parts)) == 4  # asked anew about the new version


async def test_what_waits_is_dropped_and_its_writer_told(place: Place) -> None:
    item = await write(place)
    assert await press(await place.signed_in(EVE), item, "cancel") == "cancelled"
    assert (await at(place, f"{HERE}/{item.id}")).state is State.CANCELLED
    (told,) = await queued(place.parts)
    assert (told.template, told.recipient) == ("reply-announcement", ADA.mailbox)


async def test_a_copy_goes_to_the_organiser_alone(place: Place) -> None:
    await subscribed(place.parts, ANA)
    item = await write(place, "To be tried")
    desktop = await place.signed_in(EVE)
    assert await press(desktop, item, "test", to="x@example.org", address="x@example.org") == (
        "tested"
    )
    await send_all(place.parts)
    (mail,) = mails(place.parts.config.outbound.maildir)
    assert (mail["To"], mail["Subject"]) == (EVE.mailbox, "To be tried")


async def test_no_copy_goes_to_who_must_not_be_mailed(place: Place) -> None:
    item = await write(place)
    await suppress(place, ADA)
    assert await press(await place.signed_in(ADA), item, "test") == "barred"
    assert await queued(place.parts) == []


async def suppress(place: Place, address: Address) -> None:
    """Somebody complained."""
    hashed = hash_address(place.parts.secrets.hash_key, address)
    await place.parts.store.write(
        lambda c: c.execute(
            insert(suppression).values(
                address_hash=hashed, scope="*", reason="complaint", at=place.clock.now()
            )
        )
    )


async def test_the_outcome_is_told_with_its_reasons_grouped(place: Place) -> None:
    for one in (ANA, BOB):
        await subscribed(place.parts, one)
    item = await write(place, queue=True)
    await place.parts.planner.tick()
    now = place.clock.now()

    async def unit(connection):  # type: ignore[no-untyped-def]
        failed = outbox.c.recipient_key == ANA.key
        await connection.execute(
            update(outbox).where(failed).values(
                state="failed", reason="refused (RCPT)", reply="550 5.1.1 no such user <b>here</b>",
                reply_code=550, settled_at=now,
            )
        )  # fmt: skip
        sent = update(outbox).where(~failed).values(state="sent", settled_at=now)
        (row_id,) = (await connection.execute(sent.returning(outbox.c.id))).scalars()
        await connection.execute(
            insert(bounce).values(**{"outbox_id": row_id, "at": now, "class": "full", "status":
                "4.2.2", "source": "report", "detail": "452 4.2.2 over quota", "judged": True})
        )  # fmt: skip

    await place.parts.store.write(unit)
    page = await (await place.signed_in()).get(f"{HERE}/{item.id}")
    told = page.words.partition("What became of it")[2].partition("Preview")[0]
    assert told.split("Why not all have it")[0].split() == [
        "Sent",
        "1",
        "Failed",
        "1",
        "Came",
        "back",
        "1",
    ]
    assert "Failed (5.1.1) refused (RCPT) 550 5.1.1 no such user <b>here</b>" in told
    assert "1 Came back: mailbox full (4.2.2) 452 4.2.2 over quota" in told
    assert "<b>here</b>" not in page.text


async def test_a_preview_is_in_the_language_that_was_asked_for(place: Place) -> None:
    item = await write(place)
    desktop = await place.signed_in()
    pages = [
        await desktop.get(f"{HERE}/{item.id}/mail.html?language={one}") for one in ("en", "fr")
    ]
    assert ['lang="en"' in pages[0].text, 'lang="fr"' in pages[1].text] == [True, True]
    text_ = await desktop.get(f"{HERE}/{item.id}?look=text&language=fr")
    assert "Vous recevez ce message en raison de votre abonnement" in text_.words


async def test_a_preview_of_every_kind_of_mailing(place: Place) -> None:
    await subscribed(place.parts, ANA)
    await place.webinar(title="The Content Code")
    await place.parts.planner.tick()
    desktop = await place.signed_in()
    subjects = set()
    for number in range(1, 4):
        assert (await desktop.get(f"{HERE}/{number}/mail.html")).status == 200
        subjects.add((await desktop.get(f"{HERE}/{number}")).words.partition("Subject:")[2][:12])
    assert subjects == {" Webinar on ", " Reminder: T"}


async def test_what_organisers_write_is_text_on_every_page(place: Place) -> None:
    """S9."""
    desktop = await place.signed_in()
    for vector in VECTORS:
        answer = await send(desktop, "keep", subject=vector, text=f"{vector}\n\n[x](javascript:a)")
        path = answer.headers["location"].partition("?")[0]
        for page in (path, f"{path}?look=text", f"{path}/edit", HERE, "/admin/copyright"):
            shown = (await desktop.get(page)).text
            assert ("<script" in shown, "<img" in shown, ">49<" in shown) == (False,) * 3
        mail = (await desktop.get(f"{path}/mail.html")).text
        assert ("<script" in mail, "<img" in mail, 'href="javascript' in mail) == (False,) * 3


async def test_a_broken_template_is_told_before_anything_is_queued(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    (folder / "mail" / "message").mkdir(parents=True)
    (folder / "mail" / "message" / "body.txt").write_text("{{ nothing.here }}")
    settings = config(f"sqlite:///{tmp_path}/m.db", tmp_path, templates=Templates(folder=folder))
    async with opened_place(settings) as place:
        answer = await send(await place.signed_in(), "queue")
        assert (answer.status, "line 1" in answer.words) == (422, True)
        item = await write(place)
        page = await (await place.signed_in()).get(f"{HERE}/{item.id}")
        assert (page.status, "line 1" in page.words) == (200, True)


async def test_a_text_about_a_webinar_is_offered_the_webinars(place: Place) -> None:
    await place.webinar(title="The Content Code")
    await place.webinar("capasso")
    desktop = await place.signed_in()
    page = await desktop.get(f"{NEW}?webinar=iscc")
    assert '<option value="iscc" selected>' in page.text
    answer = await send(desktop, "keep", webinar="iscc", audience="registered")
    item = await at(place, answer.headers["location"])
    assert (item.webinar, item.audience) == ("iscc", "registered")


async def test_the_list_has_what_was_written_the_latest_first(place: Place) -> None:
    await place.webinar(title="The Content Code")
    await place.parts.planner.tick()
    for number in range(11):
        await write(place, f"Text {number}", at="2026-12-01T09:00")
    desktop = await place.signed_in()
    first = (await desktop.get(HERE)).words
    assert first.index("Text 10") < first.index("Text 9") < first.index("Text 1 ")
    assert "Text 0" in (await desktop.get(f"{HERE}?page=2")).words
    assert "Content Code" not in first
    assert (await desktop.get(f"{HERE}?page=3")).status == 404
