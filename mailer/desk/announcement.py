"""`/admin/SERIES/announcements/N`: one mailing, whoever made it: what it says, who gets it, how far
it is and why not all have it; and what can be done about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer import proof
from mailer.config.model import Series
from mailer.desk.entries import Standing, purpose, shown, standing
from mailer.desk.form import sealed
from mailer.desk.organiser import Organiser, at_series
from mailer.desk.place import Desk
from mailer.desk.preview import copy_of, language_of, number_of
from mailer.desk.sheet import go_to, sheet
from mailer.errors import AnnouncementRefused, TemplateFault
from mailer.intake import announcing, previewing
from mailer.intake.announcing import Queued, Step
from mailer.intake.halting import Act, halting
from mailer.intake.previewing import Told
from mailer.message import moment
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown
from mailer.message.specimen import Specimen
from mailer.store import schedule, written
from mailer.store.announcement import State
from mailer.store.delivery import Delivery
from mailer.store.engine import Connection
from mailer.store.whole import Whole, whole
from mailer.store.written import Written
from mailer.web.guard import CONTENT_SECURITY

REFRESH_SECONDS = 5  # for a few; what goes to many is counted less often
COUNTED_A_SECOND = 20_000
LOOKS = ("page", "phone", "text")  # how a preview can be looked at
_DONE = ("queued", "kept", "already", "approved", "asked", "tested", "barred", "paused", "resumed",
         "cancelled", "changed", "own", "ended", "refused")  # fmt: skip
_ACTS = {"pause": Act.PAUSE, "resume": Act.RESUME, "cancel": Act.CANCEL}
_STEPS = {
    Step.DONE: "approved",
    Step.ALREADY: "approved",
    Step.VOID: "changed",
    Step.OWN: "own",
    Step.ENDED: "ended",
}


async def text_at(desk: Desk, series: Series, number: int) -> Written:
    """What an organiser wrote and still waits; HTTPException 404 if there is nothing like it."""
    item = await desk.site.store.read(lambda c: written.by_id(c, number))
    if item is None or item.series_id != series.id or item.state is not State.WAITING:
        raise HTTPException(404)
    return item


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What the page shows, read on one snapshot; ``copy`` is None if it cannot be drawn."""

    whole: Whole
    standing: Standing
    copy: Specimen | None
    fault: str


