"""`/admin/SERIES/people/ID`: everything about one person in one series, and what can be done.

Nothing of another series is shown. What concerns a person in every series (another address,
erasing) is for who looks after all the series that they are in.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.desk import deeds
from mailer.desk.form import seal, sealed
from mailer.desk.organiser import Organiser, at_series
from mailer.desk.person_sheet import person_sheet
from mailer.desk.place import Desk
from mailer.desk.sheet import go_to, sheet
from mailer.dossier import dossier
from mailer.errors import PersonRefused
from mailer.intake.context import Asker
from mailer.message.address import is_own, parse_address
from mailer.message.command import Channel
from mailer.message.shown import Value
from mailer.store import page_deed, people
from mailer.store.engine import Connection
from mailer.store.people import Subscription

DEEDS_SHOWN = 10
LARGEST_ID = 2**63 - 1
LONGEST_ADDRESS = 320
YES = "yes"
# What a page may say was done, as `go_to` carries it on.
DONE = frozenset({"added", "asked", "unchanged", "removed", "changed"})


class Persons:
    """Serves the page of a person."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Everything about them."""
        organiser, series, one = await self._found(request)
        done = request.query_params.get("done", "")
        return await self._page(organiser, series, one, done=done if done in DONE else "")

    async def take(self, request: Request) -> Response:
        """One of its forms; the button that was pressed says which."""
        organiser, series, one = await self._found(request)
        sent = await sealed(self._desk, request, organiser, _purpose(one))
        do = sent.get("do", "")
        if do == "remove":
            return await self._remove(organiser, series, one, sent)
        if do not in ("change", "forget", "erase"):
            return await self._page(organiser, series, one, status=422)
        if await self._is_elsewhere(organiser, one):
            return await self._page(organiser, series, one, status=422, trouble="elsewhere")
        if do == "change":
            return await self._change(organiser, series, one, sent)
        if do == "erase" and sent.get("sure") == YES:
            return await self._erase(organiser, series, one)
        return await self._ask_to_erase(organiser, series, one, unsure=do == "erase")

    async def _found(self, request: Request) -> tuple[Organiser, Series, Subscription]:
        """Who is meant; HTTPException 404 if they are nobody of this series."""
        organiser, series = await at_series(self._desk, request)
        number = request.path_params["person"]
        one = None
        if number <= LARGEST_ID:
            one = await self._desk.site.store.read(lambda c: people.by_id(c, number))
        if one is None or one.series_id != series.id:
            raise HTTPException(404)
        return organiser, series, one

    async def _is_elsewhere(self, organiser: Organiser, one: Subscription) -> bool:
        """Whether they are in a series that this organiser does not look after."""
        theirs = {series.id for series in organiser.series}
        every = await self._desk.site.store.read(lambda c: people.of_person(c, one.address.key))
        return any(each.series_id not in theirs for each in every)

    async def _remove(
        self, organiser: Organiser, series: Series, one: Subscription, sent: Mapping[str, str]
    ) -> Response:
        if sent.get("sure") != YES:
            return await self._page(organiser, series, one, status=422, trouble="sure")
        by = _asker(organiser)
        outcome = await self._desk.parts.enrolling.remove(series, one.address, by=by)
        if outcome.word != "removed":  # they left in between
            return go_to(_path(series, one))
        await self._note(organiser, series, one, "remove")
        self._desk.site.concerned(one.id)
        return go_to(_path(series, one), done="removed")

    async def _change(
        self, organiser: Organiser, series: Series, one: Subscription, sent: Mapping[str, str]
    ) -> Response:
        typed = sent.get("address", "")[:LONGEST_ADDRESS]
        new = parse_address(typed)
        if new is None or is_own(new.key, self._desk.site.config.series):
            return await self._page(
                organiser, series, one, status=422, trouble="address", typed=typed
            )
        try:
            await self._desk.parts.person_changes.change(one.address, new, by=_asker(organiser))
        except PersonRefused:  # which says more than concerns this series
            return await self._page(
                organiser, series, one, status=422, trouble="taken", typed=typed
            )
        await self._note(organiser, series, one, "change")
        self._desk.site.concerned(one.id)
        self._desk.parts.nudge()
        return go_to(_path(series, one), done="changed")

    async def _ask_to_erase(
        self, organiser: Organiser, series: Series, one: Subscription, *, unsure: bool
    ) -> Response:
        found = await dossier(self._desk.parts, one.address)
        return sheet(
            self._desk,
            organiser,
            "people-erase",
            series=series,
            status=422 if unsure else 200,
            address=one.address.mailbox,
            path=_path(series, one),
            seal=seal(self._desk, organiser, _purpose(one)),
            subscriptions=len(found.subscriptions),
            mails=len(found.mails),
            waiting=sum(mail.state in ("queued", "deferred") for mail in found.mails),
            unsure=unsure,
        )

    async def _erase(self, organiser: Organiser, series: Series, one: Subscription) -> Response:
        """Nothing is kept, and what is only claimed for sending is not begun (F29)."""
        theirs = await self._desk.site.store.read(lambda c: people.of_person(c, one.address.key))
        await self._desk.parts.person_changes.forget(one.address)
        await self._note(organiser, series, one, "forget")
        for each in theirs:
            self._desk.site.concerned(each.id)
        return go_to(f"/admin/{series.id}/people", done="forgotten")

    async def _note(
        self, organiser: Organiser, series: Series, one: Subscription, act: str
    ) -> None:
        now = self._desk.site.clock.now()
        about = page_deed.subscription(one.id)
        await self._desk.site.store.write(
            lambda c: deeds.note(c, organiser, series, act, now=now, about=about)
        )

    async def _page(
        self,
        organiser: Organiser,
        series: Series,
        one: Subscription,
        *,
        status: int = 200,
        **more: Value,
    ) -> Response:
        found = await dossier(self._desk.parts, one.address, only=series)

        async def done_before(connection: Connection) -> tuple[page_deed.PageDeed, ...]:
            about = page_deed.subscription(one.id)
            return await page_deed.latest(connection, series.id, about=about, limit=DEEDS_SHOWN)

        facts: dict[str, Value] = {
            "done": "",
            "trouble": "",
            "typed": "",
            "path": _path(series, one),
            "seal": seal(self._desk, organiser, _purpose(one)),
            "deeds": deeds.shown_deeds(await self._desk.site.store.read(done_before)),
            "zone": series.timezone,
        }
        return person_sheet(
            self._desk, organiser, series, found, status=status, facts={**facts, **more}
        )


def _asker(organiser: Organiser) -> Asker:
    """What a change by an organiser is signed with."""
    return Asker(
        address=organiser.address,
        channel=Channel.WEB,
        evidence=f"by {organiser.address.mailbox}",
        proven=True,
    )


def _path(series: Series, one: Subscription) -> str:
    return f"/admin/{series.id}/people/{one.id}"


def _purpose(one: Subscription) -> str:
    return f"person {one.id}"
