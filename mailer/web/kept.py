"""Finished answers that are the same for everybody: kept, and given again while they hold.

An answer holds while the programme has the edition that it was made from and the instant at which
it changes by itself has not come. The edition is read for every request: who asks after a change
sees it, whichever process or node made it. Nothing personal ever comes here. What is kept is
bounded in bytes, so that nobody fills the memory by asking for everything in every zone.

An ETag names the bytes of an answer; who has them already is told so (RFC 9110 §8.8.3, §13.1.2).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.responses import Response

from mailer.errors import StoreUnavailable
from mailer.store import shown
from mailer.store.engine import How, Store
from mailer.web.visitor import Visitor
from scheduler.clock import Clock

GIVEN_AGAIN = "mailer.given_again"  # in a request's scope: nothing was made for it
MOST_BYTES = 16 * 2**20
AT_MOST = timedelta(minutes=5)  # then it is made anew, whatever was known of it
_AROUND_BYTES = 1_500  # what an answer takes beside its content
# What of the headers goes with 304 (RFC 9110 §15.4.5).
_OF_UNCHANGED = frozenset({"Cache-Control", "ETag", "Vary"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything about a request that its answer depends on; ``item`` is what is asked for of its
    kind, as a webinar's id. Without a ``programme`` no webinar stands on it."""

    kind: str
    series: str
    item: str | int = ""
    who: Visitor | None = None
    choosing: bool = False
    programme: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An answer; ``until`` is the first instant at which it could be another one by itself, None if
    there is none."""

    content: bytes
    headers: Mapping[str, str]
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    content: bytes
    headers: Mapping[str, str]
    edition: int
    since: datetime
    until: datetime

    @property
    def tag(self) -> str:
        return self.headers["ETag"]

    @property
    def size(self) -> int:
        return len(self.content) + _AROUND_BYTES


class Kept:
    """What is kept by one process for all that it serves; a new configuration begins with none."""

    def __init__(self, store: Store, clock: Clock, *, most_bytes: int = MOST_BYTES) -> None:
        self._look = _Look(store)
        self._clock = clock
        self._most_bytes = most_bytes
        self._bytes = 0
        self._held: OrderedDict[Asked, _Held] = OrderedDict()  # what was asked for last comes last
        self._turns: WeakValueDictionary[Asked, asyncio.Lock] = WeakValueDictionary()

    async def answer(
        self, request: Request, asked: Asked, make: Callable[[datetime], Awaitable[Made]]
    ) -> Response:
        """What was asked for, made for this instant if it is not kept; what ``make`` raises goes on
        and is not kept."""
        edition = (await self._look.editions()).get(asked.series, 0) if asked.programme else 0
        held = self._found(asked, edition)
        if held is None:
            held = await self._make(asked, edition, make)
        else:
            request.scope[GIVEN_AGAIN] = True
        if _is_held(request, held.tag):
            headers = {name: value for name, value in held.headers.items() if name in _OF_UNCHANGED}
            return Response(status_code=304, headers=headers)
        return Response(held.content, headers=held.headers)

    async def _make(
        self, asked: Asked, edition: int, make: Callable[[datetime], Awaitable[Made]]
    ) -> _Held:
        """Made once for all who ask for it at the same time."""
        turn = self._turns.setdefault(asked, asyncio.Lock())
        async with turn:
            held = self._found(asked, edition)
            if held is None:
                # Read after the edition, so what it is made of is at least as new.
                now = self._clock.now()
                held = _finished(await make(now), edition, now)
                self._keep(asked, held)
            return held

    def _found(self, asked: Asked, edition: int) -> _Held | None:
        held = self._held.get(asked)
        if held is None or held.edition != edition:
            return None
        if not held.since <= self._clock.now() < held.until:
            return None
        self._held.move_to_end(asked)
        return held

    def _keep(self, asked: Asked, held: _Held) -> None:
        before = self._held.pop(asked, None)
        self._bytes += held.size - (before.size if before else 0)
        self._held[asked] = held
        while self._bytes > self._most_bytes:
            _, oldest = self._held.popitem(last=False)
            self._bytes -= oldest.size


class _Look:
    """One look at the database for all who ask before it begins."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Lock()
        self._begun = 0
        self._saw: Mapping[str, int] | StoreUnavailable | None = None

    async def editions(self) -> Mapping[str, int]:
        """The editions of all programmes, read after this was called. Raises `StoreUnavailable`."""
        before = self._begun
        async with self._turn:
            if self._begun == before or self._saw is None:
                self._begun += 1
                self._saw = None  # stays if this one is cancelled: then the next one looks
                self._saw = await self._read()
            if isinstance(self._saw, StoreUnavailable):
                raise StoreUnavailable(str(self._saw)) from self._saw
            return self._saw

    async def _read(self) -> Mapping[str, int] | StoreUnavailable:
        try:
            return await self._store.read(shown.editions, how=How.ALONE)
        except StoreUnavailable as error:
            return error


def _finished(made: Made, edition: int, now: datetime) -> _Held:
    tag = f'"{blake2b(made.content, digest_size=12).hexdigest()}"'
    latest = now + AT_MOST
    return _Held(
        content=made.content,
        headers={**made.headers, "ETag": tag},
        edition=edition,
        since=now,
        until=latest if made.until is None else min(made.until, latest),
    )


def _is_held(request: Request, tag: str) -> bool:
    """Whether the asker has this content already, by weak comparison as is right for GET."""
    given = request.headers.getlist("if-none-match")
    held = {one.strip().removeprefix("W/") for field in given for one in field.split(",")}
    return tag in held or "*" in held