class Announcement:
    """Serves the page, its preview and its buttons."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Everything about it."""
        organiser, series = await at_series(self._desk, request)
        view = await self._at(request, series)
        still = "still" in request.query_params
        done = request.query_params.get("done", "")
        look = request.query_params.get("look", LOOKS[0])
        moving = view.standing.is_moving
        entry = shown(
            self._desk,
            organiser,
            series,
            view.standing,
            version=view.whole.text.version if view.whole.text else 0,
        )
        return sheet(
            self._desk,
            organiser,
            "announcements-one",
            series=series,
            refresh=_refresh(view) if moving and not still else 0,
            reloads=moving and not still,
            sure="sure" in request.query_params,
            headers={"Content-Security-Policy": f"{CONTENT_SECURITY}; frame-src 'self'"},
            entry=entry,
            moving=moving,
            still=still,
            done=done if done in _DONE else "",
            look=look if look in LOOKS else LOOKS[0],
            copy=Shown(subject=view.copy.subject, text=view.copy.text) if view.copy else "",
            fault=view.fault,
            spoken=self._spoken(request, series),
            language_asked=language_of(self._desk, request, series),
            counts=_counts(view.whole.delivery),
            delivery=_delivery(view.whole.delivery),
            reasons=_reasons(view.whole.delivery),
            deeds=tuple(
                Shown(at=one.at.isoformat(), who=safe_line(one.who), act=one.act)
                for one in view.whole.deeds
            ),
        )

    async def take(self, request: Request) -> Response:
        """One of its buttons."""
        organiser, series = await at_series(self._desk, request)
        number = number_of(request)
        found = await self._desk.site.store.read(lambda c: whole(c, number))
        if found is None or found.item.series_id != series.id:
            raise HTTPException(404)
        sent = await sealed(self._desk, request, organiser, purpose(number))
        done = await self._do(organiser, series, found, sent)
        self._desk.parts.nudge()
        return go_to(f"/admin/{series.id}/announcements/{number}", done=done)

    async def _do(
        self, organiser: Organiser, series: Series, found: Whole, sent: Mapping[str, str]
    ) -> str:
        """What the page then says of it."""
        match sent.get("do", ""):
            case "approve" if found.text is not None:
                return await self._approve(organiser, series, found.text, sent.get("version", ""))
            case "ask" if found.text is not None:
                return await self._ask(series, found.text)
            case "test" if found.text is not None:
                return await self._test(organiser, series, found)
            case "cancel" if found.text is not None and found.item.state is State.WAITING:
                return await self._drop(organiser, series, found.text)
            case "pause" | "resume" | "cancel" as do:
                return await self._halt(organiser, found.item.id, _ACTS[do])
            case _:
                raise HTTPException(400)

    async def _approve(
        self, organiser: Organiser, series: Series, text: Written, version: str
    ) -> str:
        """What was seen is what is approved: another version is not."""
        seen = int(version) if version.isdecimal() and len(version) < 9 else 0

        async def unit(connection: Connection) -> Step:
            context = self._desk.parts.intake.context(connection, series)
            step = await announcing.approve(context, text.id, who=organiser.address, version=seen)
            if step is Step.DONE:
                await previewing.tell_author(context, text, organiser.address, Told.APPROVED)
            return step

        return _STEPS[await self._desk.site.store.write(unit)]

    async def _ask(self, series: Series, text: Written) -> str:
        """Mail the preview to who may approve it."""
        await self._desk.site.store.write(
            lambda c: previewing.preview(
                self._desk.parts.intake.context(c, series), previewing.NOBODY, Queued(item=text)
            )
        )
        return "asked"

    async def _test(self, organiser: Organiser, series: Series, found: Whole) -> str:
        """One copy to the organiser's own address."""

        async def unit(connection: Connection) -> str | None:
            letter = await proof.of_planned(
                self._desk.parts, connection, found.item, language=series.language
            )
            context = self._desk.parts.intake.context(connection, series)
            return await previewing.try_out(context, letter, organiser.address)

        return "tested" if await self._desk.site.store.write(unit) is None else "barred"

    async def _drop(self, organiser: Organiser, series: Series, text: Written) -> str:
        async def unit(connection: Connection) -> Step:
            context = self._desk.parts.intake.context(connection, series)
            step = await announcing.drop(context, text.id, who=organiser.address)
            if step is Step.DONE:
                await previewing.tell_author(context, text, organiser.address, Told.DROPPED)
            return step

        step = await self._desk.site.store.write(unit)
        return "cancelled" if step is Step.DONE else _STEPS[step]

    async def _halt(self, organiser: Organiser, number: int, act: Act) -> str:
        site = self._desk.site
        try:
            await halting(
                site.store, number, act, who=organiser.address.mailbox, now=site.clock.now()
            )
        except AnnouncementRefused:
            return "refused"
        return act.value

    async def _at(self, request: Request, series: Series) -> _View:
        """The announcement that the path names; HTTPException 404 if it is none of the series."""
        number, language = number_of(request), language_of(self._desk, request, series)
        return await self._desk.site.store.read(lambda c: self._view(c, series, number, language))

    async def _view(
        self, connection: Connection, series: Series, number: int, language: str
    ) -> _View:
        found = await whole(connection, number)
        entry = await schedule.one(connection, series.id, number)
        if found is None or entry is None:
            raise HTTPException(404)
        copy, fault = None, ""
        try:
            copy = await copy_of(self._desk.parts, connection, found.item, language)
        except TemplateFault as error:
            fault = str(error)
        return _View(
            whole=found,
            standing=await standing(connection, self._desk.parts, entry),
            copy=copy,
            fault=fault,
        )

    def _spoken(self, request: Request, series: Series) -> tuple[Shown, ...]:
        chosen = language_of(self._desk, request, series)
        return tuple(
            Shown(tag=tag, name=moment.language_name(tag, tag).capitalize(), chosen=tag == chosen)
            for tag in self._desk.site.renderer.languages
        )


def _refresh(view: _View) -> int:
    """After how many seconds it is worth counting again."""
    return REFRESH_SECONDS + view.whole.item.total // COUNTED_A_SECOND


def _counts(delivery: Delivery) -> tuple[Shown, ...]:
    """The rows by state, those that there are."""
    states = delivery.states
    return tuple(
        Shown(name=one.name, number=number)
        for one in fields(states)
        if (number := getattr(states, one.name))
    )


def _delivery(delivery: Delivery) -> Shown:
    return Shown(came_back=delivery.came_back, complained=delivery.complained, left=delivery.left)


def _reasons(delivery: Delivery) -> tuple[Shown, ...]:
    """Why not all have it, grouped, the most frequent reason first."""
    return tuple(
        Shown(
            state=one.state,
            reason=safe_line(one.reason),
            cls=one.cls.value if one.cls else "",
            status=one.status,
            number=one.count,
            example=safe_line(one.example),
        )
        for one in delivery.failures
    )
