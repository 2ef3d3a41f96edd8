"""`/r/TOKEN` and `/j/TOKEN`: a place in one webinar, and the way into it.

The way in is a link that stays the same while the address of the meeting may change. It leads on
for who has a place; the address is on no page. GET never gives or takes a place.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailer.message.address import Purpose
from mailer.message.command import Command, Register, Skip
from mailer.message.facts import WebinarFacts
from mailer.message.markdown import link_is_safe
from mailer.message.token import Token
from mailer.store import programme, registration
from mailer.store.engine import Connection
from mailer.store.people import State
from mailer.store.registration import State as Choice
from mailer.store.webinar import WebinarRecord
from mailer.web.form import SEAL, sealed_fields
from mailer.web.holder import Holder, holder_of
from mailer.web.listing import facts_at
from mailer.web.page import page
from mailer.web.site import Site, asker
from scheduler.model import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A person and a webinar, and what they said of it last."""

    held: Holder
    record: WebinarRecord
    choice: Choice | None


class Attending:
    """Serves the links to register and to join."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The webinar, and the buttons that fit."""
        return self._page(await self._seat(request, Purpose.REGISTER), "r")

    async def take(self, request: Request) -> Response:
        """Coming, or not coming."""
        seat = await self._seat(request, Purpose.REGISTER)
        sent = await sealed_fields(self._site, request, _purpose(seat, "r"))
        await self._choose(seat, sent.get("do", ""))
        return self._page(await self._seat(request, Purpose.REGISTER), "r", done=True)

    async def join(self, request: Request) -> Response:
        """Into the meeting, or what there is instead."""
        seat = await self._seat(request, Purpose.JOIN)
        where = self._way_in(seat)
        if where is None:
            return self._page(seat, "j")
        return RedirectResponse(where, status_code=302, headers={"Cache-Control": "no-store"})

    async def register_to_join(self, request: Request) -> Response:
        """Who has no place yet takes one here; a further click leads on."""
        seat = await self._seat(request, Purpose.JOIN)
        sent = await sealed_fields(self._site, request, _purpose(seat, "j"))
        await self._choose(seat, sent.get("do", ""))
        return self._page(await self._seat(request, Purpose.JOIN), "j", done=True)

    async def _seat(self, request: Request, purpose: Purpose) -> Seat:
        held = await holder_of(self._site, request, purpose)
        found = await self._site.store.read(lambda c: _look_up(c, held))
        if found is None:
            raise HTTPException(404)
        return found

    async def _choose(self, seat: Seat, do: str) -> None:
        wanted: dict[str, Command] = {
            "register": Register(number=seat.record.number),
            "skip": Skip(number=seat.record.number),
        }
        if do not in wanted:
            raise HTTPException(400)
        by = asker("page", language=seat.held.who.language, holder=seat.held.subscription)
        await self._site.intake.command(seat.held.series, by, wanted[do])

    def _way_in(self, seat: Seat) -> str | None:
        """The current address of the meeting, for who has a place and may use it."""
        record, active = seat.record, seat.held.subscription.state is State.ACTIVE
        open_ = record.status_at(self._site.clock.now()) is Status.SCHEDULED
        comes = seat.choice is Choice.REGISTERED
        if not (active and open_ and comes and link_is_safe(record.join_url)):
            return None
        return record.join_url

    def _page(self, seat: Seat, place: str, *, done: bool = False) -> Response:
        site, held = self._site, seat.held
        now = site.clock.now()
        webinar = facts_at(seat.record, base_url=site.config.base_url, now=now)
        day = now.date()
        link = site.secrets.mint.mint(
            Purpose.JOIN, subject=held.subscription.id, context=seat.record.id, day=day
        )
        return page(
            site,
            held.series,
            held.who,
            "register",
            webinar=webinar,
            details=f"/{held.series.id}/w/{webinar.id}{held.who.query}",
            stage=_stage(seat, webinar),
            done=done,
            join=f"/j/{link}" if self._way_in(seat) else "",
            seal_name=SEAL,
            seal=site.seal.make(_purpose(seat, place)),
        )


_STAGES = {
    Choice.REGISTERED: "registered",
    Choice.WAITING: "waiting",
    Choice.DECLINED: "declined",
}


def _stage(seat: Seat, webinar: WebinarFacts) -> str:
    """What this person can do about this webinar now."""
    if seat.held.subscription.state is not State.ACTIVE:
        return "stranger"
    if webinar.status in (Status.CANCELLED, Status.OVER):
        return str(webinar.status)
    if webinar.registration_url:
        return "elsewhere"
    return "open" if seat.choice is None else _STAGES[seat.choice]


def _purpose(seat: Seat, place: str) -> str:
    return f"{place} {seat.held.text}"


async def _look_up(connection: Connection, held: Holder) -> Seat | None:
    token: Token = held.token
    record = await programme.by_id(connection, token.context)
    if record is None or record.series_id != held.series.id:
        return None
    choice = await registration.of(connection, held.subscription.subscriber_id, record.id)
    return Seat(held=held, record=record, choice=choice)
