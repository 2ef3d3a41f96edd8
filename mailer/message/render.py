"""Fills the templates: facts of a group become subject, text and HTML with personal marks in them.

Knows where a template may be overridden: for a language, for a series, for both. Data from outside
is cleaned before a template sees it, links that do not lead to http, https or mailto are left out.
Whatever is wrong with a template is a `TemplateFault`, before anything of the mailing is sent.
All files are read when a `Renderer` is made: what was checked is what is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from types import TracebackType

from babel.messages.pofile import PoFileError
from css_inline import CSSInliner
from jinja2.exceptions import TemplateNotFound, TemplateSyntaxError
from markupsafe import Markup, escape

import mailer
from mailer.errors import TemplateFault
from mailer.message import markdown, moment
from mailer.message.catalogue import Catalogues, read_catalogues, sound_catalogues
from mailer.message.facts import Facts, Item, Link, SeriesFacts, Speaker, WebinarFacts
from mailer.message.mark import LEFTOVER, PATTERN, Personal
from mailer.message.personal import Me, mailto
from mailer.message.plaintext import subject_line, wrapped
from mailer.message.presentable import Detail, presentable
from mailer.message.sandbox import CHARACTERS, Loaded, Sandbox
from mailer.message.shown import Shown

FILE_LIMIT = 64_000  # characters of one template file
_KIND = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_OF_A_LANGUAGE = re.compile(r"\.(?P<language>[a-z]{2,3}(?:-[a-z0-9]{2,8})*)\.(?:txt|html)")
_KNOWN = {one.value for one in Personal} - {Personal.DATE.value, Personal.ANSWERED.value}
_CLOCKS = re.compile(r"\u2066?(?P<clocks>\d\d:\d\d–\d\d:\d\d(?: UTC)?)\u2069?")
_SUFFIXES = {".txt", ".html", ".css"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A mail's words, personal places still as marks. Lines end in LF."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """A template's text, and the name to report it by."""

    source: str
    shown: str


class Renderer:
    """Renders every mail, from the built-in templates and those that override them.

    An override lies in the same place below ``override`` as below ``builtin``; below a folder named
    by a series' id it is for that series alone; with the language before its ending (`body.fr.txt`)
    for that language alone. `translations/xx.po` there adds a language or replaces single messages.
    Raises `TemplateFault` for a file that cannot be read.
    """

    def __init__(self, builtin: Path, override: Path | None = None) -> None:
        self._builtin = _read(builtin, shown_below="")
        self._override = _read(override, shown_below=f"{override}/") if override else {}
        self._catalogues = _catalogues(builtin, override)
        places = override.glob("translations/*.po") if override else ()
        self._own_catalogues = {path.stem.casefold() for path in places}
        self._rooms: dict[tuple[str, str], _Room] = {}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that all mails can be written in, English first."""
        return self._catalogues.languages

    @property
    def overrides(self) -> tuple[str, ...]:
        """The files that override built-in ones, as they are named below their folder."""
        return tuple(self._override)

    @property
    def override_languages(self) -> tuple[str, ...]:
        """The languages that have a file or a catalogue of their own among the overrides."""
        found = (_OF_A_LANGUAGE.search(path) for path in self._override)
        return tuple(sorted({one["language"] for one in found if one} | self._own_catalogues))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The mails there are, by name."""
        paths = [PurePosixPath(path).parts for path in self._builtin]
        names = {parts[1] for parts in paths if parts[0] == "mail"}
        return tuple(sorted(name for name in names if _KIND.fullmatch(name)))

    def language(self, template: str, series: str, wanted: str, *, otherwise: str) -> str:
        """The language this mail will be written in for somebody who wants that one: it or its main
        language, else the series' own, ``otherwise``, else English."""
        wanted = wanted.replace("_", "-").casefold()
        for folder in (f"{series}/mail/{template}/", f"mail/{template}/"):
            for path in self._override:
                found = _OF_A_LANGUAGE.search(path)
                if found and path.startswith(folder) and found["language"] == wanted:
                    return wanted
        return self._catalogues.nearest(wanted, otherwise)

    def render(self, template: str, facts: Facts) -> Rendered:
        """The mail of this kind. Raises `TemplateFault`."""
        if not _KIND.fullmatch(template):
            raise TemplateFault(template[:80], None, "there is no such mail")
        series = facts.series
        language = self.language(template, series.id, facts.language, otherwise=series.language)
        room = self._room(series.id, language)
        seen = _seen_by_templates(facts, language, self.languages, room.style)
        subject = subject_line(room.fill(f"mail/{template}/subject.txt", seen))
        text = wrapped(room.fill(f"mail/{template}/body.txt", seen))
        html = room.inlined(room.fill(f"mail/{template}/body.html", seen))
        if not subject:
            raise TemplateFault(f"mail/{template}/subject.txt", None, "the subject is empty")
        for part, words in (("subject.txt", subject), ("body.txt", text), ("body.html", html)):
            _check_marks(f"mail/{template}/{part}", words)
        return Rendered(subject=subject, text=text, html=html)

    def nearest(self, *wanted: str) -> str:
        """The language to write in for who wants one of these, the best first."""
        return self._catalogues.nearest(*wanted)

    def fill(self, name: str, series: str, language: str, facts: Mapping[str, object]) -> str:
        """Any template of a series in one of the `languages`, with these facts and no others.
        Raises `TemplateFault`."""
        return self._room(series, language).fill(name, facts)

    def unreadable(self, series: Collection[str]) -> Iterator[TemplateFault]:
        """The faults of every file that overrides one for all or one of these series, as far as
        reading them shows: that needs no facts, so files count that no sample asks for."""
        room = self._room("", "en")
        for name, file in self._override.items():
            whose = name.partition("/")[0]
            if whose in {"mail", "web", *series} and name.endswith((".txt", ".html")):
                fault = room.unreadable(name, file)
                if fault is not None:
                    yield fault

    def source(self, name: str) -> str:
        """A file as it is, overridden or built in. Raises `TemplateFault` if there is none."""
        found = self._find(name, "", "")
        if found is None:
            raise TemplateFault(name, None, "there is no such file")
        return found.source

    def _room(self, series: str, language: str) -> _Room:
        """One sandbox per series and language; languages are a closed set, see `language`."""
        key = (series, language)
        if key not in self._rooms:
            self._rooms[key] = _Room(
                lambda name: self._find(name, *key), language, self._catalogues
            )
        return self._rooms[key]

    def _find(self, name: str, series: str, language: str) -> _File | None:
        path = PurePosixPath(name)
        own = path.with_name(f"{path.stem}.{language}{path.suffix}").as_posix()
        for candidate in (f"{series}/{own}", f"{series}/{name}", own, name):
            if candidate in self._override:
                return self._override[candidate]
        return self._builtin.get(name)


