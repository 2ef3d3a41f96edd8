"""`/admin/SERIES/programme/NUMBER`: one webinar, what goes out about it, who comes, what was done.

A webinar is named by its permanent number, within the series of the organiser and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.desk.deeds import shown_deeds
from mailer.desk.effect import mailings
from mailer.desk.organiser import Organiser, at_series
from mailer.desk.place import Desk
from mailer.desk.sheet import sheet
from mailer.files.export import registrations_to_csv
from mailer.message.facts import Speaker
from mailer.message.markdown import link_is_safe
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown
from mailer.outlook import Outlook, of_webinars
from mailer.store import page_deed, programme, registration
from mailer.store.engine import Connection
from mailer.store.page_deed import PageDeed
from mailer.store.registration import Registration, State
from mailer.store.webinar import WebinarRecord
from mailer.web.listing import facts_at
from scheduler.model import Status

# What a page may say was done, as `go_to` carries it on.
DONE = frozenset({"new", "edit", "move", "cancel", "publish", "materials"})
REGISTRATIONS_SHOWN = 100
DEEDS_SHOWN = 10
LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the page is made of, on one snapshot."""

    record: WebinarRecord
    news: tuple[Outlook, ...]
    registrations: tuple[Registration, ...]
    deeds: tuple[PageDeed, ...]


async def webinar_at(connection: Connection, series: Series, request: Request) -> WebinarRecord:
    """The webinar whose number the path names; HTTPException 404 if the series has none such."""
    number = request.path_params["number"]
    found = None
    if number <= LARGEST_NUMBER:
        found = await programme.by_number(connection, series.id, number)
    if found is None:
        raise HTTPException(404)
    return found


class Webinars:
    """Serves the page of a webinar."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Everything about it."""
        organiser, series = await at_series(self._desk, request)

        async def unit(connection: Connection) -> _Found:
            record = await webinar_at(connection, series, request)
            about = page_deed.webinar(record.id)
            return _Found(
                record=record,
                news=await of_webinars(connection, self._desk.parts, {record.id}, at_once=False),
                registrations=await registration.listing(connection, webinar_id=record.id),
                deeds=await page_deed.latest(connection, series.id, about=about, limit=DEEDS_SHOWN),
            )

        found = await self._desk.site.store.read(unit)
        done = request.query_params.get("done", "")
        return self._page(organiser, series, found, done=done if done in DONE else "")

    async def registrations(self, request: Request) -> Response:
        """Who registered, for a spreadsheet."""
        _, series = await at_series(self._desk, request)

        async def unit(
            connection: Connection,
        ) -> tuple[WebinarRecord, tuple[Registration, ...]]:
            record = await webinar_at(connection, series, request)
            return record, await registration.listing(connection, webinar_id=record.id)

        record, found = await self._desk.site.store.read(unit)
        return csv_answer(registrations_to_csv(found), f"{record.slug}-registrations.csv")

    def _page(self, organiser: Organiser, series: Series, found: _Found, *, done: str) -> Response:
        desk, record = self._desk, found.record
        now = desk.site.clock.now()
        facts = facts_at(record, base_url=desk.site.config.base_url, now=now)
        counts = Counter(one.state for one in found.registrations)
        return sheet(
            desk,
            organiser,
            "programme-webinar",
            series=series,
            webinar=facts,
            path=f"/admin/{series.id}/programme/{record.number}",
            done=done,
            public=record.published_at is not None,
            reason=record.reason if record.status is Status.CANCELLED else "",
            over=facts.status == "over",
            speakers=tuple(map(_person, record.speakers)),
            hosts=tuple(map(_person, record.hosts)),
            join_url=record.join_url if link_is_safe(record.join_url) else "",
            capacity=record.capacity,
            revision=record.revision,
            zone=series.timezone,
            news=mailings(found.news),
            waits_until=next(
                (one.at.isoformat() for one in found.news if one.kind == "update"), ""
            ),
            counts=Shown(**{state.value: counts[state] for state in State}),
            registrations=tuple(map(_registered, found.registrations[:REGISTRATIONS_SHOWN])),
            hidden=max(len(found.registrations) - REGISTRATIONS_SHOWN, 0),
            deeds=shown_deeds(found.deeds),
        )


def csv_answer(text: str, name: str) -> Response:
    """A list as a file to keep."""
    return Response(
        text,
        media_type="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def _person(one: Speaker) -> Shown:
    return Shown(
        name=safe_line(one.name), affiliation=safe_line(one.affiliation), address=one.address
    )


def _registered(one: Registration) -> Shown:
    return Shown(
        address=one.address,
        name=safe_line(one.name),
        state=one.state.value,
        at=one.at.isoformat(),
    )
