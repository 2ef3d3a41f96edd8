"""Seconds that pass when a test says so, a database that can be away, and what was logged."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from logging import LogRecord
from typing import TypeVar

from mailer.errors import StoreUnavailable
from mailer.store.engine import Connection, Store

T = TypeVar("T")


class Seconds:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


class Fickle(Store):
    """The real store; counts what is written, can be away, and can lose its last word."""

    writes = 0
    away = False
    silent = False

    @classmethod
    def over(cls, store: Store) -> Fickle:
        one = cls.__new__(cls)
        one.__dict__.update(vars(store))  # the same connections
        return one

    async def write(self, unit: Callable[[Connection], Awaitable[T]]) -> T:
        if self.away:
            raise StoreUnavailable("away")
        self.writes += 1
        result = await super().write(unit)
        if self.silent:
            raise StoreUnavailable("nobody knows whether it was committed")
        return result


def actions(records: Sequence[LogRecord]) -> list[tuple[str, str]]:
    """Level and action of each record of ours."""
    return [(one.levelname, one.msg["action"]) for one in records if isinstance(one.msg, dict)]
