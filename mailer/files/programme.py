"""A programme file becomes webinars, or one error that tells every fault in it.

The file's suffix decides the format: TOML, CSV or iCalendar. Idempotent by nature: the same bytes
give the same drafts with the same ids. Never takes half a file, never looks at what is stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mailer.config.model import Series
from mailer.errors import Fault, ProgrammeError
from mailer.files.draft import Reading, WebinarDraft
from mailer.files.programme_check import check_entries
from mailer.files.programme_csv import entry_of, read_csv
from mailer.files.programme_ics import read_ics
from mailer.files.programme_toml import read_toml

__all__ = ["WebinarDraft", "read_programme", "read_webinar"]

LINE = re.compile(r"line (\d{1,9})")
SUFFIXES = (".toml", ".csv", ".ics")
EMPTY = {
    ".toml": "at least one [[webinar]] table",
    ".csv": "a header row, and a row for each webinar",
    ".ics": "at least one VEVENT",
}


def read_programme(content: bytes, *, name: str, series: Series) -> tuple[WebinarDraft, ...]:
    """The webinars of a programme file, in its order. ``name`` is the file's name.

    Raises `ProgrammeError` with every fault, each with its line; then nothing is taken.
    """
    suffix = next((known for known in SUFFIXES if name.lower().endswith(known)), "")
    if not suffix:
        expected = f"a name that ends with {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise ProgrammeError(name, (Fault(where="file name", found=repr(name), expected=expected),))
    reading = _read(content, suffix, series)
    if not reading.entries and not reading.faults:
        fault = Fault(where="file", found="no webinar", expected=EMPTY[suffix])
        raise ProgrammeError(name, (fault,))
    return _checked(reading, name, series)


def read_webinar(fields: Mapping[str, str], *, source: str, series: Series) -> WebinarDraft:
    """One webinar from texts by key, as a form or a command line gives them; written as in CSV.

    Raises `ProgrammeError` with every fault; ``source`` names where the texts came from.
    """
    (draft,) = _checked(Reading(entries=(entry_of(fields, 0),)), source, series)
    return draft


def _read(content: bytes, suffix: str, series: Series) -> Reading:
    match suffix:
        case ".toml":
            return read_toml(content)
        case ".csv":
            return read_csv(content)
        case _:
            return read_ics(content, series)


def _checked(reading: Reading, source: str, series: Series) -> tuple[WebinarDraft, ...]:
    drafts, found = check_entries(reading.entries, series)
    if faults := sorted((*reading.faults, *found), key=_line_of):
        raise ProgrammeError(source, tuple(faults))
    return drafts


def _line_of(fault: Fault) -> int:
    line = LINE.match(fault.where)
    return int(line[1]) if line else 0
