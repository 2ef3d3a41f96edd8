"""Changing the programme: a form, then what the change would do, then the change.

What is typed is tried in a transaction that is taken back, and the page says what differs and who
would be told; a second button stores it. If somebody else changed the webinar in between, the page
shows what holds now once more. What was typed is kept on every way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer import outlook
from mailer.config.model import Series
from mailer.desk import deeds, webinar_form, webinar_wish
from mailer.desk.form import sealed
from mailer.desk.organiser import at_series
from mailer.desk.place import Desk
from mailer.desk.sheet import go_to
from mailer.desk.webinar import webinar_at
from mailer.desk.webinar_form import LONG_TEXTS, Typed
from mailer.desk.webinar_sheet import Place, effect_sheet, form_sheet, refusal_sheet
from mailer.desk.webinar_wish import Kind, Unit, Wish
from mailer.errors import ChangeRefused
from mailer.intake import editing, placing
from mailer.intake.editing import Action, Edited
from mailer.store import page_deed, programme
from mailer.store.engine import Connection
from mailer.store.webinar import WebinarRecord
from scheduler.recurrence import Slot

MORE_ROWS = 5
SLOTS_SHOWN = 4
STORE, BACK, ROWS = "store", "back", "rows"  # buttons beside the one that tries


class Changes:
    """Serves every form that changes a webinar."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show_new(self, request: Request) -> Response:
        """The form for a new webinar, at the next free slot or the one that was picked."""
        place = await self._at_new(request)
        picked = request.query_params.get("start", "")
        starts = [one.wall_start for one in place.slots]
        start = next((one for one in starts if webinar_form.wall(one) == picked), None)
        form = webinar_form.blank(place.series, start or next(iter(starts), None))
        return form_sheet(self._desk, place, _untouched(Kind.NEW, form))

    async def take_new(self, request: Request) -> Response:
        """Try or add it."""
        place = await self._at_new(request)
        purpose = place.purpose(Kind.NEW)
        sent = await sealed(self._desk, request, place.organiser, purpose, texts=LONG_TEXTS)
        wish = webinar_wish.of_new(place.series, sent, now=self._desk.site.clock.now())
        wish = await self._refuse_taken_id(place.series, wish)
        return await self._take(place, wish, sent.get("do", ""))

    async def show(self, request: Request) -> Response:
        """The form for one kind of change of a webinar."""
        kind, place, record = await self._at_webinar(request)
        if kind is Kind.PUBLISH:  # there is nothing to type: straight on to what it would do
            now = self._desk.site.clock.now()
            return await self._take(
                place, webinar_wish.of_record(kind, place.series, record, {}, now=now), ""
            )
        return form_sheet(self._desk, place, _untouched(kind, webinar_form.stored(record)))

    async def take(self, request: Request) -> Response:
        """Try or store it."""
        kind, place, record = await self._at_webinar(request)
        purpose = place.purpose(kind)
        sent = await sealed(self._desk, request, place.organiser, purpose, texts=LONG_TEXTS)
        now = self._desk.site.clock.now()
        wish = webinar_wish.of_record(kind, place.series, record, sent, now=now)
        do = sent.get("do", "")
        stale = do == STORE and sent.get("revision", "") != str(record.revision)
        return await self._take(place, wish, "" if stale else do, stale=stale)

    async def _at_new(self, request: Request) -> Place:
        organiser, series = await at_series(self._desk, request)
        return Place(organiser=organiser, series=series, slots=await self._slots(series))

    async def _at_webinar(self, request: Request) -> tuple[Kind, Place, WebinarRecord]:
        organiser, series = await at_series(self._desk, request)
        kind = request.path_params["kind"]
        if kind not in set(Kind) - {Kind.NEW}:
            raise HTTPException(404)
        record = await self._desk.site.store.read(lambda c: webinar_at(c, series, request))
        return Kind(kind), Place(organiser=organiser, series=series, record=record), record

    async def _take(self, place: Place, wish: Wish, do: str, *, stale: bool = False) -> Response:
        if do in (BACK, ROWS):
            spare = MORE_ROWS if do == ROWS else webinar_form.SPARE
            return form_sheet(self._desk, place, replace(wish, wrong=frozenset()), spare=spare)
        if wish.unit is None:
            return form_sheet(self._desk, place, wish, status=422)
        try:
            (edited,), news = await outlook.tried(
                self._desk.parts, _alone(wish.unit), at_once=False
            )
        except ChangeRefused as refused:
            return self._refused(place, wish, str(refused))
        if unmeant := self._unmeant(place, wish, edited):
            return unmeant
        if do == STORE:
            return await self._store(place, wish, wish.unit)
        return effect_sheet(self._desk, place, wish, edited, news, stale=stale)

    def _refused(self, place: Place, wish: Wish, why: str) -> Response:
        """As things stand this makes no sense: the form again, if there is one."""
        if wish.kind is Kind.PUBLISH:
            return refusal_sheet(self._desk, place, wish, why)
        return form_sheet(self._desk, place, wish, status=422, refused=why)

    def _unmeant(self, place: Place, wish: Wish, edited: Edited) -> Response | None:
        """The form again for what was probably not meant: nothing new, or a start in the past."""
        now = self._desk.site.clock.now()
        before = place.record
        if before and not wish.past and editing.slips_into_past(before, edited.record, now=now):
            late = replace(wish, wrong=frozenset({"starts"}))
            return form_sheet(self._desk, place, late, status=422, past=True)
        if edited.action is Action.UNCHANGED and wish.kind is not Kind.PUBLISH:
            return form_sheet(self._desk, place, wish, status=422, same=True)
        return None

    async def _store(self, place: Place, wish: Wish, unit: Unit) -> Response:
        """Do it, note who did, and go to the webinar's page."""

        async def change(connection: Connection) -> WebinarRecord:
            edited = await unit(connection)
            if edited.action is not Action.UNCHANGED:
                await deeds.note(
                    connection,
                    place.organiser,
                    place.series,
                    wish.kind,
                    now=self._desk.site.clock.now(),
                    about=page_deed.webinar(edited.record.id),
                    detail=f"revision {edited.record.revision}",
                )
            return edited.record

        record = await self._desk.site.store.write(change)
        return go_to(f"/admin/{place.series.id}/programme/{record.number}", done=wish.kind)

    async def _refuse_taken_id(self, series: Series, wish: Wish) -> Wish:
        """An id that was asked for and is another webinar's."""
        wanted = wish.beside.get("id", "")
        if not wanted:
            return wish
        taken = await self._desk.site.store.read(lambda c: programme.find(c, series.id, wanted))
        return wish if taken is None else replace(wish, wrong=wish.wrong | {"id"}, unit=None)

    async def _slots(self, series: Series) -> tuple[Slot, ...]:
        """The next free slots."""
        if series.slots is None:
            return ()
        now = self._desk.site.clock.now()
        records = await self._desk.site.store.read(
            lambda c: programme.listing(c, series_id=series.id, ends_after=now)
        )
        found = placing.places(series, records, after=now, count=placing.SOME)
        return tuple(one.slot for one in found if not one.webinars)[:SLOTS_SHOWN]


def _alone(unit: Unit) -> outlook.Change:
    async def change(connection: Connection) -> Sequence[Edited]:
        return [await unit(connection)]

    return change


def _untouched(kind: Kind, form: Typed) -> Wish:
    return Wish(kind=kind, form=form, unit=None)
