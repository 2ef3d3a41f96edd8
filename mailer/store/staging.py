"""A file of people on its way in: staged in slices, decided at once, then worked off in slices.

Before `decide` nothing of a batch counts, after it everything does: whoever looks first finishes
what a killed import left. A slice is worked off in one transaction together with `note`, so that
nobody is taken twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.files.people_csv import PersonRow
from mailer.message.address import Address
from mailer.message.command import Channel
from mailer.store.schema import import_batch, import_row
from mailer.store.statement import upsert


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How people come in. ``confirmed`` when an organiser says how they consented, in the words
    ``evidence``; else they are asked, and ``evidence`` says where their address is from.
    ``channel`` is the organiser's way."""

    confirmed: bool
    evidence: str
    welcome: bool = False
    channel: Channel = Channel.COMMAND_LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One import: ``added``, ``asked`` and ``unchanged`` count what was worked off so far."""

    id: int
    series_id: str
    terms: Terms
    made_at: datetime
    decided_at: datetime | None
    total: int
    done_to: int
    finished: bool
    added: int
    asked: int
    unchanged: int

    @property
    def done_so_far(self) -> int:
        """How many were worked off, who stayed out aside."""
        return self.added + self.asked + self.unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """One person of a batch."""

    id: int
    person: PersonRow


async def open_batch(
    connection: AsyncConnection, series_id: str, terms: Terms, *, now: datetime
) -> int:
    """Begin an import; its id."""
    made = await connection.execute(
        insert(import_batch)
        .values(
            series_id=series_id,
            confirmed=terms.confirmed,
            evidence=terms.evidence,
            welcome=terms.welcome,
            channel=terms.channel,
            made_at=now,
        )
        .returning(import_batch.c.id)
    )
    return int(made.scalar_one())


async def stage(connection: AsyncConnection, batch_id: int, rows: Sequence[PersonRow]) -> None:
    """Put people into a batch. The first row of an address stands; a later one fills what that left
    empty."""
    if not rows:
        return
    statement = upsert(connection, import_row)
    new = statement.excluded
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[import_row.c.batch_id, import_row.c.address_key],
            set_={
                "name": func.coalesce(import_row.c.name, new.name),
                "language": func.coalesce(import_row.c.language, new.language),
                "timezone": func.coalesce(import_row.c.timezone, new.timezone),
            },
        ),
        [
            {
                "batch_id": batch_id,
                "address_key": row.address.key,
                "mailbox": row.address.mailbox,
                "name": row.name,
                "language": row.language,
                "timezone": row.timezone,
            }
            for row in rows
        ],
    )


async def decide(connection: AsyncConnection, batch_id: int, *, now: datetime) -> int:
    """From now on every person of the batch counts as taken; how many they are."""
    total = await connection.scalar(
        select(func.count()).select_from(import_row).where(import_row.c.batch_id == batch_id)
    )
    await connection.execute(
        update(import_batch)
        .where(import_batch.c.id == batch_id)
        .values(decided_at=now, total=int(total or 0))
    )
    return int(total or 0)


async def unfinished(connection: AsyncConnection) -> tuple[Batch, ...]:
    """The batches that are decided and not worked off, oldest first."""
    rows = await connection.execute(
        select(import_batch)
        .where(import_batch.c.decided_at.is_not(None), ~import_batch.c.finished)
        .order_by(import_batch.c.id)
    )
    return tuple(_batch(row._mapping) for row in rows)


async def find(connection: AsyncConnection, batch_id: int, *, lock: bool = False) -> Batch | None:
    """A batch; with ``lock`` nobody else works on it until this transaction ends."""
    statement = select(import_batch).where(import_batch.c.id == batch_id)
    row = (
        await connection.execute(statement.with_for_update() if lock else statement)
    ).one_or_none()
    return None if row is None else _batch(row._mapping)


async def next_slice(
    connection: AsyncConnection, batch: Batch, *, limit: int
) -> tuple[Staged, ...]:
    """The next people to work off, in the order of the file."""
    rows = await connection.execute(
        select(import_row)
        .where(import_row.c.id > batch.done_to, import_row.c.batch_id == batch.id)
        .order_by(import_row.c.id)
        .limit(limit)
    )
    return tuple(
        Staged(
            id=row.id,
            person=PersonRow(
                address=Address(key=row.address_key, mailbox=row.mailbox),
                name=row.name,
                language=row.language,
                timezone=row.timezone,
            ),
        )
        for row in rows
    )


async def note(
    connection: AsyncConnection,
    batch_id: int,
    *,
    slice_: Sequence[Staged],
    kept_out: Mapping[int, str],
    added: int,
    asked: int,
    unchanged: int,
) -> None:
    """A slice is worked off. Rows that stayed out are kept with their reason, for the summary; an
    empty slice ends the batch."""
    if not slice_:
        await connection.execute(
            update(import_batch).where(import_batch.c.id == batch_id).values(finished=True)
        )
        return
    done = [one.id for one in slice_ if one.id not in kept_out]
    await connection.execute(delete(import_row).where(import_row.c.id.in_(done)))
    for reason in sorted(set(kept_out.values())):
        ids = [row_id for row_id, why in kept_out.items() if why == reason]
        await connection.execute(
            update(import_row).where(import_row.c.id.in_(ids)).values(outcome=reason)
        )
    await connection.execute(
        update(import_batch)
        .where(import_batch.c.id == batch_id)
        .values(
            done_to=slice_[-1].id,
            added=import_batch.c.added + added,
            asked=import_batch.c.asked + asked,
            unchanged=import_batch.c.unchanged + unchanged,
        )
    )


async def kept_out(connection: AsyncConnection, batch_id: int) -> tuple[tuple[str, str], ...]:
    """Address and reason of everybody who stayed out, in the order of the file."""
    rows = await connection.execute(
        select(import_row.c.mailbox, import_row.c.outcome)
        .where(import_row.c.batch_id == batch_id, import_row.c.outcome != "")
        .order_by(import_row.c.id)
    )
    return tuple((row.mailbox, row.outcome) for row in rows)


async def abandoned(connection: AsyncConnection, *, before: datetime) -> tuple[int, ...]:
    """Batches begun before then that wait for nothing any more: given up, or told of long ago."""
    rows = await connection.execute(
        select(import_batch.c.id).where(
            import_batch.c.made_at < before,
            import_batch.c.decided_at.is_(None) | import_batch.c.finished,
        )
    )
    return tuple(row.id for row in rows)


async def discard(connection: AsyncConnection, batch_id: int, *, limit: int) -> bool:
    """Take away a slice of a batch, with its last one the batch; whether anything is left."""
    some = select(import_row.c.id).where(import_row.c.batch_id == batch_id).limit(limit)
    gone = await connection.execute(delete(import_row).where(import_row.c.id.in_(some)))
    if gone.rowcount == limit:
        return True
    await connection.execute(delete(import_batch).where(import_batch.c.id == batch_id))
    return False


def _batch(fields: RowMapping) -> Batch:
    given = {name: fields[name] for name in Terms.__dataclass_fields__}
    terms = Terms(**{**given, "channel": Channel(given["channel"])})
    names = Batch.__dataclass_fields__.keys() - {"terms"}
    return Batch(terms=terms, **{name: fields[name] for name in names})
