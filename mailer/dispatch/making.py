"""Makes the mails of claimed rows, a slice at a time, so that the loop stays free in between.

What signs slowly is done in threads. A fault becomes the settlement of its row and stops no other.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from mailer.dispatch.enclosing import CannotFill
from mailer.dispatch.filling import Filling, Mould
from mailer.dispatch.judging import failed, returned
from mailer.errors import StoreUnavailable, TemplateFault
from mailer.log import get_logger
from mailer.store.lease import Claimed
from mailer.store.settlement import Settlement
from mailer.transport.outcome import Outgoing

SLICE = 32
THREAD_SLICE = 8  # RSA: some 10 ms

_log = get_logger(__name__)

Made = tuple[Claimed, Outgoing | Settlement]
_Moulded = tuple[Claimed, Mould | Settlement]


class Making:
    """Makes mails; `close` when no more are wanted."""

    def __init__(self, filling: Filling) -> None:
        self._filling = filling
        self._threads: ThreadPoolExecutor | None = None
        if filling.in_threads:
            self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="filling")

    def close(self) -> None:
        """End the threads."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    async def make(self, rows: Sequence[Claimed]) -> AsyncIterator[list[Made]]:
        """The mail of each row, or what became of a row that has none; in the order of the rows.
        Never raises for what is wrong with a row."""
        if self._threads is None:
            for some in _slices(rows, SLICE):
                yield [self._filled(*one) for one in await self._moulded(some)]
                await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        coming = [
            loop.run_in_executor(self._threads, self._all_filled, await self._moulded(some))
            for some in _slices(rows, THREAD_SLICE)
        ]
        try:
            for one in coming:
                yield await one
        finally:
            for one in coming:
                one.cancel()

    async def _moulded(self, rows: Iterable[Claimed]) -> list[_Moulded]:
        return [(row, await self._mould(row)) for row in rows]

    async def _mould(self, row: Claimed) -> Mould | Settlement:
        try:
            return await self._filling.mould(row)
        except StoreUnavailable as error:  # says nothing about the row: it waits
            _log.warning("cannot make a mail now", action="outbox.unfilled", cause=str(error))
            return returned(row)
        except (CannotFill, TemplateFault) as fault:
            return _unmade(row, str(fault))
        except Exception as fault:  # a fault of ours must not stop what others are owed
            return _broken(row, fault)

    def _all_filled(self, moulded: Iterable[_Moulded]) -> list[Made]:
        return [self._filled(*one) for one in moulded]

    def _filled(self, row: Claimed, mould: Mould | Settlement) -> Made:
        if isinstance(mould, Settlement):
            return row, mould
        try:
            return row, self._filling.fill(row, mould)
        except CannotFill as fault:
            return row, _unmade(row, str(fault))
        except Exception as fault:  # as above
            return row, _broken(row, fault)


def _slices(rows: Sequence[Claimed], size: int) -> Iterable[Sequence[Claimed]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _unmade(row: Claimed, reason: str) -> Settlement:
    _log.error("cannot make a mail", action="outbox.failed", row=row.id, cause=reason)
    return failed(row, reason)


def _broken(row: Claimed, fault: Exception) -> Settlement:
    _log.error("cannot make a mail", action="outbox.failed", row=row.id, exc_info=fault)
    return failed(row, f"internal: {type(fault).__name__}")
