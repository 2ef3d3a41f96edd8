"""`/admin/SERIES/programme/import`: a programme file, tried before it is stored, all or nothing.

What the file would do is shown row by row; a second button stores it. Between the two the file is
kept for an hour, and what is read then is what was looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer import outlook
from mailer.config.model import Series
from mailer.desk import deeds
from mailer.desk.effect import changes, mailings, notes
from mailer.desk.form import seal, sealed, sealed_file
from mailer.desk.organiser import Organiser, at_series
from mailer.desk.place import Desk
from mailer.desk.sheet import go_to, sheet
from mailer.errors import Fault, ProgrammeError
from mailer.files.programme import read_programme
from mailer.intake import editing
from mailer.intake.editing import Action, Edited
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown
from mailer.outlook import Outlook
from mailer.store import journal
from mailer.store.engine import Connection
from mailer.web.form import File
from scheduler.model import Status

KEPT_FOR = timedelta(hours=1)
SHOWN = 200  # rows, faults or mailings
LARGEST_ID = 2**63 - 1


class ProgrammeImport:
    """Serves the form for a file, and what the file would do."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """The form."""
        organiser, series = await at_series(self._desk, request)
        return self._form(organiser, series)

    async def look(self, request: Request) -> Response:
        """Say what a file would do, and keep it for the answer."""
        organiser, series = await at_series(self._desk, request)
        came = await sealed_file(self._desk, request, organiser, _purpose(series))
        file = came.files.get("file")
        if file is None:
            return self._form(organiser, series, status=422, no_file=True)
        try:
            change = self._change(series, file)
        except ProgrammeError as error:
            return self._form(organiser, series, status=422, faults=error.faults)
        result, news = await outlook.tried(self._desk.parts, change, at_once=False)
        until = self._desk.site.clock.now() + KEPT_FOR
        kept = await self._desk.site.store.write(
            lambda c: journal.keep(c, file.content, until=until)
        )
        return self._preview(organiser, series, name=file.name, kept=kept, result=result, news=news)

    async def store(self, request: Request) -> Response:
        """Store what was looked at."""
        organiser, series = await at_series(self._desk, request)
        kept = request.path_params["kept"]
        sent = await sealed(self._desk, request, organiser, _decision(series, kept))
        content = None
        if kept <= LARGEST_ID:
            content = await self._desk.site.store.read(lambda c: journal.content(c, kept))
        if content is None:
            raise HTTPException(404)
        file = File(name=sent.get("name", ""), content=content)
        try:
            change = self._change(series, file)
        except ProgrammeError as error:
            return self._form(organiser, series, status=422, faults=error.faults)
        now = self._desk.site.clock.now()

        async def unit(connection: Connection) -> None:
            result = await change(connection)
            done = sum(one.action is not Action.UNCHANGED for one in result)
            if done:
                detail = f"{done} webinars"
                await deeds.note(connection, organiser, series, "import", now=now, detail=detail)

        await self._desk.site.store.write(unit)
        return go_to(f"/admin/{series.id}/programme", done="imported")

    def _change(self, series: Series, file: File) -> outlook.Change:
        """What the file does; raises ProgrammeError with all its faults."""
        drafts = read_programme(file.content, name=file.name, series=series)
        now = self._desk.site.clock.now()

        async def change(connection: Connection) -> Sequence[Edited]:
            return await editing.import_drafts(connection, series, drafts, now=now)

        return change

    def _preview(
        self,
        organiser: Organiser,
        series: Series,
        *,
        name: str,
        kept: int,
        result: Sequence[Edited],
        news: Sequence[Outlook],
    ) -> Response:
        counts = Counter(one.action for one in result)
        return sheet(
            self._desk,
            organiser,
            "programme-preview",
            series=series,
            file=name,
            action=f"/admin/{series.id}/programme/import/{kept}",
            seal=seal(self._desk, organiser, _decision(series, kept)),
            counts=Shown(**{action.value: counts[action] for action in Action}),
            rows=tuple(self._row(one, organiser.who.language) for one in result[:SHOWN]),
            more_rows=max(len(result) - SHOWN, 0),
            news=mailings(news[:SHOWN]),
            zone=series.timezone,
        )

    def _row(self, one: Edited, language: str) -> Shown:
        record = one.record
        return Shown(
            action=one.action.value,
            title=safe_line(record.title),
            language=record.language,
            at=record.starts_at.isoformat(),
            zone=record.zone,
            over=record.status_at(self._desk.site.clock.now()) is Status.OVER,
            changes=changes(one, language),
            notes=notes(one),
        )

    def _form(
        self,
        organiser: Organiser,
        series: Series,
        *,
        status: int = 200,
        no_file: bool = False,
        faults: Sequence[Fault] = (),
    ) -> Response:
        return sheet(
            self._desk,
            organiser,
            "programme-import",
            series=series,
            status=status,
            seal=seal(self._desk, organiser, _purpose(series)),
            no_file=no_file,
            faults=tuple(Shown(text=safe_line(str(one))) for one in faults[:SHOWN]),
            all_faults=len(faults),
        )


def _purpose(series: Series) -> str:
    return f"programme {series.id} import"


def _decision(series: Series, kept: int) -> str:
    return f"programme {series.id} import {kept}"
