"""The forms about a webinar: from what is stored to what stands in them, and back.

Pure. A field is checked as the same field of a programme file is (`mailer.files`), and every fault
is told at its field. What stands as it was stored is no change, so that two organisers who change
different fields at a time do not undo each other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailer.config.duration import format_span
from mailer.config.model import Series
from mailer.files.draft import Cell, Entry, WebinarDraft
from mailer.files.programme_check import MOST_ITEMS, check_entries
from mailer.files.programme_csv import entry_of
from mailer.message.facts import Link, Speaker
from mailer.message.shown import Shown, Value
from mailer.store.webinar import WebinarRecord

TEXTS = (
    "title",
    "starts",
    "duration",
    "language",
    "abstract",
    "registration_url",
    "join_url",
    "capacity",
)
_PERSON = ("name", "affiliation", "url", "address")
ROWS: Mapping[str, Sequence[str]] = {
    "speakers": _PERSON,
    "hosts": _PERSON,
    "links": ("title", "url"),
    "materials": ("title", "url"),
}
LISTS = ("speakers", "hosts", "links")  # of those, what a draft has
WHOLE = frozenset({*TEXTS, *LISTS})  # what the form of a webinar asks for
SPARE = 1  # empty rows below those that are filled
LONG_TEXTS = frozenset({"abstract"})
# What has to be there for the check where a form does not ask for it; it is never taken.
_STANDS_IN = {"title": "-", "starts": "2000-01-01T00:00", "duration": "1h"}
_PLACE = re.compile(r"(?P<key>[a-z]+)\[(?P<number>\d{1,4})\]\.(?P<part>[a-z]+)")

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in a form: single fields by name, and the filled rows of each list."""

    texts: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a form was understood as; ``wrong`` names the fields that cannot be taken, and then
    there is no draft. ``materials`` have no place in a draft."""

    draft: WebinarDraft | None
    materials: tuple[Link, ...] = ()
    wrong: frozenset[str] = frozenset()


def typed(sent: Mapping[str, str]) -> Typed:
    """What somebody typed, without the rows that they left empty."""
    texts = {name: sent[name] for name in TEXTS if name in sent}
    return Typed(texts=texts, rows={key: _sent_rows(sent, key) for key in ROWS})


def stored(record: WebinarRecord) -> Typed:
    """What stands in a form before anybody typed."""
    return Typed(
        texts={
            "title": record.title,
            "starts": wall(record.wall_start),
            "duration": format_span(record.ends_at - record.starts_at),
            "language": record.language,
            "abstract": record.abstract,
            "registration_url": record.registration_url,
            "join_url": record.join_url,
            "capacity": str(record.capacity or ""),
        },
        rows={
            "speakers": tuple(map(_person, record.speakers)),
            "hosts": tuple(map(_person, record.hosts)),
            "links": tuple(map(_link, record.links)),
            "materials": tuple(map(_link, record.materials)),
        },
    )


def blank(series: Series, start: datetime | None) -> Typed:
    """The form for a new webinar that begins then, by the series' clock."""
    span = format_span(series.slots.duration) if series.slots else ""
    texts = {"starts": wall(start) if start else "", "duration": span, "language": series.language}
    return Typed(texts=dict.fromkeys(TEXTS, "") | texts, rows=dict.fromkeys(ROWS, ()))


def wall(start: datetime) -> str:
    """A start by the clock, as a form has it."""
    return start.isoformat(timespec="minutes" if start.second == 0 else "seconds")


def changed(form: Typed, before: Typed) -> frozenset[str]:
    """The fields that are not as they were, by their names in a programme file."""
    texts = {key for key, text in form.texts.items() if text.strip() != before.texts[key].strip()}
    rows = {key for key, found in form.rows.items() if found != before.rows[key]}
    return frozenset(texts | rows)


def read(form: Typed, series: Series, *, asked: Collection[str], id: str = "") -> Reading:
    """The ``asked`` fields of a form, checked; ``id`` is for a new webinar and may be empty."""
    texts = {key: text for key, text in form.texts.items() if key in asked}
    entry = entry_of({**_stand_in(asked), **texts, "id": id}, 0)
    cells = dict(entry.cells)
    for key in LISTS:
        if key in asked:
            cells[key] = Cell(value=[dict(row) for row in form.rows[key]], line=0)
    drafts, faults = check_entries((Entry(line=0, cells=cells),), series)
    wrong = {_name(fault.where) for fault in faults}
    return Reading(draft=drafts[0] if drafts else None, wrong=frozenset(wrong))


def read_materials(form: Typed, series: Series) -> Reading:
    """The recordings and slides of a form, checked as links are."""
    links = replace(form, rows={**form.rows, "links": form.rows["materials"]})
    found = read(links, series, asked=("links",))
    wrong = frozenset(name.replace("links", "materials", 1) for name in found.wrong)
    made = found.draft.links if found.draft else ()
    return Reading(draft=found.draft, materials=made, wrong=wrong)


def shown(form: Typed, *, wrong: Collection[str] = (), spare: int = SPARE) -> Shown:
    """The form for a template: `value` and `wrong` by field, and the rows with ``spare`` ones."""
    lists: dict[str, Value] = {
        key: _shown_rows(key, form.rows.get(key, ()), wrong, spare) for key in ROWS
    }
    return Shown(
        value=Shown(**{key: form.texts.get(key, "") for key in TEXTS}),
        wrong=Shown(**{key: key in wrong for key in (*TEXTS, *ROWS, "id", "reason")}),
        any_wrong=bool(wrong),
        **lists,
    )


def hidden(form: Typed) -> tuple[Shown, ...]:
    """Everything that stands in a form, to be sent along unseen."""
    pairs = [*form.texts.items()]
    for key, rows in form.rows.items():
        for number, row in enumerate(rows, start=1):
            pairs += [(_field(key, number, part), text) for part, text in row.items()]
    return tuple(Shown(name=name, value=value) for name, value in pairs)


def _stand_in(asked: Collection[str]) -> dict[str, str]:
    return {key: text for key, text in _STANDS_IN.items() if key not in asked}


def _name(where: str) -> str:
    """The field that a fault is about; a list as a whole by its own name."""
    found = _PLACE.fullmatch(where)
    return _field(found["key"], int(found["number"]), found["part"]) if found else where


def _field(key: str, number: int, part: str) -> str:
    return f"{key}_{number}_{part}"


def _sent_rows(sent: Mapping[str, str], key: str) -> tuple[Row, ...]:
    numbers = range(1, MOST_ITEMS + SPARE + 1)
    rows = ({part: sent.get(_field(key, n, part), "") for part in ROWS[key]} for n in numbers)
    return tuple(row for row in rows if any(row.values()))


def _shown_rows(
    key: str, rows: Sequence[Row], wrong: Collection[str], spare: int
) -> tuple[Shown, ...]:
    empty = dict.fromkeys(ROWS[key], "")
    filled = [*rows, *[empty] * min(spare, max(MOST_ITEMS - len(rows), 0))]
    return tuple(_shown_row(key, number, row, wrong) for number, row in enumerate(filled, start=1))


def _shown_row(key: str, number: int, row: Row, wrong: Collection[str]) -> Shown:
    parts: dict[str, Value] = {
        part: Shown(
            name=_field(key, number, part), value=text, wrong=_field(key, number, part) in wrong
        )
        for part, text in row.items()
    }
    return Shown(number=number, **parts)


def _person(one: Speaker) -> Row:
    return {part: getattr(one, part) for part in _PERSON}


def _link(one: Link) -> Row:
    return {part: getattr(one, part) for part in ROWS["links"]}
