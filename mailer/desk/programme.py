"""`/admin/SERIES/programme`: the webinars of a series, ten a page, by what has become of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.desk.organiser import at_series
from mailer.desk.place import Desk
from mailer.desk.sheet import sheet
from mailer.message import moment
from mailer.message.shown import Shown
from mailer.store import programme
from mailer.store.webinar import WebinarRecord
from mailer.web.listing import PER_PAGE, Window, asked_page, facts_at
from scheduler.model import Status

# What can be looked at; the first is what is shown when nobody asks for another.
GROUPS = ("coming", "drafts", "cancelled", "past")


class Programme:
    """Serves the list."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """One page of one group."""
        organiser, series = await at_series(self._desk, request)
        group = request.query_params.get("show", GROUPS[0])
        number = asked_page(request.query_params.get("page", ""))
        if group not in GROUPS or number is None:
            raise HTTPException(404)
        site = self._desk.site
        now = site.clock.now()
        records = await site.store.read(lambda c: programme.listing(c, series_id=series.id))
        found = {name: of_group(records, name, now) for name in GROUPS}
        window = Window(number=number, total=len(found[group]))
        if not window.exists:
            raise HTTPException(404)
        listed = found[group][window.first : window.first + PER_PAGE]
        query = "" if group == GROUPS[0] else f"?show={group}"
        return sheet(
            self._desk,
            organiser,
            "programme",
            series=series,
            groups=tuple(
                Shown(name=name, number=len(found[name]), current=name == group) for name in GROUPS
            ),
            group=group,
            webinars=tuple(self._entry(one, series, now, organiser.who.language) for one in listed),
            window=window.shown(replace(organiser.who, query=query)),
            empty=not records,
            imported=request.query_params.get("done", "") == "imported",
        )

    def _entry(self, record: WebinarRecord, series: Series, now: datetime, language: str) -> Shown:
        facts = facts_at(record, base_url=self._desk.site.config.base_url, now=now)
        day, month = moment.leaf(facts, language)
        return Shown(
            webinar=facts,
            path=f"/admin/{series.id}/programme/{record.number}",
            day=day,
            month=month,
            year=str(record.wall_start.year),
            no_link=facts.status == "scheduled"
            and not (record.join_url or record.registration_url),
        )


def of_group(
    records: Sequence[WebinarRecord], group: str, now: datetime
) -> tuple[WebinarRecord, ...]:
    """The webinars of a group: what comes next first, of what is past the latest."""
    wanted = {
        "coming": Status.SCHEDULED,
        "drafts": Status.DRAFT,
        "cancelled": Status.CANCELLED,
        "past": Status.OVER,
    }[group]
    found = tuple(one for one in records if one.status_at(now) is wanted)
    return found if group in ("coming", "drafts") else found[::-1]
