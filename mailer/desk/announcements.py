"""`/admin/SERIES/announcements`: what organisers wrote, and the form to write another or change it.

A text goes through the same rules as a file or a mail of an organiser. Kept as a preview it waits;
queued it goes out when it is due, or once another organiser has approved it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer import proof
from mailer.config.model import Approval, Series
from mailer.desk.announcement import text_at
from mailer.desk.entries import shown, standings
from mailer.desk.form import seal, sealed
from mailer.desk.organiser import Organiser, at_series
from mailer.desk.place import Desk
from mailer.desk.preview import number_of
from mailer.desk.sheet import go_to, sheet
from mailer.errors import AnnouncementError, AnnouncementRefused, Fault, TemplateFault
from mailer.files.announcement_md import KEYS, Manuscript, of_fields
from mailer.intake import announcing, previewing
from mailer.intake.announcing import Queued
from mailer.intake.context import Context
from mailer.message import moment
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown
from mailer.store import programme, schedule
from mailer.store.engine import Connection
from mailer.store.webinar import WebinarRecord
from mailer.store.written import Written
from mailer.web.listing import PER_PAGE, Window, asked_page
from scheduler.model import Audience, Status
from scheduler.recurrence import to_wall

_OFFERED = 30  # webinars to choose from, the latest
_NEW = "announcement new"

# What a form shows: its fields as they were typed.
_Typed = Mapping[str, str]


class Announcements:
    """Serves the list and the form."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """What organisers wrote, the last one first."""
        organiser, series = await at_series(self._desk, request)
        number = asked_page(request.query_params.get("page", ""))
        if number is None:
            raise HTTPException(404)
        first = Window(number=number, total=0).first

        async def unit(connection: Connection) -> tuple[tuple[Shown, ...], int]:
            found = await schedule.by_hand(connection, series.id, first=first, limit=PER_PAGE)
            stood = await standings(connection, self._desk.parts, found.entries, series=series)
            return tuple(shown(self._desk, organiser, series, one) for one in stood), found.total

        entries, total = await self._desk.site.store.read(unit)
        window = Window(number=number, total=total)
        if not window.exists:
            raise HTTPException(404)
        return sheet(
            self._desk,
            organiser,
            "announcements",
            series=series,
            entries=entries,
            window=window.shown(replace(organiser.who, query="")),
        )

    async def write(self, request: Request) -> Response:
        """An empty form."""
        organiser, series = await at_series(self._desk, request)
        webinar = request.query_params.get("webinar", "")
        return await self._form(organiser, series, {"webinar": webinar})

    async def take(self, request: Request) -> Response:
        """Queue what was written, or keep it as a preview."""
        organiser, series = await at_series(self._desk, request)
        typed = await sealed(self._desk, request, organiser, _NEW, texts=frozenset({"text"}))
        return await self._take(organiser, series, typed, None)

    async def change(self, request: Request) -> Response:
        """The form with a text that waits."""
        organiser, series = await at_series(self._desk, request)
        item = await text_at(self._desk, series, number_of(request))
        return await self._form(organiser, series, _as_typed(item, series), item=item)

    async def take_change(self, request: Request) -> Response:
        """Put another text in its place."""
        organiser, series = await at_series(self._desk, request)
        item = await text_at(self._desk, series, number_of(request))
        typed = await sealed(
            self._desk, request, organiser, _changing(item), texts=frozenset({"text"})
        )
        return await self._take(organiser, series, typed, item)

    async def _take(
        self, organiser: Organiser, series: Series, typed: _Typed, item: Written | None
    ) -> Response:
        desk, queues = self._desk, typed.get("do") == "queue"
        try:
            text = of_fields(typed, typed.get("text", ""), series, now=desk.site.clock.now())
            # A fault in a template is told now, not when it is due.
            await proof.of_text(desk.parts, series, text, language=None, zone=None)
            queued = await desk.site.store.write(
                lambda c: self._queued(
                    desk.parts.intake.context(c, series), organiser, text, item, queues=queues
                )
            )
        except AnnouncementError as error:
            return await self._form(organiser, series, typed, item=item, faults=error.faults)
        except (AnnouncementRefused, TemplateFault) as error:
            return await self._form(organiser, series, typed, item=item, refused=str(error))
        desk.parts.nudge()
        done = "already" if queued.already else "queued" if queues else "kept"
        return go_to(f"/admin/{series.id}/announcements/{queued.item.id}", done=done)

    async def _queued(
        self,
        context: Context,
        organiser: Organiser,
        text: Manuscript,
        item: Written | None,
        *,
        queues: bool,
    ) -> Queued:
        writer = organiser.address.mailbox
        if item is not None:
            changed = await announcing.edit(context, item.id, text, writer=writer)
            if queues and context.series.approval is Approval.OTHER:
                await previewing.preview(context, previewing.NOBODY, changed)
            elif queues:
                await announcing.approve(context, item.id, who=organiser.address)
            return changed
        if queues:
            return await previewing.queue(context, text, writer=writer)
        return await announcing.queue(context, text, writer=writer, approved=False)

    async def _form(
        self,
        organiser: Organiser,
        series: Series,
        typed: _Typed,
        *,
        item: Written | None = None,
        faults: tuple[Fault, ...] = (),
        refused: str = "",
    ) -> Response:
        desk = self._desk
        records = await desk.site.store.read(lambda c: programme.listing(c, series_id=series.id))
        here = f"/admin/{series.id}/announcements"
        return sheet(
            desk,
            organiser,
            "announcements-write",
            series=series,
            status=422 if faults or refused else 200,
            action=f"{here}/{item.id}/edit" if item else f"{here}/new",
            back=f"{here}/{item.id}" if item else here,
            seal=seal(desk, organiser, _changing(item) if item else _NEW),
            typed=Shown(**{key: typed.get(key, "") for key in (*KEYS, "text")}),
            faults=tuple(_fault(one) for one in faults),
            faulty=Shown(**{key: _is_faulty(key, faults) for key in (*KEYS, "text")}),
            refused=refused,
            audiences=_audiences(typed),
            webinars=_webinars(records, typed, organiser.who.language),
            spoken=_spoken(desk, series, typed),
            other=series.approval is Approval.OTHER,
            changes=item is not None,
        )


def _changing(item: Written) -> str:
    """A form is for the version that it shows."""
    return f"announcement {item.id} edit {item.version}"


def _as_typed(item: Written, series: Series) -> _Typed:
    """What is stored, as a form has it."""
    return {
        "subject": item.subject,
        "text": item.content,
        "at": _wall(item.due_at, series) if item.due_given else "",
        "expires": _wall(item.expires_at, series) if item.expires_given else "",
        "audience": item.audience.value,
        "webinar": item.webinar or "",
        "language": item.language,
    }


def _wall(at: datetime, series: Series) -> str:
    return to_wall(at, series.timezone).strftime("%Y-%m-%dT%H:%M")


def _fault(fault: Fault) -> Shown:
    return Shown(
        where=fault.where,
        text=safe_line(f"found {fault.found}, expected {fault.expected}"),
        hint=safe_line(fault.hint),
    )


def _is_faulty(key: str, faults: tuple[Fault, ...]) -> bool:
    return any(one.where == key for one in faults)


def _audiences(typed: _Typed) -> tuple[Shown, ...]:
    chosen = typed.get("audience") or Audience.SUBSCRIBED.value
    return tuple(Shown(name=one.value, chosen=one == chosen) for one in Audience)


def _webinars(
    records: tuple[WebinarRecord, ...], typed: _Typed, language: str
) -> tuple[Shown, ...]:
    """Those that a text can be about, the latest first."""
    held = [one for one in records if one.status is Status.SCHEDULED]
    return tuple(
        Shown(
            id=one.slug,
            title=safe_line(one.title),
            day=moment.short_date(one.wall_start.date(), language),
            chosen=one.slug == typed.get("webinar"),
        )
        for one in held[::-1][:_OFFERED]
    )


def _spoken(desk: Desk, series: Series, typed: _Typed) -> tuple[Shown, ...]:
    """The languages that a text can be said to be in."""
    chosen = typed.get("language") or series.language
    known = desk.site.renderer.languages
    tags = known if chosen in known else (chosen, *known)
    return tuple(
        Shown(tag=tag, name=moment.language_name(tag, tag).capitalize(), chosen=tag == chosen)
        for tag in tags
    )
