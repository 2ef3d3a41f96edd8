"""What an organiser wants of a webinar: a form as it was sent becomes one change, or faults.

One kind of change, one form, one call of `mailer.intake.editing`. Nothing is stored here, and
whether the change makes sense as things stand is decided there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from mailer.config.model import Series
from mailer.desk import webinar_form
from mailer.desk.webinar_form import WHOLE, Typed
from mailer.files.fields import Unfit, line_of_text
from mailer.intake import editing
from mailer.intake.editing import Edited
from mailer.store.engine import Connection
from mailer.store.webinar import WebinarRecord

YES = "yes"
_MOVED = frozenset({"starts", "duration"})
BESIDE = ("id", "draft", "notify", "past", "reason")  # what a form has beside a webinar's fields

Unit = Callable[[Connection], Awaitable[Edited]]


class Kind(StrEnum):
    """What can be done with a webinar; the words are those of addresses."""

    NEW = "new"
    EDIT = "edit"
    MOVE = "move"
    CANCEL = "cancel"
    PUBLISH = "publish"
    MATERIALS = "materials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A change as it stands in its form; ``unit`` does it, None if ``wrong`` names a field.
    ``beside`` holds the fields that are none of a webinar's."""

    kind: Kind
    form: Typed
    unit: Unit | None
    beside: Mapping[str, str] = field(default_factory=dict)
    wrong: frozenset[str] = frozenset()

    @property
    def past(self) -> bool:
        """Whether the organiser means it even if it lies in the past."""
        return self.beside.get("past") == YES


def of_new(series: Series, sent: Mapping[str, str], *, now: datetime) -> Wish:
    """A new webinar."""
    form, beside = webinar_form.typed(sent), _beside(sent)
    found = webinar_form.read(form, series, asked=WHOLE, id=beside["id"])
    made = found.draft

    async def unit(connection: Connection) -> Edited:
        assert made is not None
        draft = replace(made, draft=beside["draft"] == YES)
        return await editing.add(connection, series, draft, now=now)

    return Wish(
        kind=Kind.NEW, form=form, beside=beside, wrong=found.wrong, unit=unit if made else None
    )


def of_record(
    kind: Kind, series: Series, record: WebinarRecord, sent: Mapping[str, str], *, now: datetime
) -> Wish:
    """A change of what is stored."""
    form, beside = webinar_form.typed(sent), _beside(sent)
    match kind:
        case Kind.EDIT:
            return _edit(kind, series, record, form, beside, asked=WHOLE, now=now)
        case Kind.MOVE:
            return _edit(kind, series, record, form, beside, asked=_MOVED, now=now)
        case Kind.MATERIALS:
            return _materials(series, record, form, beside, now)
        case Kind.CANCEL:
            return _cancel(series, record, form, beside, now)
        case Kind.PUBLISH | Kind.NEW:
            return Wish(
                kind=kind,
                form=form,
                unit=lambda c: editing.publish(c, series, record.slug, now=now),
            )
        case _:
            assert_never(kind)


def _edit(
    kind: Kind,
    series: Series,
    record: WebinarRecord,
    form: Typed,
    beside: Mapping[str, str],
    *,
    asked: frozenset[str],
    now: datetime,
) -> Wish:
    found = webinar_form.read(form, series, asked=asked)
    given = webinar_form.changed(_of(form, asked), webinar_form.stored(record))
    draft, notify = found.draft, beside["notify"] == YES

    async def unit(connection: Connection) -> Edited:
        assert draft is not None
        return await editing.edit(
            connection, series, record.slug, draft, given, notify=notify, now=now
        )

    return Wish(
        kind=kind, form=form, beside=beside, wrong=found.wrong, unit=unit if draft else None
    )


def _materials(
    series: Series, record: WebinarRecord, form: Typed, beside: Mapping[str, str], now: datetime
) -> Wish:
    found = webinar_form.read_materials(form, series)
    notify = beside["notify"] == YES

    async def unit(connection: Connection) -> Edited:
        return await editing.put_materials(
            connection,
            series,
            record.slug,
            found.materials,
            instead=True,
            notify=notify,
            now=now,
        )

    return Wish(
        kind=Kind.MATERIALS,
        form=form,
        beside=beside,
        wrong=found.wrong,
        unit=None if found.wrong else unit,
    )


def _cancel(
    series: Series, record: WebinarRecord, form: Typed, beside: Mapping[str, str], now: datetime
) -> Wish:
    try:
        reason = line_of_text(beside["reason"])
    except Unfit:
        wrong = frozenset({"reason"})
        return Wish(kind=Kind.CANCEL, form=form, beside=beside, wrong=wrong, unit=None)
    return Wish(
        kind=Kind.CANCEL,
        form=form,
        beside=beside,
        unit=lambda c: editing.cancel(c, series, record.slug, reason=reason, now=now),
    )


def _of(form: Typed, asked: frozenset[str]) -> Typed:
    """The part of a form that it asks for."""
    return Typed(
        texts={key: text for key, text in form.texts.items() if key in asked},
        rows={key: rows for key, rows in form.rows.items() if key in asked},
    )


def _beside(sent: Mapping[str, str]) -> dict[str, str]:
    return {name: sent.get(name, "") for name in BESIDE}
