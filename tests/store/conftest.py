"""An opened store on each engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from mailer.parts import Parts
from tests.world import opened


@pytest_asyncio.fixture
async def parts(migrated_url: str, tmp_path: Path) -> AsyncIterator[Parts]:
    async with opened(migrated_url, tmp_path) as (parts, _):
        yield parts
