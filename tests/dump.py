"""All that a database keeps, to be compared: what changes nothing leaves it as it was."""

from __future__ import annotations

from sqlalchemy import select

from mailer.parts import Parts
from mailer.store.schema import metadata

Dump = dict[str, list[tuple[object, ...]]]


async def dump(parts: Parts, *, but: frozenset[str] = frozenset()) -> Dump:
    """Every row of every table but these."""
    tables = [one for one in metadata.sorted_tables if one.name not in but]
    found = [await parts.store.read(lambda c, t=one: c.execute(select(t))) for one in tables]  # type: ignore[misc]
    return {
        one.name: sorted(map(tuple, rows.all()), key=repr)
        for one, rows in zip(tables, found, strict=True)
    }
