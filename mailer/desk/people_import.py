"""`/admin/SERIES/people/import`: a file of people, looked at before anybody of it is taken.

The file is staged and counts for nothing; the page says what taking it would do, and a second
button decides. Everybody of it counts from that instant, and the service works it off in slices,
so that the page shows how far it is. What nobody decides goes after a day.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.desk import deeds
from mailer.desk.form import seal, sealed, sealed_file
from mailer.desk.organiser import Organiser, at_series
from mailer.desk.people_add import YES, consent_of
from mailer.desk.place import Desk
from mailer.desk.sheet import go_to, sheet
from mailer.errors import Fault
from mailer.files.people_csv import stream_people
from mailer.intake.importing import SLICE, Prepared
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown
from mailer.store import staging
from mailer.store.engine import Connection
from mailer.store.staging import Batch

FIELDS = ("how", "consent", "welcome")
SHOWN = 100  # faults, and people who stay out
REFRESH_SECONDS = 2
LARGEST_ID = 2**63 - 1


class PeopleImport:
    """Serves the form, what a file would do, and how far it is."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """The form for a file."""
        organiser, series = await at_series(self._desk, request)
        return self._form(organiser, series, dict.fromkeys(FIELDS, ""))

    async def look(self, request: Request) -> Response:
        """Stage a file and say what it would do."""
        organiser, series = await at_series(self._desk, request)
        came = await sealed_file(self._desk, request, organiser, _purpose(series))
        sent = {name: came.fields.get(name, "") for name in FIELDS}
        file = came.files.get("file")
        name = safe_line(file.name) if file else ""
        consent = consent_of(sent, organiser, source=f"import of {name}")
        if file is None or consent.wrong:
            return self._form(
                organiser, series, sent, status=422, no_file=file is None, no_words=consent.wrong
            )
        prepared = await self._desk.parts.importing.prepare(
            series, stream_people(io.BytesIO(file.content)), consent.terms
        )
        if not prepared.summary.people:
            await self._desk.parts.importing.drop(series, prepared.batch_id)
            return self._preview(organiser, series, prepared, name, sent, status=422)
        return self._preview(organiser, series, prepared, name, sent)

    async def decide(self, request: Request) -> Response:
        """Take everybody of a staged file, or drop it."""
        organiser, series = await at_series(self._desk, request)
        batch_id = _batch_id(request)
        found = await sealed(self._desk, request, organiser, _decision(series, batch_id))
        if found.get("do") == "drop":
            await self._desk.parts.importing.drop(series, batch_id)
            return go_to(f"/admin/{series.id}/people", done="dropped")
        batch = await self._desk.parts.importing.decide(series, batch_id)
        if batch is not None:
            await self._note(organiser, series, batch)
            if batch.total <= SLICE:  # over at once; a longer one is the service's own task
                await self._desk.parts.importing.finish()
        return go_to(f"/admin/{series.id}/people/import/{batch_id}")

    async def follow(self, request: Request) -> Response:
        """How far it is, and in the end what became of everybody."""
        organiser, series = await at_series(self._desk, request)
        batch_id = _batch_id(request)

        async def unit(connection: Connection) -> tuple[Batch, tuple[tuple[str, str], ...]]:
            batch = await staging.find(connection, batch_id)
            if batch is None or batch.series_id != series.id or batch.decided_at is None:
                raise HTTPException(404)
            return batch, await staging.kept_out(connection, batch_id)

        batch, kept_out = await self._desk.site.store.read(unit)
        return sheet(
            self._desk,
            organiser,
            "people-imported",
            series=series,
            refresh=0 if batch.finished else REFRESH_SECONDS,
            finished=batch.finished,
            confirmed=batch.terms.confirmed,
            total=batch.total,
            done=min(batch.done_so_far + len(kept_out), batch.total),
            added=batch.added,
            asked=batch.asked,
            unchanged=batch.unchanged,
            suppressed=len(kept_out),
            out=_stays_out(kept_out),
        )

    async def _note(self, organiser: Organiser, series: Series, batch: Batch) -> None:
        now = self._desk.site.clock.now()
        detail = f"{batch.total} people"
        await self._desk.site.store.write(
            lambda c: deeds.note(c, organiser, series, "import", now=now, detail=detail)
        )

    def _preview(
        self,
        organiser: Organiser,
        series: Series,
        prepared: Prepared,
        name: str,
        sent: Mapping[str, str],
        *,
        status: int = 200,
    ) -> Response:
        found, batch_id = prepared.summary, prepared.batch_id
        faults = len(found.faults) + found.more_faults
        return sheet(
            self._desk,
            organiser,
            "people-preview",
            series=series,
            status=422 if faults else status,
            file=name,
            action=f"/admin/{series.id}/people/import/{batch_id}",
            seal=seal(self._desk, organiser, _decision(series, batch_id)),
            people=found.people,
            added=found.added,
            asked=found.asked,
            unchanged=found.unchanged,
            suppressed=len(found.suppressed),
            out=_stays_out(found.suppressed),
            faults=tuple(map(_fault, found.faults[:SHOWN])),
            all_faults=faults,
            consent=sent["consent"],
            welcome=sent["welcome"] == YES,
        )

    def _form(
        self,
        organiser: Organiser,
        series: Series,
        sent: Mapping[str, str],
        *,
        status: int = 200,
        no_file: bool = False,
        no_words: bool = False,
    ) -> Response:
        return sheet(
            self._desk,
            organiser,
            "people-import",
            series=series,
            status=status,
            seal=seal(self._desk, organiser, _purpose(series)),
            value=Shown(**sent),
            no_file=no_file,
            no_words=no_words,
            days=self._desk.site.config.retention.pending.days,
        )


def _batch_id(request: Request) -> int:
    number: int = request.path_params["batch"]
    if number > LARGEST_ID:
        raise HTTPException(404)
    return number


def _fault(fault: Fault) -> Shown:
    return Shown(text=safe_line(str(fault)))


def _stays_out(found: Sequence[tuple[str, str]]) -> tuple[Shown, ...]:
    return tuple(Shown(address=address, reason=reason) for address, reason in found[:SHOWN])


def _purpose(series: Series) -> str:
    return f"people {series.id} import"


def _decision(series: Series, batch_id: int) -> str:
    return f"people {series.id} import {batch_id}"
