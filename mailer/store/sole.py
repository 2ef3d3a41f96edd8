"""SQLite's one writer: a connection that stays open, and whose turn it is.

To check a connection out of a pool and in again, and to begin and end a transaction through
SQLAlchemy, costs four times what settling forty rows does. A pool also gives its connection to
whoever asks at the right instant, so that one who writes all the time keeps it from the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class SoleWriter:
    """The connection, for one at a time and first come, first served."""

    def __init__(self, engine: AsyncEngine, *, patience: float) -> None:
        """``patience``: how many seconds anybody waits for those before."""
        self._engine = engine
        self._patience = patience
        self._kept: AsyncConnection | None = None
        self._turns = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[AsyncConnection]:
        """The connection, without a transaction, while the block runs. After a block that raises it
        is made anew: nobody knows in what state it was left. Raises TimeoutError when it took too
        long for those before."""
        async with asyncio.timeout(self._patience):
            await self._turns.acquire()
        try:
            if self._kept is None:
                self._kept = await self._engine.connect()
            yield self._kept
        except BaseException:
            await self._drop()
            raise
        finally:
            self._turns.release()

    async def dispose(self) -> None:
        """Close the connection."""
        await self._drop()

    async def _drop(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept.close()
