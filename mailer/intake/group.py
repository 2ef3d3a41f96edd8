"""Group commit: mails that arrive while a commit is under way share the next transaction.

Each unit keeps a result of its own, and is durable when `run` returns. Units of a group run one
after the other in the order in which they came. If one of them fails nothing of the group is
stored, and each runs again in a transaction of its own, so that only what fails by itself fails.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mailer.store.engine import Connection, How, Store

MOST_UNITS = 64  # of a group: a third of a millisecond each, during which nothing else happens

T = TypeVar("T")
Unit = Callable[[Connection], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[T]):
    unit: Unit[T]
    result: asyncio.Future[T]

    def give(self, result: T) -> None:
        if not self.result.done():  # whoever asked may be gone; what was done stays done
            self.result.set_result(result)

    def refuse(self, error: Exception) -> None:
        if not self.result.done():
            self.result.set_exception(error)


class _UnitFailed(Exception):
    """A unit of a group failed, not the transaction."""


class GroupCommit(Generic[T]):
    """Runs brief units on a store, as few transactions as their arrival allows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[_Waiting[T]] = deque()
        self._work: asyncio.Task[None] | None = None

    async def run(self, unit: Unit[T]) -> T:
        """What the unit returns, once that is durable; raises what it raises, and StoreUnavailable.

        A caller that is cancelled leaves the unit as it is: it may have been stored or not.
        """
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(unit, result)
        self._waiting.append(waiting)
        if self._work is None:
            self._work = asyncio.create_task(self._run(), name="group commit")
        return await waiting.result

    async def _run(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), MOST_UNITS)
                await self._commit([self._waiting.popleft() for _ in range(size)])
        finally:
            self._work = None

    async def _commit(self, group: Sequence[_Waiting[T]]) -> None:
        try:
            results = await self._store.write(lambda c: _each(c, group), how=How.BRIEF)
        except _UnitFailed:
            await self._commit_singly(group)
        except Exception as error:  # each of them learns why, and the next group is tried anew
            for one in group:
                one.refuse(error)
        else:
            for one, result in zip(group, results, strict=True):
                one.give(result)

    async def _commit_singly(self, group: Sequence[_Waiting[T]]) -> None:
        """Find out who failed by running each alone. If there is no transaction to be had any more,
        that is the end for the rest of the group too: each would wait as long for a lock."""
        for number, one in enumerate(group):
            alone = _Alone(one.unit)
            try:
                one.give(await self._store.write(alone, how=How.BRIEF))
            except Exception as error:
                one.refuse(error)
                if not alone.begun:
                    for other in group[number + 1 :]:
                        other.refuse(error)
                    return


class _Alone(Generic[T]):
    """A unit, and whether it came to be run."""

    def __init__(self, unit: Unit[T]) -> None:
        self._unit = unit
        self.begun = False

    async def __call__(self, connection: Connection) -> T:
        self.begun = True
        return await self._unit(connection)


async def _each(connection: Connection, group: Sequence[_Waiting[T]]) -> list[T]:
    results = []
    for one in group:
        try:
            results.append(await one.unit(connection))
        except Exception as error:
            raise _UnitFailed from error
    return results
