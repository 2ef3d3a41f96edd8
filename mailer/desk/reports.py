"""`/admin/SERIES/reports`: what became of the mailings, why mails came back, and how many read.

Each plot stands beside a table of the same numbers. What became of one mailing, with every reason,
is on the mailing's own page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.desk import plot
from mailer.desk.organiser import at_series
from mailer.desk.place import Desk
from mailer.desk.plot import Column, Part
from mailer.desk.sheet import sheet
from mailer.message import moment
from mailer.message.judgement import BounceClass
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown
from mailer.store import trend
from mailer.store.engine import Connection
from mailer.store.tally import Counts
from mailer.store.trend import Mailing, Reason, Week

WEEKS = 26
MAILINGS = 12
REASONS = 20
_WAITS = ("queued", "deferred", "sending", "in_doubt")
_KEPT = ("suppressed", "expired", "cancelled")
_CLASSES = (
    BounceClass.HARD,
    BounceClass.SOFT,
    BounceClass.FULL,
    BounceClass.BLOCK,
    BounceClass.UNKNOWN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What the page shows, read on one snapshot."""

    mailings: tuple[Mailing, ...]
    weeks: tuple[Week, ...]
    reasons: tuple[Reason, ...]


class Reports:
    """Serves the page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Half a year, and the last mailings."""
        organiser, series = await at_series(self._desk, request)
        view = await self._desk.site.store.read(lambda c: self._view(c, series))
        language = organiser.who.language
        words = [_day(one, language) for one in view.weeks]
        return sheet(
            self._desk,
            organiser,
            "reports",
            series=series,
            zone=series.timezone,
            mailings=tuple(_mailing(one) for one in view.mailings),
            weeks=tuple(_week(one, word) for one, word in zip(view.weeks, words, strict=True))[
                ::-1
            ],
            subscribers=plot.line(
                [(word, one.subscribers) for word, one in zip(words, view.weeks, strict=True)]
            ),
            sent=plot.columns(_columns(view.weeks, words, _sent)),
            returned=plot.columns(_columns(view.weeks, words, _returned)),
            classes=tuple(Shown(name=one.value) for one in _CLASSES),
            reasons=tuple(map(_reason, view.reasons)),
            now_subscribed=view.weeks[-1].subscribers,
            joined=sum(one.joined for one in view.weeks),
            gone=sum(one.left for one in view.weeks),
            came_back=sum(sum(one.came_back.values()) for one in view.weeks),
            mails=sum(one.mails for one in view.weeks),
            span=WEEKS,
        )

    async def _view(self, connection: Connection, series: Series) -> _View:
        now = self._desk.site.clock.now()
        return _View(
            mailings=await trend.mailings(connection, series.id, now=now, limit=MAILINGS),
            weeks=await trend.weeks(connection, series.id, now=now, count=WEEKS),
            reasons=await trend.reasons(
                connection, series.id, since=now - timedelta(weeks=WEEKS), limit=REASONS
            ),
        )


def parts_of(counts: Counts, came_back: int) -> tuple[Part, ...]:
    """What became of a mailing's rows, in the words of a reader."""
    return (
        Part(name="arrived", amount=counts.sent - came_back),
        Part(name="returned", amount=came_back),
        Part(name="refused", amount=counts.failed),
        Part(name="kept", amount=sum(getattr(counts, name) for name in _KEPT)),
        Part(name="waits", amount=sum(getattr(counts, name) for name in _WAITS)),
    )


def _mailing(one: Mailing) -> Shown:
    parts = parts_of(one.counts, one.came_back)
    return Shown(
        id=one.id,
        kind=one.kind.value,
        title=safe_line(one.title),
        at=one.at.isoformat(),
        state=one.state,
        bar=plot.share(parts),
        total=sum(part.amount for part in parts),
        **{part.name: part.amount for part in parts},
    )


def _week(one: Week, word: str) -> Shown:
    return Shown(
        day=word,
        subscribers=one.subscribers,
        joined=one.joined,
        left=one.left,
        mails=one.mails,
        came_back=sum(one.came_back.values()),
        **{cls.value: one.came_back.get(cls, 0) for cls in _CLASSES},
    )


def _columns(
    weeks: Sequence[Week], words: Sequence[str], parts: Callable[[Week], Sequence[Part]]
) -> list[Column]:
    return [Column(word=word, parts=parts(one)) for word, one in zip(words, weeks, strict=True)]


def _sent(one: Week) -> tuple[Part, ...]:
    return (Part(name="arrived", amount=one.mails),)


def _returned(one: Week) -> tuple[Part, ...]:
    return tuple(Part(name=cls.value, amount=one.came_back.get(cls, 0)) for cls in _CLASSES)


def _reason(one: Reason) -> Shown:
    return Shown(
        cls=one.cls.value, status=one.status, number=one.count, example=safe_line(one.example)
    )


def _day(week: Week, language: str) -> str:
    """The Monday of a week, short."""
    return moment.day_and_month(trend.monday_of(week.number), language)
