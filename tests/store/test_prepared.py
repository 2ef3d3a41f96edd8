"""Prepared statements do the same on each engine, in a thread or at hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError

from mailer.store.engine import Connection, How, Store
from mailer.store.prepared import Prepared
from mailer.store.schema import answer_count, blob

NOON = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
KEEP = Prepared(
    lambda insert: (
        insert(blob)
        .values(content=bindparam("what"), keep_until=bindparam("until"))
        .returning(blob.c.id, blob.c.keep_until)
    )
)
KEPT = Prepared(
    lambda _: select(blob.c.content, blob.c.keep_until).where(blob.c.id > bindparam("after"))
)
COUNT = Prepared(
    lambda insert: (
        insert(answer_count)
        .values(scope=bindparam("what"), slice=1, n=1)
        .on_conflict_do_update(
            index_elements=[answer_count.c.scope, answer_count.c.slice],
            set_={"n": answer_count.c.n + 1},
        )
    )
)
COUNTS = Prepared(lambda _: select(answer_count.c.scope, answer_count.c.n).order_by("scope"))
DOUBLE = Prepared(lambda insert: insert(answer_count).values(scope="x", slice=1, n=1))
BOTH = pytest.mark.parametrize("how", [How.STEPS, How.BRIEF])


@BOTH
async def test_values_go_in_and_come_out_as_they_are(store: Store, how: How) -> None:
    async def unit(connection: Connection) -> list[object]:
        made = await KEEP.row(connection, what=b"\0\xff", until=NOON)
        return [made, await KEPT.rows(connection, after=0), await KEPT.row(connection, after=9)]

    made, rows, none = await store.write(unit, how=how)
    assert (made, list(rows), none) == ((1, NOON), [(b"\0\xff", NOON)], None)  # type: ignore[call-overload]
    found = await store.read(lambda c: KEPT.rows(c, after=0))
    assert list(found) == [(b"\0\xff", NOON)]


@BOTH
async def test_one_statement_for_many_values(store: Store, how: How) -> None:
    names = [{"what": name} for name in "abca"]
    await store.write(lambda c: COUNT.each(c, names), how=how)
    await store.write(lambda c: COUNT.each(c, []), how=how)
    found = await store.read(COUNTS.rows)
    assert list(found) == [("a", 2), ("b", 1), ("c", 1)]


@BOTH
async def test_an_error_is_that_of_any_statement_and_leaves_nothing(store: Store, how: How) -> None:
    async def unit(connection: Connection) -> None:
        await DOUBLE.rows(connection)
        await DOUBLE.rows(connection)

    with pytest.raises(IntegrityError):
        await store.write(unit, how=how)
    assert list(await store.read(COUNTS.rows)) == []
    await store.write(DOUBLE.rows, how=how)
