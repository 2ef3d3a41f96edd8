"""From what a format gave to webinars that can be stored: the one check behind every format.

Goes through every field of every entry and collects every fault; a single one means that nothing
is taken. Fills in what the series knows: duration and time of day from its slots, its language, an
id from the title. Never looks at what is stored already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from mailer.config.model import Series
from mailer.errors import Fault
from mailer.files import fields
from mailer.files.draft import (
    KEYS,
    OPTIONAL,
    Cell,
    Entry,
    Unreadable,
    WebinarDraft,
    describe,
    place,
)
from mailer.files.fields import Unfit
from mailer.files.slug import slug, unique
from mailer.files.starts import MOMENT, wall_start
from mailer.message.address import parse_address
from mailer.message.facts import Link, Speaker

NEVER = datetime(1, 1, 1)  # noqa: DTZ001 - wall clock; stands in for a start with a fault
EXAMPLES = {
    "speakers": '{ name = "…", affiliation = "…" }',
    "hosts": '{ name = "…", affiliation = "…" }',
    "links": '{ title = "…", url = "https://…" }',
}
MOST_WEBINARS = 2_000  # of one file: a season has twenty
MOST_ITEMS = 50  # speakers, hosts or links of one webinar

T = TypeVar("T")


def check_entries(
    entries: Sequence[Entry], series: Series
) -> tuple[tuple[WebinarDraft, ...], tuple[Fault, ...]]:
    """The drafts, in order; or no draft and all faults."""
    if len(entries) > MOST_WEBINARS:
        found, expected = f"{len(entries)} webinars", f"at most {MOST_WEBINARS} in a file"
        return (), (Fault(where="file", found=found, expected=expected),)
    checked = [_EntryCheck(entry, series) for entry in entries]
    faults = [fault for one in checked for fault in one.faults]
    faults += _repeated_ids(checked)
    if faults:
        return (), tuple(faults)
    taken = {one.id for one in checked if one.id}
    drafts = []
    for one in checked:
        made = one.id or unique(slug(one.title, otherwise=one.otherwise), taken)
        taken.add(made)
        drafts.append(one.draft(made))
    return tuple(drafts), ()


def _repeated_ids(checked: Sequence[_EntryCheck]) -> list[Fault]:
    first: dict[str, int] = {}
    faults = []
    for one in checked:
        if one.id and one.id in first:
            where = place(one.line_of("id"), one.entry.names.get("id", "id"))
            found, hint = f"{describe(one.id)} again", f"line {first[one.id]} has it, too"
            faults.append(Fault(where=where, found=found, expected="each id once", hint=hint))
        elif one.id:
            first[one.id] = one.line_of("id")
    return faults


class _EntryCheck:
    """Takes the fields of one entry; what is wrong with them gathers in ``faults``."""

    def __init__(self, entry: Entry, series: Series) -> None:
        self.entry = entry
        self.series = series
        self.faults: list[Fault] = []
        self._refuse_unknown(entry.cells, KEYS, "")
        self.id = self._take("id", fields.identifier, "")
        self.title = self._take("title", fields.named_line, "", required="a title")
        self.wall_start = self._take("starts", self._start, NEVER, required=MOMENT)
        self.duration = self._duration()
        self.language = self._take("language", fields.language_tag, series.language)
        self.abstract = self._take("abstract", fields.markdown, "")
        self.speakers = self._list("speakers", self._speaker)
        self.hosts = self._list("hosts", self._speaker)
        self.links = self._list("links", self._link)
        self.registration_url = self._take("registration_url", fields.web_url, "")
        self.join_url = self._take("join_url", fields.web_url, "")
        self.capacity = self._take("capacity", fields.capacity, 0)
        self.is_draft = self._take("draft", fields.flag, False)

    @property
    def otherwise(self) -> str:
        """The id of a webinar whose title has no letter that an id may have."""
        return f"webinar-{self.wall_start:%Y-%m-%d}"

    def line_of(self, key: str) -> int:
        return self.entry.cells[key].line

    def draft(self, made_id: str) -> WebinarDraft:
        return WebinarDraft(
            id=made_id,
            title=self.title,
            wall_start=self.wall_start,
            duration=self.duration,
            language=self.language,
            abstract=self.abstract,
            speakers=self.speakers,
            hosts=self.hosts,
            links=self.links,
            registration_url=self.registration_url,
            join_url=self.join_url,
            capacity=self.capacity,
            draft=self.is_draft,
            line=self.entry.line,
            given=OPTIONAL.intersection(self.entry.cells),
        )

    def _take(self, key: str, check: Callable[[object], T], default: T, *, required: str = "") -> T:
        cell = self.entry.cells.get(key)
        name = self.entry.names.get(key, key)
        if cell is None:
            if required:
                self._fault(self.entry.line, name, None, Unfit(required))
            return default
        return self._checked(check, cell.value, default, cell.line, name)

    def _checked(
        self, check: Callable[[object], T], value: object, default: T, line: int, path: str
    ) -> T:
        try:
            if isinstance(value, Unreadable):
                raise Unfit(value.expected, value.hint)
            return check(value)
        except Unfit as unfit:
            self._fault(line, path, value, unfit)
            return default

    def _fault(self, line: int, path: str, value: object, unfit: Unfit) -> None:
        found = value.found if isinstance(value, Unreadable) else describe(value)
        where = place(line, path)
        self.faults.append(
            Fault(where=where, found=found, expected=unfit.expected, hint=unfit.hint)
        )

    def _refuse_unknown(self, given: Mapping[str, Cell], known: Sequence[str], prefix: str) -> None:
        for key, cell in given.items():
            if key not in known:
                hint = fields.hint_for(key, known)
                expected = f"one of {', '.join(known)}"
                found = f"the key {describe(key)}"
                where = place(cell.line, prefix)
                self.faults.append(Fault(where=where, found=found, expected=expected, hint=hint))

    def _start(self, value: object) -> datetime:
        return wall_start(value, self.series)

    def _duration(self) -> timedelta:
        usual = self.series.slots.duration if self.series.slots else timedelta()
        required = "" if usual else "a duration such as 1h, as the series has no slots"
        return self._take("duration", fields.webinar_span, usual, required=required)

    def _list(self, key: str, read: Callable[[Mapping[str, Cell], int, str], T]) -> tuple[T, ...]:
        cell = self.entry.cells.get(key)
        if cell is None:
            return ()
        if not isinstance(cell.value, list):
            self._fault(cell.line, key, cell.value, Unfit(f"a list such as [{EXAMPLES[key]}]"))
            return ()
        if len(cell.value) > MOST_ITEMS:
            self._fault(cell.line, key, len(cell.value), Unfit(f"at most {MOST_ITEMS} of them"))
            return ()
        made = []
        for index, item in enumerate(cell.value):
            line = cell.items[index] if index < len(cell.items) else cell.line
            path = f"{key}[{index + 1}]"
            if isinstance(item, dict):
                cells = {str(name): Cell(value=part, line=line) for name, part in item.items()}
                made.append(read(cells, line, path))
            else:
                self._fault(line, path, item, Unfit(f"a table such as {EXAMPLES[key]}"))
        return tuple(made)

    def _speaker(self, cells: Mapping[str, Cell], line: int, path: str) -> Speaker:
        self._refuse_unknown(cells, ("name", "affiliation", "url", "address"), path)
        return Speaker(
            name=self._part(cells, "name", fields.named_line, line, path, required=True),
            affiliation=self._part(cells, "affiliation", fields.line_of_text, line, path),
            url=self._part(cells, "url", fields.web_url, line, path),
            address=self._part(cells, "address", mailbox, line, path),
        )

    def _link(self, cells: Mapping[str, Cell], line: int, path: str) -> Link:
        self._refuse_unknown(cells, ("title", "url"), path)
        return Link(
            title=self._part(cells, "title", fields.named_line, line, path, required=True),
            url=self._part(cells, "url", _given_url, line, path, required=True),
        )

    def _part(
        self,
        cells: Mapping[str, Cell],
        key: str,
        check: Callable[[object], str],
        line: int,
        path: str,
        *,
        required: bool = False,
    ) -> str:
        if key not in cells and not required:
            return ""
        value = cells[key].value if key in cells else ""
        return self._checked(check, value, "", line, f"{path}.{key}")


def mailbox(value: object) -> str:
    """A mail address as it is sent to, or nothing. Raises `Unfit`."""
    if value == "":
        return ""
    address = parse_address(value) if isinstance(value, str) else None
    if address is None:
        raise Unfit("a mail address such as name@example.org")
    return address.mailbox


def _given_url(value: object) -> str:
    url = fields.web_url(value)
    if not url:
        raise Unfit("an address that begins with https:// or http://")
    return url
