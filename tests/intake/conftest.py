"""An opened database at a virtual instant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from mailer.parts import Parts
from scheduler.clock import VirtualClock
from tests.world import opened


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Parts, VirtualClock]]:
    async with opened(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path) as world:
        yield world


@pytest_asyncio.fixture
async def parts(world: tuple[Parts, VirtualClock]) -> Parts:
    return world[0]


@pytest_asyncio.fixture
async def clock(world: tuple[Parts, VirtualClock]) -> VirtualClock:
    return world[1]
