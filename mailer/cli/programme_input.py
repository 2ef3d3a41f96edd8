"""What an organiser types about webinars, checked: options, addresses of materials, files.

Everything goes through the checks of `mailer.files`, so that an option means what the same field
of a programme file means. Raises `ProgrammeError` that names the option.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mailer.config.model import Series
from mailer.errors import Fault, ProgrammeError
from mailer.files import fields
from mailer.files.draft import Cell, Entry, WebinarDraft, describe
from mailer.files.fields import Unfit
from mailer.files.programme import read_programme
from mailer.files.programme_check import check_entries
from mailer.files.programme_csv import entry_of
from mailer.message.facts import Link

Given = str | tuple[str, ...] | None  # an option as click has it: one text, several, not given

NAMES = {
    "id": "--id",
    "title": "--title",
    "starts": "--starts",
    "duration": "--duration",
    "language": "--language",
    "abstract": "--abstract",
    "speakers": "--speaker",
    "hosts": "--host",
    "links": "--link",
    "registration_url": "--registration-url",
    "join_url": "--join-url",
    "capacity": "--capacity",
}
# What has to be there for the check, and is not taken, where an option leaves it as it is stored.
STANDS_IN = {"title": "-", "starts": "2000-01-01T00:00", "duration": "1h"}


def read_new(options: Mapping[str, Given], series: Series, *, draft: bool) -> WebinarDraft:
    """The webinar that the options of `webinar add` describe."""
    entry = _entry({}, {**options, "draft": "true" if draft else "false"})
    return _checked(entry, series, "webinar add", NAMES)


def read_changes(
    options: Mapping[str, Given], series: Series, *, source: str, names: Mapping[str, str] = NAMES
) -> tuple[WebinarDraft, frozenset[str]]:
    """The options of `webinar edit` as a draft, and which of its fields were given."""
    entry = _entry(STANDS_IN, options)
    draft = _checked(entry, series, source, names)
    stood_in = {key for key in STANDS_IN if options.get(key) is None}
    return draft, frozenset(entry.cells) - stood_in


def read_file(path: Path, series: Series) -> tuple[WebinarDraft, ...]:
    """The webinars of a programme file."""
    return read_programme(path.read_bytes(), name=path.name, series=series)


def read_sample(season: str, series: Series) -> tuple[WebinarDraft, ...]:
    """The webinars of a season that comes with the package."""
    name = f"copyright-{season}.toml"
    content = files("mailer.samples").joinpath(name).read_bytes()
    return read_programme(content, name=name, series=series)


def read_materials(urls: Sequence[str], titles: Sequence[str]) -> tuple[Link, ...]:
    """Each address with the title in the same place; one without is called what its file is."""
    links, faults = [], []
    for number, url in enumerate(urls):
        title = titles[number] if number < len(titles) else ""
        try:
            address = _address(url)
        except Unfit as unfit:
            faults.append(_fault("URL", url, unfit))
            continue
        try:
            links.append(Link(title=fields.line_of_text(title) or _name_of(address), url=address))
        except Unfit as unfit:
            faults.append(_fault("--title", title, unfit))
    if faults:
        raise ProgrammeError("webinar materials", tuple(faults))
    return tuple(links)


def read_reason(text: str | None) -> str | None:
    """Why a webinar is cancelled, in one line."""
    try:
        return None if text is None else fields.line_of_text(text)
    except Unfit as unfit:
        raise ProgrammeError("webinar cancel", (_fault("--reason", text, unfit),)) from None


def _entry(stands_in: Mapping[str, str], options: Mapping[str, Given]) -> Entry:
    texts = {key: value for key, value in options.items() if isinstance(value, str)}
    cells = dict(entry_of({**stands_in, **texts}, 0).cells)
    for key, read in (("speakers", _speaker), ("hosts", _speaker), ("links", _link)):
        values = options.get(key)
        if isinstance(values, tuple) and values:
            cells[key] = Cell(value=[read(text) for text in values if text.strip()], line=0)
    return Entry(line=0, cells=cells)


def _checked(entry: Entry, series: Series, source: str, names: Mapping[str, str]) -> WebinarDraft:
    named = Entry(line=0, cells=entry.cells, names=names)
    drafts, faults = check_entries((named,), series)
    if faults:
        raise ProgrammeError(source, faults)
    return drafts[0]


def _speaker(text: str) -> dict[str, str]:
    """``NAME[;AFFILIATION]``, and behind it, in any order, a page and a mail address."""
    name, *rest = (part.strip() for part in text.split(";"))
    speaker = {"name": name}
    affiliations = []
    for part in filter(None, rest):
        key = "url" if "://" in part else "address" if "@" in part else "affiliation"
        if key == "affiliation" or key in speaker:
            affiliations.append(part)
        else:
            speaker[key] = part
    return {**speaker, "affiliation": "; ".join(affiliations)}


def _link(text: str) -> dict[str, str]:
    """``TITLE;URL``, or an address alone."""
    title, _, url = (part.strip() for part in text.rpartition(";"))
    return {"title": title or _name_of(url), "url": url}


def _address(url: str) -> str:
    address = fields.web_url(url)
    if not address:
        raise Unfit("an address that begins with https:// or http://")
    return address


def _name_of(url: str) -> str:
    """The file's name, or the host: something to click on."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    name = unquote(parts.path.rstrip("/").rpartition("/")[2]).strip()
    fit = name and len(name) <= fields.LONGEST_LINE and not fields.has_control(name)
    return name if fit else parts.netloc or url


def _fault(where: str, value: object, unfit: Unfit) -> Fault:
    return Fault(where=where, found=describe(value), expected=unfit.expected, hint=unfit.hint)
