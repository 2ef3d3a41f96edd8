"""Changes of the programme: what they store, what they refuse, and what they leave alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from mailer.config.model import Series, Slots
from mailer.errors import ChangeRefused, UnknownWebinar
from mailer.files.programme import WebinarDraft, read_programme
from mailer.intake import editing, placing
from mailer.intake.drafting import Difference
from mailer.intake.editing import Action, Edited, Note, Remark
from mailer.message.facts import Link
from mailer.store import programme, setting
from mailer.store.engine import Store, open_store
from mailer.store.upgrade import make_ready
from scheduler.model import Status
from tests.world import make_sqlite

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
WALL = datetime(2026, 11, 25, 13)  # noqa: DTZ001
SERIES = Series(
    id="talks",
    title="Talks",
    address="talks@lists.example.org",
    timezone="Europe/Zurich",
    slots=Slots(rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", start=datetime(2026, 1, 14, 13)),  # noqa: DTZ001
)
DRAFT = WebinarDraft(
    id="matching",
    title="Matching services",
    wall_start=WALL,
    duration=timedelta(hours=1),
    language="en",
    given=frozenset({"id"}),
)
SLIDES = Link(title="Slides", url="https://www.example.org/slides.pdf")
FILE = """
[[webinar]]
id = "first"
title = "First"
starts = 2026-11-11T13:00:00
[[webinar]]
id = "second"
title = "Second"
starts = 2026-11-25T13:00:00
abstract = "About the second."
"""


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = open_store(url)
    try:
        await make_ready(store, upgrade=True)
        await store.write(lambda c: programme.import_series(c, [SERIES]))
        yield store
    finally:
        await store.dispose()


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    path = tmp_path / "mailer.db"
    await make_sqlite(path)
    async with opened(f"sqlite:///{path}") as store:
        yield store


@pytest_asyncio.fixture
async def one(store: Store) -> Store:
    """A database with one scheduled webinar, matching."""
    await store.write(lambda c: editing.add(c, SERIES, DRAFT, now=NOW))
    return store


async def changes(store: Store) -> int:
    return int(await store.read(lambda c: setting.get(c, setting.CHANGE)) or 0)


async def imported(
    store: Store, text: str, *, now: datetime = NOW, series: Series = SERIES
) -> list[tuple[str, int, Action]]:
    drafts = read_programme(text.encode(), name="p.toml", series=series)
    result = await store.write(lambda c: editing.import_drafts(c, series, drafts, now=now))
    return [(each.record.slug, each.record.number, each.action) for each in result]


async def edited(store: Store, *given: str, now: datetime = NOW, **values: object) -> Edited:
    draft = replace(DRAFT, **values)  # type: ignore[arg-type]
    return await store.write(lambda c: editing.edit(c, SERIES, "matching", draft, given, now=now))


# import


async def test_importing_twice_changes_nothing_the_second_time(store: Store) -> None:
    assert await imported(store, FILE) == [
        ("first", 1, Action.ADDED),
        ("second", 2, Action.ADDED),
    ]
    before = await store.read(programme.listing), await changes(store)
    assert await imported(store, FILE, now=NOW + timedelta(days=1)) == [
        ("first", 1, Action.UNCHANGED),
        ("second", 2, Action.UNCHANGED),
    ]
    assert (await store.read(programme.listing), await changes(store)) == before


async def test_an_import_changes_only_what_the_file_says_otherwise(store: Store) -> None:
    await imported(store, FILE)
    text = FILE.replace('abstract = "About the second."', 'language = "fr"')
    text += '[[webinar]]\nid = "third"\ntitle = "Third"\nstarts = 2026-12-09T13:00:00\n'
    drafts = read_programme(text.encode(), name="p.toml", series=SERIES)
    result = await store.write(lambda c: editing.import_drafts(c, SERIES, drafts, now=NOW))
    assert [(each.record.slug, each.action, each.differences) for each in result] == [
        ("first", Action.UNCHANGED, ()),
        ("second", Action.CHANGED, (Difference(field="language", old="en", new="fr"),)),
        ("third", Action.ADDED, ()),
    ]
    assert result[1].record.abstract == "About the second."


async def test_wall_clock_zone_and_instant_are_stored_together(store: Store) -> None:
    await imported(store, FILE.replace("2026-11-11", "2026-10-21"))
    records = await store.read(programme.listing)
    assert [(each.wall_start.hour, each.zone, each.starts_at.hour) for each in records] == [
        (13, "Europe/Zurich", 11),
        (13, "Europe/Zurich", 12),
    ]


async def test_a_moved_series_moves_what_is_imported_to_its_zone(store: Store) -> None:
    await imported(store, FILE)
    series = replace(SERIES, timezone="Europe/London")
    assert [action for *_, action in await imported(store, FILE, series=series)] == [
        Action.CHANGED,
        Action.CHANGED,
    ]
    records = await store.read(programme.listing)
    assert [(each.zone, each.starts_at.hour) for each in records] == [("Europe/London", 13)] * 2


async def test_a_draft_in_a_file_is_published_when_the_file_says_so(store: Store) -> None:
    draft = FILE.replace('id = "first"', 'id = "first"\ndraft = true')
    await imported(store, draft)
    first = await store.read(lambda c: editing.find(c, SERIES, "first"))
    assert (first.status, first.published_at) == (Status.DRAFT, None)
    assert (await imported(store, draft))[0] == ("first", 1, Action.UNCHANGED)
    assert (await imported(store, FILE))[0] == ("first", 1, Action.CHANGED)
    first = await store.read(lambda c: editing.find(c, SERIES, "first"))
    assert (first.status, first.published_at) == (Status.SCHEDULED, NOW)


async def test_a_published_webinar_does_not_become_a_draft_again(store: Store) -> None:
    await imported(store, FILE)
    draft = FILE.replace('id = "first"', 'id = "first"\ndraft = true')
    drafts = read_programme(draft.encode(), name="p.toml", series=SERIES)
    result = await store.write(lambda c: editing.import_drafts(c, SERIES, drafts, now=NOW))
    assert (result[0].action, result[0].notes) == (
        Action.UNCHANGED,
        (Note(remark=Remark.NO_DRAFT),),
    )


async def test_an_import_does_not_revive_what_was_cancelled(store: Store) -> None:
    await imported(store, FILE)
    await store.write(lambda c: editing.cancel(c, SERIES, "first", reason=None, now=NOW))
    assert (await imported(store, FILE))[0] == ("first", 1, Action.UNCHANGED)
    text = FILE.replace('"First"', '"The first"')
    drafts = read_programme(text.encode(), name="p.toml", series=SERIES)
    result = await store.write(lambda c: editing.import_drafts(c, SERIES, drafts, now=NOW))
    assert (result[0].action, result[0].record.status, result[0].notes) == (
        Action.CHANGED,
        Status.CANCELLED,
        (Note(remark=Remark.STAYS_CANCELLED),),
    )


async def test_webinars_at_the_same_time_are_pointed_out(one: Store) -> None:
    drafts = read_programme(FILE.encode(), name="p.toml", series=SERIES)
    result = await one.write(lambda c: editing.import_drafts(c, SERIES, drafts, now=NOW))
    together = Note(remark=Remark.TOGETHER, other="matching")
    assert [each.notes for each in result] == [(), (together,)]


# add


async def test_an_added_webinar_is_scheduled_and_the_daemon_is_told(store: Store) -> None:
    result = await store.write(lambda c: editing.add(c, SERIES, DRAFT, now=NOW))
    assert (result.action, result.record.status) == (Action.ADDED, Status.SCHEDULED)
    assert await changes(store) == 1


async def test_an_id_made_from_the_title_gives_way_to_one_that_is_taken(one: Store) -> None:
    again = replace(DRAFT, wall_start=WALL + timedelta(days=14), given=frozenset())
    result = await one.write(lambda c: editing.add(c, SERIES, again, now=NOW))
    assert (result.record.slug, result.record.number) == ("matching-2", 2)


async def test_an_id_that_was_asked_for_and_is_taken_is_refused(one: Store) -> None:
    again = replace(DRAFT, wall_start=WALL + timedelta(days=14))
    with pytest.raises(ChangeRefused, match="the id matching is taken"):
        await one.write(lambda c: editing.add(c, SERIES, again, now=NOW))


async def test_the_same_webinar_is_not_added_twice_by_accident(one: Store) -> None:
    again = replace(DRAFT, id="made", given=frozenset())
    with pytest.raises(ChangeRefused, match="matching is this webinar already"):
        await one.write(lambda c: editing.add(c, SERIES, again, now=NOW))


# edit and move


async def test_an_edit_takes_only_the_given_fields(one: Store) -> None:
    result = await edited(one, "title", "capacity", title="New", capacity=5, abstract="Not given.")
    assert result.differences == (
        Difference(field="title", old="Matching services", new="New"),
        Difference(field="capacity", old=0, new=5),
    )
    assert (result.record.abstract, result.record.revision, result.record.sequence) == ("", 1, 0)


async def test_an_edit_that_changes_nothing_makes_no_revision(one: Store) -> None:
    before = await changes(one)
    result = await edited(one, "title", "starts", "duration")
    assert (result.action, result.record.revision) == (Action.UNCHANGED, 0)
    assert await changes(one) == before


async def test_a_move_keeps_the_length_and_counts_a_sequence(one: Store) -> None:
    result = await edited(one, "starts", wall_start=WALL + timedelta(days=1))
    record = result.record
    assert record.wall_start == WALL + timedelta(days=1)
    assert record.ends_at - record.starts_at == timedelta(hours=1)
    assert (record.revision, record.sequence) == (1, 1)
    start = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert result.differences == (
        Difference(field="starts_at", old=start, new=start + timedelta(days=1)),
    )


async def test_of_two_changes_at_once_none_is_lost(migrated_url: str) -> None:
    async with opened(migrated_url) as store:
        await store.write(lambda c: editing.add(c, SERIES, DRAFT, now=NOW))
        await asyncio.gather(
            edited(store, "title", title="New"),
            edited(store, "abstract", abstract="Text."),
            edited(store, "capacity", capacity=7),
        )
        record = await store.read(lambda c: editing.find(c, SERIES, "matching"))
    assert (record.title, record.abstract, record.capacity) == ("New", "Text.", 7)
    assert record.revision == 3


# publish, cancel, revive


async def test_a_draft_is_published_once(store: Store) -> None:
    draft = replace(DRAFT, draft=True)
    await store.write(lambda c: editing.add(c, SERIES, draft, now=NOW))
    later = NOW + timedelta(hours=1)
    first = await store.write(lambda c: editing.publish(c, SERIES, "matching", now=later))
    assert (first.action, first.record.published_at) == (Action.CHANGED, later)
    again = await store.write(lambda c: editing.publish(c, SERIES, "matching", now=later))
    assert again == Edited(record=first.record, action=Action.UNCHANGED)


async def test_a_draft_of_the_past_cannot_be_published(store: Store) -> None:
    draft = replace(DRAFT, draft=True)
    await store.write(lambda c: editing.add(c, SERIES, draft, now=NOW))
    with pytest.raises(ChangeRefused, match="matching would be over: move it first"):
        await store.write(
            lambda c: editing.publish(c, SERIES, "matching", now=NOW + timedelta(days=60))
        )


async def test_cancel_revive_and_the_reason(one: Store) -> None:
    async def cancel(reason: str | None) -> Edited:
        return await one.write(
            lambda c: editing.cancel(c, SERIES, "matching", reason=reason, now=NOW)
        )

    off = await cancel("Ill.")
    assert (off.record.status, off.record.reason) == (Status.CANCELLED, "Ill.")
    assert off.record.sequence == 1
    assert off.notes == ()
    assert (await cancel(None)).action is Action.UNCHANGED
    worded = await cancel("The speaker is ill.")
    assert (worded.record.revision, worded.record.sequence) == (2, 1)
    on = await one.write(lambda c: editing.publish(c, SERIES, "matching", now=NOW))
    assert (on.record.status, on.record.reason) == (Status.SCHEDULED, "")
    assert on.record.sequence == 2


async def test_what_is_over_cannot_be_cancelled(one: Store) -> None:
    with pytest.raises(ChangeRefused, match="matching is over"):
        await one.write(
            lambda c: editing.cancel(
                c, SERIES, "matching", reason=None, now=NOW + timedelta(days=60)
            )
        )


# materials


async def test_materials_are_added_once_per_address_or_replaced(one: Store) -> None:
    async def put(*links: Link, instead: bool = False) -> Edited:
        return await one.write(
            lambda c: editing.put_materials(c, SERIES, "matching", links, instead=instead, now=NOW)
        )

    recording = Link(title="Recording", url="https://www.example.org/recording")
    assert (await put(SLIDES)).record.materials == (SLIDES,)
    assert (await put(SLIDES)).action is Action.UNCHANGED
    assert (await put(recording)).record.materials == (SLIDES, recording)
    renamed = replace(SLIDES, title="The slides")
    assert (await put(renamed)).record.materials == (renamed, recording)
    last = await put(recording, instead=True)
    assert (last.record.materials, last.record.sequence) == ((recording,), 0)


async def test_asking_to_tell_of_what_is_over_is_answered_that_nobody_is_told(one: Store) -> None:
    async def put(link: Link, now: datetime) -> list[Remark]:
        edited = await one.write(
            lambda c: editing.put_materials(c, SERIES, "matching", [link], notify=True, now=now)
        )
        return [note.remark for note in edited.notes]

    recording = Link(title="Recording", url="https://www.example.org/recording")
    assert await put(SLIDES, NOW) == []
    assert await put(recording, NOW + timedelta(days=60)) == [Remark.UNTOLD]


# finding


async def test_a_webinar_is_found_by_id_and_by_number(one: Store) -> None:
    by_id = await one.read(lambda c: editing.find(c, SERIES, "matching"))
    assert by_id == await one.read(lambda c: editing.find(c, SERIES, "1"))


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("matchin", "there is no webinar 'matchin' in talks; did you mean matching?"),
        ("zzz", "there is no webinar 'zzz' in talks; `mailer webinar list` shows all"),
        ("2", "there is no webinar '2' in talks; `mailer webinar list` shows all"),
        ("²", "there is no webinar '²' in talks; `mailer webinar list` shows all"),
    ],
)
async def test_an_unknown_id_names_the_nearest(one: Store, wanted: str, says: str) -> None:
    with pytest.raises(UnknownWebinar) as caught:
        await one.write(lambda c: editing.publish(c, SERIES, wanted, now=NOW))
    assert str(caught.value) == says


# slots


async def test_a_slot_is_taken_by_what_runs_in_it_unless_cancelled(one: Store) -> None:
    async def taken() -> list[tuple[str, tuple[str, ...]]]:
        records = await one.read(programme.listing)
        found = placing.places(SERIES, records, after=NOW, count=3)
        return [(f"{each.slot.wall_start:%m-%d}", each.webinars) for each in found]

    assert await taken() == [("11-04", ()), ("11-18", ()), ("12-02", ())]
    await edited(one, "starts", wall_start=datetime(2026, 11, 18, 13, 30))  # noqa: DTZ001
    assert await taken() == [("11-04", ()), ("11-18", ("matching",)), ("12-02", ())]
    await edited(one, "starts", wall_start=datetime(2026, 11, 18, 14))  # noqa: DTZ001
    assert await taken() == [("11-04", ()), ("11-18", ()), ("12-02", ())]
    await edited(one, "starts", wall_start=datetime(2026, 11, 4, 13))  # noqa: DTZ001
    records = await one.read(programme.listing)
    free = placing.next_free(SERIES, records, after=NOW)
    assert free.wall_start == datetime(2026, 11, 18, 13)  # noqa: DTZ001
    await one.write(lambda c: editing.cancel(c, SERIES, "matching", reason=None, now=NOW))
    records = await one.read(programme.listing)
    free = placing.next_free(SERIES, records, after=NOW)
    assert free.wall_start == datetime(2026, 11, 4, 13)  # noqa: DTZ001


async def test_a_series_without_slots_or_with_all_gone_says_so(one: Store) -> None:
    with pytest.raises(ChangeRefused, match="the series talks has no slots"):
        placing.places(replace(SERIES, slots=None), (), after=NOW, count=1)
    ended = replace(SERIES, slots=Slots(rrule="FREQ=DAILY;COUNT=1", start=WALL))
    records = await one.read(programme.listing)
    with pytest.raises(ChangeRefused, match="no free slot any more"):
        placing.next_free(ended, records, after=NOW)
