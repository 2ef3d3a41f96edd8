"""What organisers wrote: its text and version, and who did what to it.

An announcement that an organiser wrote is an `announcement` row of kind *message* with a row here
beside it. It waits for approval or is planned; from then on it is let go like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store.announcement import State
from mailer.store.schema import announcement, deed, webinar, written
from scheduler.model import Audience, Kind

# States in which the same text counts as queued already.
ALIVE = (State.WAITING, State.PLANNED, State.SENDING, State.PAUSED, State.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One announcement that an organiser wrote. ``webinar`` is an id, or None; ``writer`` who wrote
    this ``version``, empty for the command line. ``due_given`` and ``expires_given`` tell whether
    its times were, or follow from when it is approved."""

    id: int
    series_id: str
    webinar_id: int | None
    webinar: str | None
    subject: str
    content: str
    audience: Audience
    language: str
    digest: str
    writer: str
    version: int
    due_at: datetime
    due_given: bool
    expires_at: datetime
    expires_given: bool
    state: State
    reason: str
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is stored of a text: a new one, or one that replaces another."""

    subject: str
    content: str
    audience: Audience
    webinar_id: int | None
    sequence: int
    language: str
    digest: str
    writer: str
    due_at: datetime
    due_given: bool
    expires_at: datetime
    expires_given: bool


async def add(
    connection: AsyncConnection, series_id: str, draft: Draft, *, state: State, now: datetime
) -> int:
    """Store a new text, waiting or planned; its id."""
    times = await connection.scalar(
        select(func.count()).select_from(written).where(written.c.digest == draft.digest)
    )
    key = f"written:{draft.digest}:{times}"
    made = await connection.execute(
        insert(announcement)
        .values(
            key=key,
            series_id=series_id,
            notice_id=key,  # one for each, so that having got one of them never counts for another
            kind=Kind.MESSAGE,
            state=state,
            created_at=now,
            **_announced(draft),
        )
        .returning(announcement.c.id)
    )
    announcement_id = int(made.scalar_one())
    await connection.execute(
        insert(written).values(announcement_id=announcement_id, version=1, **_beside(draft))
    )
    return announcement_id


async def replace(connection: AsyncConnection, announcement_id: int, draft: Draft) -> int:
    """Put another text in the place of one that waits; the version, which makes what was asked of
    the one before void."""
    await connection.execute(
        update(announcement).where(announcement.c.id == announcement_id).values(**_announced(draft))
    )
    made = await connection.execute(
        update(written)
        .where(written.c.announcement_id == announcement_id)
        .values(version=written.c.version + 1, **_beside(draft))
        .returning(written.c.version)
    )
    return int(made.scalar_one())


def _announced(draft: Draft) -> dict[str, object]:
    return {
        "webinar_id": draft.webinar_id,
        "sequence": draft.sequence,
        "audience": draft.audience,
        "subject": draft.subject,
        "content": draft.content,
        "due_at": draft.due_at,
        "released_at": draft.due_at,
        "expires_at": draft.expires_at,
    }


def _beside(draft: Draft) -> dict[str, object]:
    names = ("digest", "writer", "language", "due_given", "expires_given")
    return {name: getattr(draft, name) for name in names}


async def let_go(
    connection: AsyncConnection, announcement_id: int, *, due_at: datetime, expires_at: datetime
) -> bool:
    """Plan what waits; False if it does not wait any more."""
    changed = await connection.execute(
        update(announcement)
        .where(announcement.c.id == announcement_id, announcement.c.state == State.WAITING)
        .values(
            state=State.PLANNED, due_at=due_at, released_at=due_at, expires_at=expires_at, reason=""
        )
    )
    return changed.rowcount == 1


async def by_id(
    connection: AsyncConnection, announcement_id: int, *, lock: bool = False
) -> Written | None:
    """What an organiser wrote under this id; ``lock`` keeps others from changing it meanwhile."""
    statement = _selection().where(announcement.c.id == announcement_id)
    if lock:
        statement = statement.with_for_update(of=[announcement, written])
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _written(row)


async def alive(connection: AsyncConnection, series_id: str, digest: str) -> Written | None:
    """The last announcement with this text that waits, goes out or went out."""
    row = (
        await connection.execute(
            _selection()
            .where(
                written.c.digest == digest,
                announcement.c.series_id == series_id,
                announcement.c.state.in_(ALIVE),
            )
            .order_by(announcement.c.id.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else _written(row)


async def waiting(connection: AsyncConnection) -> tuple[Written, ...]:
    """What organisers wrote that waits or is planned, by when it is due."""
    rows = await connection.execute(
        _selection()
        .where(announcement.c.state.in_((State.WAITING, State.PLANNED)))
        .order_by(announcement.c.due_at, announcement.c.id)
    )
    return tuple(_written(row) for row in rows)


def _selection() -> Select[tuple[object, ...]]:
    own = ("digest", "writer", "language", "version", "due_given", "expires_given")
    announced = Written.__dataclass_fields__.keys() - {*own, "webinar"}
    return (
        select(
            *(announcement.c[name] for name in sorted(announced)),
            *(written.c[name] for name in own),
            webinar.c.slug.label("webinar"),
        )
        .select_from(announcement)
        .join(written, written.c.announcement_id == announcement.c.id)
        .outerjoin(webinar, webinar.c.id == announcement.c.webinar_id)
    )


def _written(row: Row[tuple[object, ...]]) -> Written:
    fields = dict(row._mapping)
    fields |= {"audience": Audience(fields["audience"]), "state": State(fields["state"])}
    return Written(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that somebody did to an announcement."""

    at: datetime
    who: str
    act: str


async def note(
    connection: AsyncConnection,
    announcement_id: int,
    *,
    who: str,
    act: str,
    now: datetime,
) -> None:
    """Write down what somebody did."""
    await connection.execute(
        insert(deed).values(announcement_id=announcement_id, at=now, who=who, act=act)
    )


async def deeds(connection: AsyncConnection, announcement_id: int) -> tuple[Deed, ...]:
    """What was done to an announcement, in that order."""
    columns = [deed.c[name] for name in Deed.__dataclass_fields__]
    rows = await connection.execute(
        select(*columns).where(deed.c.announcement_id == announcement_id).order_by(deed.c.id)
    )
    return tuple(Deed(**row._mapping) for row in rows)
