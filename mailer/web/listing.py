"""Webinars as a page lists them, ten at a time: '11 – 17 of 17'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailer.message import moment
from mailer.message.facts import WebinarFacts
from mailer.message.presentable import presented
from mailer.message.shown import Shown
from mailer.store.webinar import WebinarRecord
from mailer.web.visitor import Visitor

PER_PAGE = 10
_MOST_PAGES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A page of a longer list; ``number`` counts from 1, ``size`` is what stands on a page."""

    number: int
    total: int
    size: int = PER_PAGE

    @property
    def first(self) -> int:
        """The index, from 0, of the first that is shown."""
        return (self.number - 1) * self.size

    @property
    def exists(self) -> bool:
        """Whether there is such a page; the first one always is."""
        return self.number == 1 or self.first < self.total

    def shown(self, who: Visitor) -> Shown:
        """What a template says of it, with the ways to its neighbours."""
        last = min(self.first + self.size, self.total)
        return Shown(
            first=self.first + 1,
            last=last,
            total=self.total,
            whole=self.total <= self.size,
            before=_to(self.number - 1, who) if self.number > 1 else "",
            after=_to(self.number + 1, who) if last < self.total else "",
        )


def asked_page(text: str) -> int | None:
    """The number of a page as somebody wrote it; None for what is none."""
    if not text:
        return 1
    number = int(text) if text.isdecimal() and text.isascii() and len(text) < 6 else 0
    return number if 0 < number <= _MOST_PAGES else None


def facts_at(record: WebinarRecord, *, base_url: str, now: datetime) -> WebinarFacts:
    """A webinar as everybody may see it at this moment."""
    facts = presented(record.facts(base_url=base_url, registered=False))
    return replace(facts, status=record.status_at(now))


def entries(
    webinars: Sequence[WebinarFacts], series_id: str, who: Visitor, now: datetime
) -> tuple[tuple[Shown, ...], tuple[Shown, ...]]:
    """What comes and what was, each with the way to its page."""
    coming = [one for one in webinars if one.ends_at > now]
    past = [one for one in webinars if one.ends_at <= now]
    return _entries(coming, series_id, who), _entries(past, series_id, who)


def _entries(webinars: Sequence[WebinarFacts], series_id: str, who: Visitor) -> tuple[Shown, ...]:
    return tuple(_entry(one, f"/{series_id}/w/{one.id}{who.query}", who) for one in webinars)


def _entry(webinar: WebinarFacts, path: str, who: Visitor) -> Shown:
    day, month = moment.leaf(webinar, who.language)
    cancelled = webinar.status == "cancelled"
    return Shown(webinar=webinar, path=path, day=day, month=month, cancelled=cancelled)


def _to(number: int, who: Visitor) -> str:
    """The address of another page of the same list."""
    rest = who.query.removeprefix("?")
    page = f"page={number}" if number > 1 else ""
    query = "&".join(filter(None, (page, rest)))
    return f"?{query}" if query else "?"
