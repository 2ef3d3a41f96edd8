"""What the last examination from a page found, so that everybody who looks sees the same.

One setting; the next examination takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from mailer.store import setting

_KEY = "check.found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A row of it, as `mailer check` shows it."""

    topic: str
    subject: str
    verdict: str
    found: str
    expected: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """When it was made, and its rows."""

    at: datetime
    rows: tuple[Seen, ...]


async def put(connection: AsyncConnection, made: Examination) -> None:
    """Keep it."""
    await setting.put(connection, _KEY, msgspec.json.encode(made).decode())


async def last(connection: AsyncConnection) -> Examination | None:
    """The last one, None if there was none."""
    text = await setting.get(connection, _KEY)
    return None if text is None else msgspec.json.decode(text, type=Examination)
