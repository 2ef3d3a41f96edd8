"""`/admin/SERIES/people`: who is subscribed, found by state or by a part of address or name.

Organisers see the people of their own series. A person is named by the id of their subscription, so
that no address gets into a log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mailer.config.model import Series
from mailer.desk.organiser import at_series
from mailer.desk.place import Desk
from mailer.desk.sheet import sheet
from mailer.dossier import preferences
from mailer.files.export import people_to_csv
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown
from mailer.store import directory, ledger, roll
from mailer.store.engine import Connection
from mailer.store.people import State, Subscription
from mailer.web.listing import Window, asked_page

PER_PAGE = 50
LONGEST_PART = 100  # characters that are looked for
EXPORTED_AT_ONCE = 1_000
# What a page may say was done, as `go_to` carries it on.
DONE = frozenset({"forgotten", "dropped"})

_Found = tuple[tuple[Subscription, ...], int, dict[tuple[str, str], int]]


class People:
    """Serves the list and its export."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """One page of who was asked for."""
        organiser, series = await at_series(self._desk, request)
        part = request.query_params.get("q", "").strip()[:LONGEST_PART]
        state = _state(request.query_params.get("state", ""))
        number = asked_page(request.query_params.get("page", ""))
        if number is None:
            raise HTTPException(404)
        first = Window(number=number, total=0, size=PER_PAGE).first

        async def unit(connection: Connection) -> _Found:
            found, total = await directory.page(
                connection, series.id, state=state, part=part, first=first, limit=PER_PAGE
            )
            return found, total, await roll.by_state(connection)

        found, total, counts = await self._desk.site.store.read(unit)
        window = Window(number=number, total=total, size=PER_PAGE)
        if not window.exists:
            raise HTTPException(404)
        asked = {"q": part, "state": state or ""}
        query = urlencode({name: value for name, value in asked.items() if value})
        done = request.query_params.get("done", "")
        return sheet(
            self._desk,
            organiser,
            "people",
            series=series,
            people=tuple(self._row(one, series) for one in found),
            window=window.shown(replace(organiser.who, query=f"?{query}" if query else "")),
            part=part,
            chosen=state.value if state else "",
            states=tuple(
                Shown(name=one.value, number=counts.get((series.id, one.value), 0)) for one in State
            ),
            everybody=sum(n for (where, _), n in counts.items() if where == series.id),
            done=done if done in DONE else "",
            zone=series.timezone,
        )

    async def export(self, request: Request) -> Response:
        """Everybody in one state as CSV, written while it is read."""
        _, series = await at_series(self._desk, request)
        state = _state(request.query_params.get("state", State.ACTIVE))
        return StreamingResponse(
            self._lines(series, state),
            media_type="text/csv",
            headers={
                "Content-Disposition": f'attachment; filename="{series.id}-{state or "all"}.csv"',
                "Cache-Control": "no-store",
            },
        )

    async def _lines(self, series: Series, state: State | None) -> AsyncIterator[str]:
        header = people_to_csv([])
        yield header
        after = 0
        while True:
            found = await self._desk.site.store.read(
                lambda c, after=after: ledger.page(  # type: ignore[misc]
                    c, series_id=series.id, state=state, after=after, limit=EXPORTED_AT_ONCE
                )
            )
            yield people_to_csv(found).removeprefix(header)
            if len(found) < EXPORTED_AT_ONCE:
                return
            after = found[-1].id

    def _row(self, one: Subscription, series: Series) -> Shown:
        language, _ = preferences(self._desk.site.config, one)
        match one.state:
            case State.PENDING:
                since = one.requested_at
            case State.ACTIVE:
                since = one.since or one.requested_at
            case _:
                since = one.ended_at or one.requested_at
        return Shown(
            address=one.address.mailbox,
            name=safe_line(one.name),
            path=f"/admin/{series.id}/people/{one.id}",
            state=one.state.value,
            since=since.isoformat(),
            language=language,
        )


def _state(text: str) -> State | None:
    """The state of that name, None for all of them; HTTPException 404 for what is none."""
    if not text:
        return None
    try:
        return State(text)
    except ValueError:
        raise HTTPException(404) from None
