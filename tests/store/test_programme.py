"""The programme in the database: numbers, revisions, and how few statements that takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.config.model import Series
from mailer.message.facts import Link, Speaker
from mailer.store import programme, shown
from mailer.store.engine import How, Store, open_store
from mailer.store.programme import NewWebinar, Revision, WebinarContent, WebinarRecord
from scheduler.model import Status

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SERIES = Series(
    id="talks", title="Talks", address="talks@lists.example.org", timezone="Europe/Zurich"
)
CONTENT = WebinarContent(
    title="Matching services",
    abstract="Some *Markdown*.",
    language="en",
    wall_start=datetime(2026, 11, 25, 13),  # noqa: DTZ001
    zone="Europe/Zurich",
    starts_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
    ends_at=datetime(2026, 11, 25, 13, tzinfo=UTC),
    registration_url="",
    join_url="https://meet.example.org/secret",
    capacity=20,
    speakers=(Speaker(name="Ada Example", address="ada@example.org"),),
    links=(Link(title="Paper", url="https://www.example.org/paper"),),
)
SLIDES = Link(title="Slides", url="https://www.example.org/slides.pdf")


@pytest_asyncio.fixture
async def store(migrated_url: str) -> AsyncIterator[Store]:
    store = open_store(migrated_url)
    await store.write(lambda c: programme.import_series(c, [SERIES]))
    yield store
    await store.dispose()


@pytest_asyncio.fixture
async def record(store: Store) -> WebinarRecord:
    return await added(store, "matching")


async def added(store: Store, slug: str, *, draft: bool = False) -> WebinarRecord:
    return await store.write(
        lambda c: programme.add(
            c, series_id="talks", slug=slug, content=CONTENT, draft=draft, now=NOW
        )
    )


async def revised(store: Store, change: Revision) -> WebinarRecord:
    (changed,) = await store.write(lambda c: programme.revise_all(c, [change], now=LATER))
    return changed


async def test_a_new_webinar_reads_back_as_it_was_written(store: Store) -> None:
    made = await added(store, "matching")
    assert made == await store.read(lambda c: programme.find(c, "talks", "matching"))
    assert made.content == CONTENT
    assert (made.number, made.revision, made.sequence) == (1, 0, 0)
    assert (made.status, made.published_at, made.stamp) == (Status.SCHEDULED, NOW, NOW)


async def test_a_draft_is_not_published(store: Store) -> None:
    made = await added(store, "matching", draft=True)
    assert (made.status, made.published_at) == (Status.DRAFT, None)


async def test_numbers_follow_the_order_given_and_go_on_from_the_last(
    store: Store, record: WebinarRecord
) -> None:
    new = [NewWebinar(slug=slug, content=CONTENT) for slug in ("b", "a", "c")]
    made = await store.write(lambda c: programme.add_all(c, series_id="talks", new=new, now=NOW))
    assert [(one.number, one.slug) for one in made] == [(2, "b"), (3, "a"), (4, "c")]
    assert len({one.uid for one in (record, *made)}) == 4


async def test_nothing_to_add_or_change_takes_no_statement(store: Store) -> None:
    async def unit(connection: AsyncConnection) -> int:
        async def nothing() -> None:
            assert await programme.add_all(connection, series_id="talks", new=[], now=NOW) == ()
            assert await programme.revise_all(connection, [], now=NOW) == ()

        return await counted(connection, nothing)

    assert await store.write(unit) == 0


async def test_many_webinars_take_as_many_statements_as_one(store: Store) -> None:
    async def unit(connection: AsyncConnection) -> tuple[int, int]:
        new = [NewWebinar(slug=f"w{number}", content=CONTENT) for number in range(40)]

        async def add() -> None:
            await programme.add_all(connection, series_id="talks", new=new, now=NOW)

        adding = await counted(connection, add)
        records = await programme.listing(connection)

        async def revise() -> None:
            changes = [Revision(record=one, reason="Why not.") for one in records]
            await programme.revise_all(connection, changes, now=LATER)

        return adding, await counted(connection, revise)

    assert await store.write(unit) == (4, 6)


async def test_every_change_makes_another_edition_of_its_series_alone(store: Store) -> None:
    other = replace(SERIES, id="others", address="others@lists.example.org")
    await store.write(lambda c: programme.import_series(c, [other]))
    seen = [await store.read(shown.editions, how=How.ALONE)]

    async def note(change: Revision | None = None) -> None:
        if change is not None:
            await revised(store, change)
        seen.append(await store.read(shown.editions, how=How.ALONE))

    made = await added(store, "matching", draft=True)
    await note()
    await note(Revision(record=made, content=replace(CONTENT, title="Another title")))
    await note(Revision(record=made, status=Status.SCHEDULED))
    await note(Revision(record=made, materials=(SLIDES,)))
    await note(Revision(record=made, status=Status.CANCELLED, reason="Ill."))
    await note(Revision(record=made))
    assert len({one["talks"] for one in seen}) == len(seen)
    assert {one["others"] for one in seen} == {0}


async def test_an_edition_that_is_read_anew_does_not_wait_for_who_changes_it(store: Store) -> None:
    before = await store.read(shown.editions, how=How.ALONE)

    async def unit(connection: AsyncConnection) -> None:
        new = [NewWebinar(slug="matching", content=CONTENT)]
        await programme.add_all(connection, series_id="talks", new=new, now=NOW)
        assert await store.read(shown.editions, how=How.ALONE) == before

    await store.write(unit)
    assert await store.read(shown.editions, how=How.ALONE) != before


async def test_the_next_end_is_that_of_what_everybody_sees(
    store: Store, record: WebinarRecord
) -> None:
    async def told(now: datetime) -> datetime | None:
        return await store.read(lambda c: shown.next_end(c, "talks", now=now))

    await store.write(
        lambda c: programme.add(
            c,
            series_id="talks",
            slug="draft",
            content=replace(CONTENT, ends_at=record.ends_at - timedelta(minutes=30)),
            draft=True,
            now=NOW,
        )
    )
    just = timedelta(milliseconds=1)
    assert await told(record.ends_at - just) == record.ends_at
    assert await told(record.ends_at) is None


async def counted(connection: AsyncConnection, work: Callable[[], Awaitable[None]]) -> int:
    """How many statements some work takes."""
    seen: list[str] = []
    sync = connection.sync_connection

    def count(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(sync, "before_cursor_execute", count)
    try:
        await work()
    finally:
        event.remove(sync, "before_cursor_execute", count)
    return len(seen)


async def test_revisions_come_back_in_the_order_given(store: Store) -> None:
    first, second = await added(store, "first"), await added(store, "second")
    changes = [
        Revision(record=second, content=replace(CONTENT, title="Two")),
        Revision(record=first, materials=(SLIDES,)),
    ]
    changed = await store.write(lambda c: programme.revise_all(c, changes, now=LATER))
    assert changed == (
        replace(second, title="Two", revision=1, stamp=LATER),
        replace(first, materials=(SLIDES,), materials_at=LATER, revision=1, stamp=LATER),
    )


@pytest.mark.parametrize(
    ("change", "sequence"),
    [
        ({"title": "Another"}, 0),
        ({"abstract": ""}, 0),
        ({"capacity": 0}, 0),
        ({"starts_at": CONTENT.starts_at - timedelta(hours=1)}, 1),
        ({"ends_at": CONTENT.ends_at + timedelta(hours=1)}, 1),
        ({"join_url": "https://meet.example.org/other"}, 1),
        ({"registration_url": "https://www.example.org/register"}, 1),
    ],
)
async def test_only_time_and_place_count_as_a_new_sequence(
    store: Store, record: WebinarRecord, change: dict[str, object], sequence: int
) -> None:
    content = replace(CONTENT, **change)  # type: ignore[arg-type]
    changed = await revised(store, Revision(record=record, content=content))
    assert (changed.content, changed.revision, changed.sequence) == (content, 1, sequence)


async def test_cancel_and_revive_are_two_sequences(store: Store, record: WebinarRecord) -> None:
    off = await revised(store, Revision(record=record, status=Status.CANCELLED, reason="Ill."))
    assert (off.status, off.sequence, off.reason) == (Status.CANCELLED, 1, "Ill.")
    on = await revised(store, Revision(record=off, status=Status.SCHEDULED, reason=""))
    assert on == replace(record, revision=2, sequence=2, stamp=LATER)


async def test_publishing_a_draft_is_no_new_sequence(store: Store) -> None:
    draft = await added(store, "matching", draft=True)
    changed = await revised(store, Revision(record=draft, status=Status.SCHEDULED))
    assert (changed.published_at, changed.revision, changed.sequence) == (LATER, 1, 0)


async def test_materials_keep_the_instant_of_the_first_until_all_are_gone(
    store: Store, record: WebinarRecord
) -> None:
    first = await revised(store, Revision(record=record, materials=(SLIDES,)))
    more = (SLIDES, Link(title="Recording", url="https://www.example.org/r"))
    (second,) = await store.write(
        lambda c: programme.revise_all(
            c, [Revision(record=first, materials=more)], now=LATER + timedelta(days=1)
        )
    )
    assert (second.materials, second.materials_at) == (more, LATER)
    none = await revised(store, Revision(record=second, materials=()))
    assert (none.materials, none.materials_at) == ((), None)


async def test_what_has_ended_is_over_and_not_upcoming(store: Store, record: WebinarRecord) -> None:
    at_the_end = CONTENT.ends_at
    assert record.status_at(at_the_end - timedelta(seconds=1)) is Status.SCHEDULED
    assert record.status_at(at_the_end) is Status.OVER
    assert await store.read(lambda c: programme.upcoming(c, "talks", now=at_the_end, limit=5)) == ()
    assert await store.read(lambda c: programme.listing(c, ends_after=at_the_end)) == ()
    assert await store.read(lambda c: programme.listing(c, series_id="talks")) == (record,)


async def test_the_join_address_is_for_registered_people(record: WebinarRecord) -> None:
    assert record.facts(base_url="", registered=False).join_url == ""
    assert record.facts(base_url="", registered=True).join_url == CONTENT.join_url
