"""`/admin/SERIES`: everything that goes out, when and to whom, and the switch that stops it all."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.desk import deeds
from mailer.desk.entries import Standing, shown, standings
from mailer.desk.form import seal, sealed
from mailer.desk.organiser import Organiser, at_series
from mailer.desk.place import Desk
from mailer.desk.sheet import go_to, sheet
from mailer.message.shown import Shown
from mailer.store import schedule, setting
from mailer.store.engine import Connection
from mailer.web.listing import PER_PAGE, Window, asked_page

LATELY = 5  # of what is over, below
REFRESH_SECONDS = 10  # while something goes out; to many it is counted less often
COUNTED_A_SECOND = 20_000
_SWITCH = "sending"
_DONE = ("stopped", "going")


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What the page shows, read on one snapshot."""

    ahead: tuple[Standing, ...]
    total: int
    behind: tuple[Standing, ...]
    stopped: bool
    held: bool


class Timeline:
    """Serves the page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """What comes, ten a page; what is under way first, and what went out lately."""
        organiser, series = await at_series(self._desk, request)
        number = asked_page(request.query_params.get("page", ""))
        if number is None:
            raise HTTPException(404)
        view = await self._desk.site.store.read(lambda c: self._view(c, series, number))
        window = Window(number=number, total=view.total)
        if not window.exists:
            raise HTTPException(404)
        under_way = tuple(one for one in (*view.ahead, *view.behind) if one.is_moving)
        still = "still" in request.query_params
        done = request.query_params.get("done", "")
        return sheet(
            self._desk,
            organiser,
            "timeline",
            series=series,
            refresh=_refresh(under_way) if under_way and not still else 0,
            reloads=bool(under_way) and not still,
            stops="sure" in request.query_params,
            moving=bool(under_way),
            still=still,
            under_way=self._shown(organiser, series, under_way),
            ahead=self._shown(organiser, series, _at_rest(view.ahead)),
            behind=self._shown(organiser, series, _at_rest(view.behind)),
            window=window.shown(replace(organiser.who, query="")),
            stopped=view.stopped,
            held=view.held,
            switch_seal=seal(self._desk, organiser, _SWITCH),
            done=done if done in _DONE else "",
        )

    async def switch(self, request: Request) -> Response:
        """Stop all sending, or let it go on."""
        organiser, series = await at_series(self._desk, request)
        found = await sealed(self._desk, request, organiser, _SWITCH)
        site = self._desk.site
        now = site.clock.now()

        async def unit(connection: Connection) -> str:
            match found.get("do", ""):
                case "stop":
                    await setting.put(connection, setting.STOPPED, now.isoformat())
                    done = "stopped"
                case "go":
                    await setting.remove(connection, setting.STOPPED)
                    done = "going"
                case _:
                    raise HTTPException(400)
            await deeds.note(connection, organiser, series, f"sending {done}", now=now)
            await setting.bump(connection)
            return done

        done = await site.store.write(unit)
        self._desk.parts.nudge()
        return go_to(f"/admin/{series.id}", done=done)

    async def _view(self, connection: Connection, series: Series, number: int) -> _View:
        parts = self._desk.parts
        first = Window(number=number, total=0).first
        ahead = await schedule.ahead(connection, series.id, first=first, limit=PER_PAGE)
        behind = await schedule.behind(connection, series.id, limit=LATELY)
        switches = await setting.several(connection, (setting.STOPPED, setting.HELD))
        return _View(
            ahead=await standings(connection, parts, ahead.entries, series=series),
            total=ahead.total,
            behind=await standings(connection, parts, behind.entries, series=series),
            stopped=setting.STOPPED in switches,
            held=setting.HELD in switches,
        )

    def _shown(
        self, organiser: Organiser, series: Series, found: tuple[Standing, ...]
    ) -> tuple[Shown, ...]:
        return tuple(shown(self._desk, organiser, series, one) for one in found)


def _at_rest(found: tuple[Standing, ...]) -> tuple[Standing, ...]:
    return tuple(one for one in found if not one.is_moving)


def _refresh(under_way: tuple[Standing, ...]) -> int:
    """After how many seconds it is worth counting again."""
    return REFRESH_SECONDS + sum(one.entry.total for one in under_way) // COUNTED_A_SECOND
