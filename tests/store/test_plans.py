"""How the engines go about the statements that run for every mail: by key, never through a table.

The tables grow with the years; what is walked in full here would cost more every month.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

import pytest

from mailer.message.judgement import BounceClass
from mailer.parts import Parts
from mailer.store import announcement, expansion, lease, node, outbox, withdrawal
from mailer.store.announcement import Announcement
from mailer.store.engine import Connection
from mailer.store.outbox import Priority, State
from mailer.store.settlement import Settlement, settle
from scheduler.model import Audience
from tests.outbox_reader import queued
from tests.store.rows import ALL, envelope, queue
from tests.store.statements import plan, recorded
from tests.world import NOON, scheduled, subscribed

BULK = (Priority.BULK, Priority.INVITATION)
IN_TEN_DAYS = datetime(2026, 10, 11, 13, 0)  # noqa: DTZ001 - wall clock
# Reading one of these in full: SQLite says SCAN, and names an index if it walks one of rows that
# are under way, which is as short as they are few; PostgreSQL says Seq Scan.
LARGE = "outbox|subscription|subscriber|registration|bounce"
WHOLE = re.compile(rf"^SCAN ({LARGE})\b(?!.* ix_outbox_lease)|Seq Scan on ({LARGE})\b")


async def planned(parts: Parts) -> Announcement:
    """An announcement that is let go, of a webinar with a reader."""
    await subscribed(parts)
    await scheduled(parts, IN_TEN_DAYS)
    await parts.planner.plan()
    (item,) = await parts.store.read(lambda c: announcement.due(c, now=NOON))
    return item


async def run_all(connection: Connection, item: Announcement) -> None:
    """What runs for every mail, for every slice of readers, or every few seconds."""
    await lease.has_due(connection, now=NOON, priorities=BULK)
    await lease.claim(connection, node="a", now=NOON, limit=100, priorities=ALL)
    done = Settlement(id=1, state=State.FAILED, bounce_class=BounceClass.HARD)
    await settle(connection, [done], node="a", now=NOON)
    await lease.take_back(connection, node="a", now=NOON)
    await node.take_back_lapsed(connection, now=NOON)
    await withdrawal.expire(connection, now=NOON, limit=100)
    await outbox.next_due(connection)
    for audience in Audience:
        asked = replace(item, audience=audience)
        await expansion.readers(connection, asked, after=0, limit=500, now=NOON)
        await expansion.groups(connection, asked, after=0, limit=500, now=NOON)


async def test_no_statement_of_the_way_out_reads_a_whole_table(parts: Parts) -> None:
    item = await planned(parts)
    await queue(parts, envelope())
    with recorded(parts.store) as statements:
        await parts.store.write(lambda c: run_all(c, item))
        await parts.planner.tick()
    assert [row.kind for row in await queued(parts)] == ["reply", "announcement"]
    for sql, values in statements:
        lines = await plan(parts.store, sql, values)
        assert [line for line in lines if WHOLE.search(line)] == [], sql


async def test_a_claim_walks_its_index_in_order_and_stops_at_its_limit(parts: Parts) -> None:
    """Without a sort: that would read everything that is due."""
    if parts.store.sqlite_path is None:
        pytest.skip("PostgreSQL decides by how many rows there are; bench/ledger.py shows it")
    with recorded(parts.store) as statements:
        await parts.store.write(
            lambda c: lease.claim(c, node="a", now=NOON, limit=100, priorities=BULK)
        )
    ((sql, values),) = statements
    lines = await plan(parts.store, sql, values)
    assert "SEARCH outbox USING INDEX ix_outbox_claim (priority=? AND not_before<?)" in lines
    assert [line for line in lines if "ORDER BY" in line] == []


async def test_a_settle_finds_each_row_by_its_key(parts: Parts) -> None:
    """Not by walking the leases of the node for each of them."""
    with recorded(parts.store) as statements:
        await parts.store.write(
            lambda c: settle(c, [Settlement(id=1, state=State.SENT)], node="a", now=NOON)
        )
    ((sql, values),) = statements
    lines = " ".join(await plan(parts.store, sql, values))
    assert "ix_outbox_lease" not in lines
    assert re.search(r"INTEGER PRIMARY KEY \(rowid=\?\)|Index Scan using pk_outbox", lines)
