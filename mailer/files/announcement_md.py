"""What an organiser writes: Markdown, with what is to be known of it in lines at the top.

The lines stand between two lines ``---``, or simply first: ``subject: …``, ``at: …``. One reader
for files and for mails, where the subject may come from the mail. Every fault names its line. Times
are wall clock in the series' zone unless they say another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from mailer.config.duration import parse_span
from mailer.config.keys import nearest
from mailer.config.model import Series
from mailer.errors import AnnouncementError, Fault
from mailer.files import fields
from mailer.files.draft import describe, place
from mailer.files.fields import Unfit
from mailer.message.plaintext import SUBJECT_LIMIT
from scheduler.model import Audience
from scheduler.recurrence import to_utc, zone_names

KEYS = ("subject", "at", "expires", "audience", "webinar", "language")
MOMENT = "a time such as 2026-11-25 09:00, with Z, +01:00 or Europe/London behind it if need be"
FURTHEST = timedelta(days=2 * 366)  # what is planned for later is a slip of the year
_FENCE = "---"
_LINE = re.compile(r"([A-Za-z][A-Za-z_-]{0,30})[ \t]*:[ \t]*(.*)")
_QUOTED = re.compile(r"""(["'])(.*)\1""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manuscript:
    """What an organiser wrote, checked. Without ``at`` it goes out when it is approved; without
    ``expires_at`` it does for as long as the series' rule says. ``webinar`` is an id, or empty."""

    subject: str
    body: str
    at: datetime | None = None
    expires_at: datetime | None = None
    audience: Audience = Audience.SUBSCRIBED
    webinar: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    text: str
    line: int


@dataclass(slots=True)
class _Faults:
    """Collects what is wrong, each with its line."""

    found: list[Fault] = field(default_factory=list)

    def add(self, line: int, path: str, found: str, expected: str, hint: str = "") -> None:
        self.found.append(Fault(where=place(line, path), found=found, expected=expected, hint=hint))


def read(
    text: str,
    series: Series,
    *,
    now: datetime,
    source: str,
    subject: str = "",
    at: str = "",
    before: Manuscript | None = None,
) -> Manuscript:
    """The text as an announcement of this series; raises `AnnouncementError` with every fault.

    ``subject`` is the mail's, for a text that names none itself; ``at`` a time that was given
    beside the text and holds instead of its own; ``before`` the version that this one replaces,
    whose subject, times and audience hold unless the text says otherwise.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    faults = _Faults()
    values, body_line = _head(lines, faults)
    body = ""
    if body_line is not None:
        rest = "\n".join(lines[body_line:])
        body = _body(rest, body_line + 1, faults, headed=bool(values))
    if at:
        values = {**values, "at": _Value(text=at, line=0)}
    base = before or Manuscript(subject="", body="")
    return _judged(_Reader(values, series, now, faults), base, subject, body, source)


def of_fields(given: Mapping[str, str], body: str, series: Series, *, now: datetime) -> Manuscript:
    """What a form says, by the same rules: ``given`` are its fields by `KEYS`, an empty one is not
    given. Raises `AnnouncementError`, where each fault names its field (``text`` for the body)."""
    faults = _Faults()
    values = {key: _Value(text=given[key], line=0) for key in KEYS if given.get(key)}
    checked = _body(body, 0, faults, headed=False)
    reader = _Reader(values, series, now, faults)
    return _judged(reader, Manuscript(subject="", body=""), "", checked, "form")


def _judged(reader: _Reader, base: Manuscript, subject: str, body: str, source: str) -> Manuscript:
    """What the values say, with what holds where they say nothing."""
    faults = reader.faults
    made = Manuscript(
        subject=reader.subject(subject or base.subject),
        body=body,
        at=reader.at(base.at),
        expires_at=reader.expires(base),
        audience=reader.audience(base.audience),
        webinar=reader.webinar(base.webinar),
        language=reader.language(base.language),
    )
    reader.check_together(made)
    if faults.found:
        raise AnnouncementError(source, tuple(faults.found))
    return made


def _head(lines: list[str], faults: _Faults) -> tuple[Mapping[str, _Value], int | None]:
    """The values at the top, and the index of the line where the body begins: None for no end."""
    start = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    if start < len(lines) and lines[start].strip() == _FENCE:
        return _fenced(lines, start + 1, faults)
    values: dict[str, _Value] = {}
    for index in count(start):
        if index == len(lines):
            return values, index
        found = _LINE.fullmatch(lines[index].strip())
        if lines[index].strip() and not (found and found[1].lower() in KEYS):
            return values, index
        if found:
            _put(values, found, index + 1, faults)
    raise AssertionError("a count has no end")


def _fenced(
    lines: list[str], start: int, faults: _Faults
) -> tuple[Mapping[str, _Value], int | None]:
    values: dict[str, _Value] = {}
    for index, line in enumerate(lines[start:], start):
        stripped = line.strip()
        if stripped == _FENCE:
            return values, index + 1
        found = _LINE.fullmatch(stripped)
        if found:
            _put(values, found, index + 1, faults)
        elif stripped and not stripped.startswith("#"):
            faults.add(index + 1, "", describe(stripped), "a line such as subject: What is new")
    faults.add(start, "", "---", "a second --- where the lines at the top end")
    return values, None


def _put(values: dict[str, _Value], found: re.Match[str], line: int, faults: _Faults) -> None:
    key, text = found[1].lower(), found[2].strip()
    if key not in KEYS:
        near = nearest(key, KEYS)
        faults.add(
            line,
            key,
            "an unknown key",
            "one of " + ", ".join(KEYS),
            f"did you mean {near}?" if near else "",
        )
    elif key in values:
        faults.add(line, key, "the key once more", f"it once; line {values[key].line} has it")
    else:
        quoted = _QUOTED.fullmatch(text)
        values[key] = _Value(text=quoted[2] if quoted else text, line=line)


def _body(text: str, line: int, faults: _Faults, *, headed: bool) -> str:
    """The text itself, which begins in this line; 0 if it came from no file."""
    try:
        body = fields.markdown(text)
    except Unfit as unfit:
        faults.add(line, "" if line else "text", "the text", unfit.expected, unfit.hint)
        return ""
    if not body and headed:
        faults.add(line, "", "nothing", "the text of the announcement below the lines at the top")
    elif not body:
        faults.add(0, "text", "nothing", "what the announcement says")
    return body


@dataclass(frozen=True, slots=True)
class _Reader:
    """Judges the values at the top, one by one."""

    values: Mapping[str, _Value]
    series: Series
    now: datetime
    faults: _Faults

    def subject(self, otherwise: str) -> str:
        value = self.values.get("subject", _Value(text=otherwise, line=0))
        try:
            subject = fields.named_line(value.text)
        except Unfit as unfit:
            self._unfit("subject", value, unfit)
            return ""
        if len(subject) > SUBJECT_LIMIT:
            found = f"{len(subject)} characters"
            self.faults.add(value.line, "subject", found, f"at most {SUBJECT_LIMIT}")
        return subject

    def at(self, otherwise: datetime | None) -> datetime | None:
        value = self.values.get("at")
        return self._coming("at", value) if value else otherwise

    def expires(self, base: Manuscript) -> datetime | None:
        """An instant, or a span from when it is due."""
        value = self.values.get("expires")
        if value is None:
            return base.expires_at
        try:
            span = parse_span(value.text)
        except ValueError:
            return self._coming("expires", value)
        at = self.values.get("at")
        due = moment(at.text, self.series) if at else base.at
        return (due or self.now) + span

    def audience(self, otherwise: Audience) -> Audience:
        value = self.values.get("audience")
        if value is None:
            return otherwise
        try:
            return Audience(value.text.lower())
        except ValueError:
            near = nearest(value.text.lower(), list(Audience))
            hint = f"did you mean {near}?" if near else ""
            self._unfit("audience", value, Unfit("one of " + ", ".join(Audience), hint))
            return otherwise

    def webinar(self, otherwise: str) -> str:
        return self._checked("webinar", otherwise, fields.identifier)

    def language(self, otherwise: str) -> str:
        return self._checked("language", otherwise, fields.language_tag)

    def check_together(self, made: Manuscript) -> None:
        """What is right by itself and wrong beside the others."""
        if made.audience is not Audience.SUBSCRIBED and not made.webinar:
            line = self.values["audience"].line if "audience" in self.values else 0
            self.faults.add(
                line,
                "audience",
                made.audience,
                "a webinar beside it, for that is what people register for",
                "add a line webinar: ID",
            )
        due = made.at or self.now
        if made.expires_at is not None and made.expires_at <= due:
            line = self.values["expires"].line if "expires" in self.values else 0
            self.faults.add(
                line, "expires", f"{made.expires_at:%Y-%m-%d %H:%M} UTC", "a time after it is due"
            )

    def _coming(self, key: str, value: _Value) -> datetime | None:
        found = moment(value.text, self.series)
        if found is None:
            self._unfit(key, value, Unfit(MOMENT))
        elif found <= self.now:
            self._unfit(key, value, Unfit("a time that is still to come"))
        elif found > self.now + FURTHEST:
            self._unfit(key, value, Unfit("a time within two years"))
        return found

    def _checked(self, key: str, otherwise: str, check: Callable[[object], str]) -> str:
        value = self.values.get(key)
        if value is None or not value.text:
            return otherwise
        try:
            return check(value.text)
        except Unfit as unfit:
            self._unfit(key, value, unfit)
            return otherwise

    def _unfit(self, key: str, value: _Value, unfit: Unfit) -> None:
        self.faults.add(value.line, key, describe(value.text), unfit.expected, unfit.hint)


def moment(text: str, series: Series) -> datetime | None:
    """The instant that is written there, None if none is: wall clock of the series, or of the zone
    or offset that stands behind it."""
    text = text.strip()
    first, _, last = text.rpartition(" ")
    named = bool(first) and last in zone_names()
    written = first if named else text
    if ":" not in written:  # a day alone says nothing of the hour
        return None
    try:
        found = datetime.fromisoformat(written)
        zone = last if named else series.timezone
        return to_utc(found, zone) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
