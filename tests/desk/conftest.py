"""A place with organisers' pages for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.desk.place import Place, at_port, config, opened_place


@pytest_asyncio.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with opened_place(config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path)) as place:
        yield place


@pytest_asyncio.fixture
async def either(migrated_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    """The same, once on each engine."""
    async with opened_place(config(migrated_url, tmp_path)) as place:
        yield place


@pytest_asyncio.fixture
async def local(tmp_path: Path, free_port: int) -> AsyncIterator[Place]:
    """Pages that are seen where they are."""
    settings = config(f"sqlite:///{tmp_path / 'mailer.db'}", tmp_path)
    async with opened_place(at_port(settings, free_port)) as place:
        yield place
