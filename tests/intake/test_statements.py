"""How many statements a mail takes: each is felt when many come at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import event

from mailer.config.model import Limits
from mailer.intake.delivery import Intake
from mailer.parts import Parts
from mailer.store.engine import Connection
from mailer.store.thread import ThreadConnection
from tests.world import SERIES, letter, mail_in, opened

SUBSCRIBE = SERIES.address.replace("@", "+subscribe@")
UNLIMITED = Limits(
    confirmations_per_address_per_day=0,
    answers_per_address_per_day=0,
    answers_per_domain_per_hour=0,
    answers_per_hour=0,
)


@pytest_asyncio.fixture
async def either(migrated_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    async with opened(migrated_url, tmp_path) as (parts, _):
        yield parts


async def writer(connection: Connection) -> ThreadConnection:
    """The connection that every mail is written on."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, ThreadConnection)
    return driver


async def wish(parts: Parts, number: int) -> list[str]:
    """The statements of one stranger's wish to subscribe."""
    seen: list[str] = []
    author = f"p{number}@example.net"
    content = letter(author, SUBSCRIBE, "", "", message_id=f"<{author}>")
    if parts.store.sqlite_path is None:

        def note(_: object, __: object, statement: str, *___: object) -> None:
            seen.append(statement)

        event.listen(parts.store._writer.sync_engine, "before_cursor_execute", note)
        await mail_in(parts, content, SUBSCRIBE, sender=author)
        event.remove(parts.store._writer.sync_engine, "before_cursor_execute", note)
        return seen
    driver = await parts.store.write(writer)
    await driver.set_trace_callback(seen.append)
    await mail_in(parts, content, SUBSCRIBE, sender=author)
    await driver.set_trace_callback(None)
    around = ("BEGIN", "COMMIT", "ROLLBACK")
    return [one for one in seen if not one.startswith((*around, "--"))]


@pytest.mark.parametrize(("limits", "number"), [(Limits(), 12), (UNLIMITED, 10)])
async def test_a_wish_takes_so_many_statements(either: Parts, limits: Limits, number: int) -> None:
    parts = replace(either, config=replace(either.config, limits=limits))
    assert isinstance(parts.intake, Intake)
    await wish(parts, 1)
    statements = await wish(parts, 2)
    counts = [one for one in statements if "answer_count" in one and one.startswith("INSERT")]
    # On SQLite each count is traced by itself, on PostgreSQL they travel together.
    assert len(statements) - max(len(counts) - 1, 0) == number, statements