class _Room:
    """The sandbox of one series and language, with what turns its faults into `TemplateFault`."""

    def __init__(
        self, find: Callable[[str], _File | None], language: str, catalogues: Catalogues
    ) -> None:
        self._find = find
        self._sandbox = Sandbox(
            load=self._load,
            say=lambda message: catalogues.gettext(language, message),
            say_many=lambda one, many, number: catalogues.ngettext(language, one, many, number),
            direction=moment.direction(language),
            filters=_filters(language),
            open_types=(SeriesFacts, WebinarFacts, Speaker, Link, Item, Shown),
        )
        style = find("mail/style.css")
        self.style = style.source if style else ""
        self._inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

    def fill(self, name: str, facts: Mapping[str, object]) -> str:
        """The named template's text, or `TemplateFault`."""
        file = self._find(name)
        try:
            return self._sandbox.fill(name, facts)
        except TemplateSyntaxError as error:
            raise TemplateFault(error.filename or name, error.lineno, str(error.message)) from error
        except (Exception, RecursionError) as error:
            shown, line = _place(error.__traceback__, file.shown if file else name)
            raise TemplateFault(shown, line, _cause(error)) from error

    def unreadable(self, name: str, file: _File) -> TemplateFault | None:
        """What is wrong with a file before it is rendered."""
        try:
            self._sandbox.compile(file.source, name=name, filename=file.shown)
        except TemplateSyntaxError as error:
            return TemplateFault(error.filename or file.shown, error.lineno, str(error.message))
        return None

    def inlined(self, html: str) -> str:
        """The page with its rules in style attributes; media queries stay in the head."""
        try:
            page = self._inliner.inline(html)
        except ValueError as error:
            raise TemplateFault("mail/style.css", None, str(error)) from error
        if len(page) > CHARACTERS:
            raise TemplateFault("mail/style.css", None, "the mail becomes too large")
        return page

    def _load(self, name: str) -> Loaded | None:
        file = self._find(name)
        return (file.source, file.shown, lambda: True) if file else None


def builtin_templates() -> Path:
    """Where the templates of this program lie: in the installed package, else in the checkout."""
    package = Path(mailer.__file__).parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


def _seen_by_templates(
    facts: Facts, language: str, languages: tuple[str, ...], style: str
) -> dict[str, object]:
    """The names that templates know; docs/templates.md lists them."""
    shown = presentable(facts)
    series = shown.series
    local, _, domain = series.address.rpartition("@")
    return {
        "series": series,
        "webinar": shown.webinar,
        "webinars": shown.webinars,
        "items": shown.items,
        "language": language,
        "languages": languages,
        "direction": moment.direction(language),
        "zone": shown.zone,
        "registered": shown.registered,
        "detail": Detail(shown.detail),
        "me": Me(series),
        "address": lambda word: f"{local}+{word}@{domain}",
        "page": f"{series.base_url.rstrip('/')}/{series.id}" if series.base_url else "",
        "style": Markup(style),  # noqa: S704 - our own style sheet
    }


def _filters(language: str) -> dict[str, Callable[..., object]]:
    return {
        "when": lambda span: moment.when(span, language),
        "for_reader": lambda span, zone: moment.for_reader(span, zone, language),
        "day_of": lambda span: moment.day_of(span, language),
        "briefly": lambda span: moment.briefly(span, language),
        "until": _span,
        "clocks": _unbroken_clocks,
        "day": lambda text, zone="UTC": moment.long_date(_day(text, zone), language),
        "instant": lambda text, zone: moment.instant(datetime.fromisoformat(text), zone, language),
        "language_name": lambda tag: moment.language_name(tag, language),
        "language_list": lambda tags: _language_list(tags, language),
        "mailto": mailto,
        "lines": lambda text: Markup("<br>\n").join(text.split("\n")),
        "markdown": lambda text: Markup(markdown.to_html(text)),  # noqa: S704 - made by our sanitiser
        "plain": markdown.to_text,
    }


def _day(text: str, zone: str) -> date:
    """The day that an ISO date names, or on which an ISO instant falls in that zone."""
    if len(text) == len("2026-12-24"):
        return date.fromisoformat(text)
    return datetime.fromisoformat(text).astimezone(moment.zone_of(zone)).date()


def _span(start: str, end: str, zone: str) -> moment.Span:
    """Two ISO instants of `detail` as something that can be told."""
    return moment.Span(
        starts_at=datetime.fromisoformat(start), ends_at=datetime.fromisoformat(end), zone=zone
    )


def _unbroken_clocks(text: str) -> Markup:
    """For HTML: a range such as 13:00–14:00 stays on one line, its start on the left."""
    span = r'<span class="clock" dir="ltr">\g<clocks></span>'
    return Markup(_CLOCKS.sub(span, str(escape(text))))  # noqa: S704 - escaped before


def _language_list(tags: Iterable[str], language: str) -> str:
    """Languages by name, each with the tag one writes to get it: 'English (en), French (fr)'."""
    return moment.listed(
        (f"{moment.language_name(tag, language)} ({tag})" for tag in tags), language
    )


def _check_marks(name: str, words: str) -> None:
    """A known mark is whole; anything that looks like one and is none was cut or changed."""
    rest = PATTERN.sub(lambda found: "\0" if found[1] in _KNOWN else found[0], words)
    if LEFTOVER.search(rest):
        raise TemplateFault(name, None, "a personal value (me.…) was changed, not just printed")


def _cause(error: BaseException) -> str:
    if isinstance(error, TemplateNotFound):
        return f"there is no template {error.name}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _place(traceback: TracebackType | None, name: str) -> tuple[str, int | None]:
    """The innermost template line in a traceback that Jinja has rewritten to template lines."""
    shown, line = name, None
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        if not filename.endswith(".py") and PurePosixPath(filename).suffix in _SUFFIXES:
            shown, line = filename, traceback.tb_lineno
        traceback = traceback.tb_next
    return shown, line


def _catalogues(builtin: Path, override: Path | None) -> Catalogues:
    try:
        below = sound_catalogues(builtin / "translations")
        return read_catalogues(override / "translations").over(below) if override else below
    except (PoFileError, ValueError, OSError) as error:
        raise TemplateFault("translations", None, _cause(error)) from error


def _read(folder: Path, *, shown_below: str) -> dict[str, _File]:
    """Every template file below a folder, by its path there; none that leads out of it (S21)."""
    files: dict[str, _File] = {}
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix not in _SUFFIXES or not path.is_file():
            continue
        if not path.resolve().is_relative_to(root):
            raise TemplateFault(shown_below + name, None, "the file lies outside its folder")
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TemplateFault(shown_below + name, None, _cause(error)) from error
        if len(source) > FILE_LIMIT:
            raise TemplateFault(shown_below + name, None, f"longer than {FILE_LIMIT} characters")
        files[name] = _File(source=source, shown=shown_below + name)
    return files
