"""Tests of every mail we send, as rendered, and of what a template may not do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mailer.errors import TemplateFault
from mailer.message.facts import Facts, Link, Speaker
from mailer.message.mark import PATTERN
from mailer.message.render import FILE_LIMIT, Rendered, Renderer, builtin_templates
from mailer.message.sample import DETAILS, SERIES, WEBINAR, Details, sample
from tests.message.golden import FOLDER, assert_golden

RENDERER = Renderer(builtin_templates())
KINDS = RENDERER.kinds
LANGUAGES = RENDERER.languages
ATTACK = "announcement"  # the kind that stands for all where only the mechanism is tested

FOR_REGISTERED = {
    "announcement",
    "reminder",
    "follow-up",
    "update",
    "reply-register",
    "welcome",
}


def _variants(kind: str) -> Iterator[tuple[bool, bool, Details]]:
    for number, details in enumerate(DETAILS.get(kind, ({},))):
        yield True, False, details
        if number == 0:
            yield False, False, details
        if number == 0 and kind in FOR_REGISTERED:
            yield True, True, details
            yield False, True, details


@cache
def _mails(kind: str, language: str) -> tuple[tuple[Facts, Rendered], ...]:
    """All that this kind can look like, each with its facts."""
    variants = [
        sample(kind, language=language, web=web, registered=registered, details=details)
        for web, registered, details in _variants(kind)
    ]
    return tuple((facts, RENDERER.render(kind, facts)) for facts in variants)


every_kind = pytest.mark.parametrize("kind", KINDS)
# Two while one works, one for each direction; all of them in the full check.
every_language = pytest.mark.parametrize(
    "language",
    [
        language if language in {"en", "ar"} else pytest.param(language, marks=pytest.mark.slow)
        for language in LANGUAGES
    ],
)


class _Page(HTMLParser):
    """A page's words as a reader sees them, the links, and what it is made of."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self._hidden = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]
        self._hidden = tag in {"title", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


_HAN = "\u3400-\u9fff"


def _words(text: str) -> set[str]:
    """The words; each Chinese character is one, as lines may end between any two of them."""
    return set(re.findall(rf"[{_HAN}]|[^\W{_HAN}]+", text))


def _columns(line: str) -> int:
    seen = [letter for letter in line if unicodedata.category(letter) not in {"Mn", "Cf"}]
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in seen)


def _marks(text: str) -> set[str]:
    return {found[1] for found in PATTERN.finditer(text)}


def _is_one_line(text: str) -> bool:
    return text.replace("\u00a0", " ").replace("\u202f", " ").isprintable()


# --- every mail ---


def test_there_are_all_the_mails() -> None:
    assert KINDS == (
        "alarm",
        "announcement",
        "cancellation",
        "confirmation",
        "farewell",
        "follow-up",
        "forward",
        "message",
        "probe",
        "question",
        "reminder",
        "reply-already-subscribed",
        "reply-announcement",
        "reply-announcement-refused",
        "reply-authorise",
        "reply-expired",
        "reply-forwarded",
        "reply-help",
        "reply-language",
        "reply-no-webinar",
        "reply-not-subscribed",
        "reply-pause",
        "reply-preview",
        "reply-programme",
        "reply-register",
        "reply-resume",
        "reply-sign-in",
        "reply-skip",
        "reply-status",
        "reply-timezone",
        "report-bounces",
        "report-delivery",
        "report-failed",
        "report-no-link",
        "report-registrations",
        "report-week",
        "update",
        "welcome",
    )
    assert set(DETAILS) <= set(KINDS)
    assert LANGUAGES == ("en", "ar", "es", "fr", "ru", "zh")


@every_language
@every_kind
def test_every_mail_is_whole(kind: str, language: str) -> None:
    for facts, mail in _mails(kind, language):
        page = _Page(mail.html)
        assert _is_one_line(mail.subject)
        assert 1 <= len(mail.subject) <= 200
        for line in mail.text.splitlines():
            assert _columns(line) <= 78 or " " not in line.strip(" -"), line
        assert "\n\n\n" not in mail.text
        reading = "rtl" if language == "ar" else "ltr"
        assert mail.html.startswith(f'<!DOCTYPE html><html lang="{language}" dir="{reading}">')
        assert set(page.tags).isdisjoint({"script", "img", "link", "iframe", "form", "object"})
        assert "src" not in page.attributes
        assert "url(" not in mail.html
        assert "@import" not in mail.html
        assert "prefers-color-scheme: dark" in mail.html
        assert "style" in page.attributes
        for link in page.links:
            assert re.match(r"https://|mailto:", link), link
        pages = re.findall(r"https://webinars\.example\.org/[upcrj]/", mail.text + mail.html)
        assert facts.series.base_url or not pages


@every_language
@every_kind
def test_text_and_html_say_the_same(kind: str, language: str) -> None:
    for facts, mail in _mails(kind, language):
        page = _Page(mail.html)
        seen = _words(" ".join(page.words))
        behind = _words(" ".join(page.links))
        told = _words(mail.text)
        assert told - seen - behind == set()
        assert seen - told == set() or seen - told <= _words(facts.series.title)
        assert _marks(mail.text) == _marks(mail.html)


@every_language
@every_kind
def test_mails_read_as_they_were_approved(kind: str, language: str) -> None:
    parts = []
    for facts, mail in _mails(kind, language):
        shown = [f"{name}: {value}" for name, value in facts.detail.items()]
        shown += ["web"] * bool(facts.series.base_url) + ["registered"] * facts.registered
        parts.append(f"===== {'; '.join(shown)}\n{mail.subject}\n\n{mail.text}")
    assert_golden(f"render/{kind}.{language}.txt", "\n".join(parts).encode())


@every_language
@every_kind
def test_pages_look_as_they_were_approved(kind: str, language: str) -> None:
    [(_, mail), *_] = _mails(kind, language)
    assert_golden(f"render/{kind}.{language}.html", mail.html.encode())


def test_there_is_no_golden_file_of_a_mail_that_is_gone() -> None:
    known = {f"{kind}.{language}" for kind in KINDS for language in LANGUAGES}
    assert {path.stem for path in (FOLDER / "render").iterdir()} == known


def test_the_documentation_tells_what_each_kind_needs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (?:`([^`]*)`)? *\| *([a-z_ ]*?) *\|$", page, re.MULTILINE
    )
    assert sorted(name for name, _, _ in rows) == sorted(KINDS)
    for name, details, personal in rows:
        mails = _mails(name, "en")
        needed = {word for word in details.split() if not word.endswith("?")}
        known = {word.rstrip("?") for word in details.split()}
        for facts, _ in mails:
            assert needed <= set(facts.detail) <= known, name
        used = {mark for _, mail in mails for mark in _marks(mail.text)}
        assert used == set(personal.split()), name


# --- what stands in them ---


def test_an_announcement_tells_the_time_in_both_zones() -> None:
    mail = RENDERER.render("announcement", sample("announcement"))
    assert mail.text.splitlines()[4:6] == [
        "Wednesday, 25 November 2026, 13:00–14:00 Zurich time (12:00–13:00 UTC)",
        "For you: 07:00–08:00 New York time",
    ]


@every_language
@every_kind
def test_the_way_in_is_told_to_registered_people_only(kind: str, language: str) -> None:
    for facts, mail in _mails(kind, language):
        everything = mail.text + mail.html
        assert facts.registered or "meet.example.org" not in everything
        assert facts.registered or "join" not in _marks(everything)


@pytest.mark.parametrize("web", [True, False])
def test_a_registered_person_gets_the_way_in_and_the_way_out(web: bool) -> None:
    mail = RENDERER.render("reminder", sample("reminder", web=web, registered=True))
    join = "https://webinars.example.org/j/zqmark-join-kramqz" if web else WEBINAR.join_url
    assert f"\nYou are registered.\nJoin: {join}\n" in mail.text
    assert "webinars+skip-zqmark-skip-kramqz@lists.example.org" in mail.text


@pytest.mark.parametrize(
    ("elsewhere", "web", "line"),
    [
        (True, True, "Register: https://register.example.org/12"),
        (True, False, "Register: https://register.example.org/12"),
        (False, True, "Register: https://webinars.example.org/r/zqmark-register-kramqz"),
        (False, False, "webinars+register-zqmark-register-kramqz@lists.example.org is enough."),
    ],
)
def test_registration_is_offered_where_it_is(elsewhere: bool, web: bool, line: str) -> None:
    facts = sample("announcement", web=web)
    assert facts.webinar is not None
    if elsewhere:
        url = "https://register.example.org/12"
        webinar = replace(facts.webinar, registers_here=False, registration_url=url, join_url="")
        facts = replace(facts, webinar=webinar)
    text = RENDERER.render("announcement", facts).text
    assert [one for one in text.splitlines() if "egister" in one and "@" in one + "@"][-1] == line


@pytest.mark.parametrize(
    "kind", ["announcement", "reminder", "follow-up", "update", "cancellation", "message"]
)
def test_programme_mails_say_how_to_leave(kind: str) -> None:
    with_web = RENDERER.render(kind, sample(kind)).text
    without = RENDERER.render(kind, sample(kind, web=False)).text
    assert "\nLeave at any time: https://webinars.example.org/u/zqmark-unsubscribe" in with_web
    assert "webinars+unsubscribe-zqmark-unsubscribe-kramqz@lists.example.org" in without


def test_an_update_says_old_and_new() -> None:
    lines = RENDERER.render("update", sample("update")).text.replace("\nUTC)", " UTC)").splitlines()
    assert lines[2:4] == [
        "Old time: Tuesday, 24 November 2026, 13:00–14:00 Zurich time (12:00–13:00 UTC)",
        "New time: Wednesday, 25 November 2026, 13:00–14:00 Zurich time (12:00–13:00 UTC)",
    ]


def test_an_empty_programme_is_friendly() -> None:
    facts = replace(sample("reply-programme"), webinars=())
    assert RENDERER.render("reply-programme", facts).text.startswith(
        "No webinar is planned right now."
    )


def test_a_language_without_catalogue_gets_that_of_the_series_throughout() -> None:
    facts = sample("announcement", language="pt-BR")
    assert RENDERER.language("announcement", "copyright", "pt-BR", otherwise="ru") == "ru"
    for own in ("en", "ru"):
        facts = replace(facts, series=replace(SERIES, language=own))
        wanted = RENDERER.render("announcement", replace(facts, language=own))
        assert RENDERER.render("announcement", facts) == wanted


def test_a_series_without_catalogue_writes_in_english() -> None:
    facts = replace(sample("welcome", language="pt"), series=replace(SERIES, language="de"))
    assert RENDERER.render("welcome", facts).subject == f"Welcome to {SERIES.title}"


# --- from right to left ---

_ISOLATES = re.compile("[\u2066-\u2069]")
_BESIDE = re.compile("\u2069[\\w@/]|[\\w@/]\u2066|[\\w@/]\u2068")
_TO_COPY = re.compile(r"https?://[^\s<>]+|[^\s<>«»]+@[\w.-]+")


@every_language
@every_kind
def test_nothing_to_copy_has_a_mark_of_direction_in_it_or_beside_it(
    kind: str, language: str
) -> None:
    for _, mail in _mails(kind, language):
        assert not _ISOLATES.search(mail.subject)
        assert language == "ar" or not _ISOLATES.search(mail.text + mail.html)
        for copied in _TO_COPY.findall(mail.text):
            assert not _ISOLATES.search(copied), copied
        assert not _BESIDE.search(mail.text)
        assert not re.search("<code[^>]*>[^<]*[\u200e\u200f\u2066-\u2069]", mail.html)


@every_kind
def test_isolates_are_paired_within_a_paragraph(kind: str) -> None:
    for _, mail in _mails(kind, "ar"):
        for paragraph in mail.text.split("\n\n"):
            depth = [0]
            for sign in _ISOLATES.findall(paragraph):
                depth.append(depth[-1] + (-1 if sign == "\u2069" else 1))
            assert min(depth) == depth[-1] == 0, paragraph


def test_arabic_keeps_what_is_read_the_other_way_together() -> None:
    mail = RENDERER.render("announcement", sample("announcement", language="ar"))
    lines = mail.text.replace("\u2066", "{").replace("\u2068", "{").replace("\u2069", "}")
    assert lines.splitlines()[4:13] == [
        "الأربعاء، 25 نوفمبر 2026، {13:00–14:00} بتوقيت زيورخ ({12:00–13:00 UTC})",
        "بتوقيتكم المحلي: {07:00–08:00} بتوقيت نيويورك",
        "",
        "اللغة: الإنجليزية",
        "",
        "المتحدثون:",
        "- {Ada Example, Example University <https://ada.example.org>}",
        "- {Jean Exemple, Institut d’exemple}",
        "",
    ]
    assert f'><span dir="ltr">{WEBINAR.title}</span></h1>' in mail.html
    assert ' dir="ltr" style="white-space: nowrap;">13:00–14:00</span>' in mail.html


def test_an_arabic_title_stays_together_in_an_english_mail() -> None:
    webinar = replace(WEBINAR, title="رمز المحتوى 24138", language="ar")
    mail = RENDERER.render("reply-skip", replace(sample("reply-skip"), webinar=webinar))
    assert mail.subject == "You are not coming: رمز المحتوى 24138"
    assert "“\u2068رمز المحتوى 24138\u2069”" in mail.text
    assert '<span dir="rtl"><strong>رمز المحتوى 24138</strong></span>' in mail.html


def test_rendering_twice_gives_the_same() -> None:
    first = RENDERER.render("welcome", sample("welcome"))
    assert Renderer(builtin_templates()).render("welcome", sample("welcome")) == first


# --- data from outside ---

BAD_TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</title></style><script>alert(1)</script>",
    "{{ 7*7 }}{% for x in y %}",
    "<a href=javascript:alert(1)>x</a>",
    "&lt;script&gt;",
    "\u202e<b>",
)


def _with(text: str, url: str) -> Facts:
    """An announcement with this text in every text field and this link in every link field."""
    facts = sample("announcement", language="en")
    webinar = replace(
        WEBINAR,
        title=text,
        abstract=text,
        language=text,
        speakers=(Speaker(name=text, affiliation=text, url=url, address="secret@example.org"),) * 2,
        links=(Link(title=text, url=url),),
        materials=(Link(title=text, url=url),),
        registers_here=False,
        registration_url=url,
        page_url=url,
    )
    series = replace(facts.series, title=text, imprint=text)
    return replace(facts, series=series, webinar=webinar, webinars=(webinar,) * 3)


@cache
def _plain_page(kind: str, url: str) -> _Page:
    return _Page(RENDERER.render(kind, _with("plain", url)).html)


@pytest.mark.parametrize("kind", ["announcement", "welcome", "reply-skip"])
@pytest.mark.parametrize("text", BAD_TEXTS)
def test_no_text_becomes_part_of_the_page(kind: str, text: str) -> None:
    good, bad = "https://example.org/x", 'https://example.org/"><script>'
    plain = _plain_page(kind, good)
    page = _Page(RENDERER.render(kind, _with(text, good)).html)
    assert page.tags == plain.tags
    assert page.attributes == plain.attributes
    assert "script" not in _Page(RENDERER.render(kind, _with(text, bad)).html).tags


# Details that are not any text but a word of ours, a language, a zone or a moment.
SET = frozenset({"at", "audience", "end", "expires", "kind", "language", "paused_until", "since",
                 "start", "state", "text_language", "told", "until", "was_ends_at", "was_starts_at",
                 "was_zone", "zone"})  # fmt: skip
EVERY_CASE = [(kind, number) for kind in KINDS for number in range(len(DETAILS.get(kind, ({},))))]


def _all_with(kind: str, number: int, text: str) -> Facts:
    """A mail of this kind with this text in every text that it can be given."""
    details = DETAILS.get(kind, ({},))[number]
    fixed = SET | {"value"} if details.get("ok") is True else SET
    said = {
        name: f"{value} {text}" if isinstance(value, str) and value and name not in fixed else value
        for name, value in details.items()
    }
    facts, texts = sample(kind, details=said), _with(text, "https://example.org/x")
    items = tuple(replace(one, text=f"{one.text} {text}") for one in facts.items)
    return replace(
        facts, series=texts.series, webinar=texts.webinar, webinars=texts.webinars, items=items
    )


@pytest.mark.parametrize(("kind", "number"), EVERY_CASE)
def test_no_text_becomes_part_of_any_mail(kind: str, number: int) -> None:
    """S9: of the webinar, of organisers, of servers and of who wrote, in every mail there is."""
    plain = _Page(RENDERER.render(kind, _all_with(kind, number, "plain")).html)
    page = _Page(RENDERER.render(kind, _all_with(kind, number, " ".join(BAD_TEXTS))).html)
    assert (page.tags, page.attributes) == (plain.tags, plain.attributes)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "//example.org", "x\ny"],
)
def test_a_link_that_leads_elsewhere_is_left_out(url: str) -> None:
    mail = RENDERER.render("announcement", _with("plain", url))
    assert url not in mail.text
    assert {link.partition(":")[0] for link in _Page(mail.html).links} <= {"https", "mailto"}


def test_details_are_escaped_as_well() -> None:
    attack = "<script>alert(1)</script>"
    cases: tuple[tuple[str, Details], ...] = (
        ("forward", {"author": attack, "subject": attack, "answerable": True}),
        ("cancellation", {"reason": attack}),
        ("reply-language", {"ok": False, "value": attack}),
        ("reply-no-webinar", {"number": attack}),
        ("message", {"subject": attack, "body": attack}),
    )
    for kind, details in cases:
        mail = RENDERER.render(kind, sample(kind, details=details))
        assert "script" not in _Page(mail.html).tags
        assert attack in mail.text


def test_a_speakers_address_is_never_printed() -> None:
    mail = RENDERER.render("announcement", _with("plain", "https://example.org"))
    assert "secret@example.org" not in mail.text + mail.html


@pytest.mark.parametrize("breaking", ["\r\n", "\n", "\r", "\0", "\u2028", "\u0085", "\x0b", "\x1b"])
def test_a_title_adds_no_header_and_no_line(breaking: str) -> None:
    facts = sample("announcement")
    webinar = replace(WEBINAR, title=f"Title{breaking}Bcc: x@example.org")
    mail = RENDERER.render("announcement", replace(facts, webinar=webinar))
    assert _is_one_line(mail.subject)
    assert mail.subject.startswith("Webinar on 25 November 2026: Title")
    assert not re.search(r"^Bcc", mail.text, re.MULTILINE)


def test_a_long_title_is_cut_in_the_subject() -> None:
    webinar = replace(WEBINAR, title="word " * 100)
    mail = RENDERER.render("announcement", replace(sample("announcement"), webinar=webinar))
    assert len(mail.subject) <= 200
    assert mail.subject.endswith("word…")


def test_data_cannot_print_a_mark() -> None:
    text = "a zqmark-approve-kramqz b zqzqmarkmark-join-kramkramqzqz ZQMARK-x-KRAMQZ c"
    mail = RENDERER.render("announcement", _with(text, "https://example.org/zqmark-join-kramqz"))
    assert _marks(mail.subject + mail.text + mail.html) == {"unsubscribe", "preferences"}
    assert mail.subject == "Webinar on 25 November 2026: a -approve- b -join- -x- c"


# --- overriding ---


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")


def _overriding(folder: Path, files: dict[str, str]) -> Renderer:
    _write(folder, files)
    return Renderer(builtin_templates(), folder)


@pytest.mark.slow
def test_the_closest_override_wins(tmp_path: Path) -> None:
    subject = "mail/welcome/subject"
    files = {f"{subject}.txt": "all", f"{subject}.fr.txt": "tous"}
    files |= {f"copyright/{subject}.txt": "series", f"copyright/{subject}.ar.txt": "سلسلة"}
    renderer = _overriding(tmp_path, files)
    other = replace(SERIES, id="other")
    subjects = [
        renderer.render("welcome", replace(sample("welcome", language=language), series=series))
        for series in (SERIES, other)
        for language in ("en", "fr", "ar")
    ]
    assert [mail.subject for mail in subjects] == [
        "series",
        "series",
        "سلسلة",
        "all",
        "tous",
        "all",
    ]
    assert '<html lang="ar" dir="rtl">' in subjects[2].html
    assert '<html lang="ar" dir="rtl">' in subjects[5].html


@pytest.mark.slow
def test_a_layout_and_a_translation_can_be_overridden(tmp_path: Path) -> None:
    layout = '{% extends "mail/_layout.txt" %}{% block foot %}ours{% endblock %}'
    po = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    po += 'msgid "Welcome to %(title)s"\nmsgstr "{}"\n'
    renderer = _overriding(
        tmp_path,
        {
            "mail/_organiser.txt": layout,
            "translations/fr.po": po.format("Salut, %(title)s"),
            "translations/de.po": po.format("Willkommen bei %(title)s"),
        },
    )
    assert renderer.languages == ("en", "ar", "de", "es", "fr", "ru", "zh")
    assert "-- \nours\n" in renderer.render("forward", sample("forward")).text
    french = renderer.render("welcome", sample("welcome", language="fr"))
    german = renderer.render("welcome", sample("welcome", language="de-AT"))
    assert french.subject == "Salut, Copyright Infrastructure Webinars"
    assert french.text.startswith("Bienvenue")
    assert german.subject == "Willkommen bei Copyright Infrastructure Webinars"
    assert '<html lang="de" dir="ltr">' in german.html


def test_no_override_can_print_the_way_in_to_others(tmp_path: Path) -> None:
    source = "[{{ webinar.join_url }}{% for one in webinars %}{{ one.join_url }}{% endfor %}]"
    renderer = _overriding(tmp_path, {f"mail/{ATTACK}/body.txt": source})
    assert renderer.render(ATTACK, sample(ATTACK)).text == "[]\n"


# --- faults ---


def _faulty(folder: Path, source: str, part: str = "body.txt") -> TemplateFault:
    files = {f"mail/{ATTACK}/{name}": "x" for name in ("subject.txt", "body.txt", "body.html")}
    _write(folder, files | {f"mail/{ATTACK}/{part}": source})
    renderer = Renderer(folder / "nothing", folder)  # without the built-in ones: faster
    with pytest.raises(TemplateFault) as caught:
        renderer.render(ATTACK, sample(ATTACK))
    return caught.value


@pytest.mark.parametrize("part", ["subject.txt", "body.html"])
@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("fine\n{% if %}", 2),
        ("fine\n\n{{ nothing }}", 3),
        ("{{ webinar.nothing }}", 1),
        ("\n{{ detail.nothing }}", 2),
        ("\n{{ series|nothing }}", 2),
        ("\n\n{{ me.nothing }}", 3),
        ('\n{% extends "mail/nothing.txt" %}', 2),
        ("\n{% if me.address %}x{% endif %}", 2),
        ('\n{{ _("%(x)9s", x=1) }}', 2),
        ('\n{{ _("%(x)s") }}', 2),
        ('\n{{ "no date"|day }}', 2),
        ("\n{{ 1 // 0 }}", 2),
    ],
)
def test_a_fault_names_its_file_and_line(tmp_path: Path, part: str, source: str, line: int) -> None:
    fault = _faulty(tmp_path, source, part)
    assert fault.template == f"{tmp_path}/mail/{ATTACK}/{part}"
    assert fault.line == line


def test_a_fault_in_a_macro_is_told_where_it_is(tmp_path: Path) -> None:
    files = {"mail/own.txt": "\n{% macro say() %}\n{{ x }}{% endmacro %}"}
    files["mail/welcome/body.txt"] = '{% import "mail/own.txt" as own %}\n\n{{ own.say() }}'
    renderer = _overriding(tmp_path, files)
    with pytest.raises(TemplateFault) as caught:
        renderer.render("welcome", sample("welcome"))
    assert (caught.value.template, caught.value.line) == (f"{tmp_path}/mail/own.txt", 3)


MISUSES = (
    "{{ me }}",
    "{% if me.address %}x{% endif %}",
    "{% if not me.confirm_url %}x{% endif %}",
    "{% if me.address == 'x' %}x{% endif %}",
    "{% if me.address is eq 'x' %}x{% endif %}",
    "{% if me.address in ['x'] %}x{% endif %}",
    "{% if 'x' in me.address %}x{% endif %}",
    "{{ me.address|length }}",
    "{{ me.address|upper }}",
    "{{ me.address|trim }}",
    "{{ me.address|first }}",
    "{{ [me.address]|join }}{{ me.address ~ 'x' }}",
    "{{ me.address[0] }}",
    "{{ me.address + 'x' }}",
    "{{ me.address|mailto }}",
    "{{ me.address|markdown }}",
    "{% for x in me.address %}x{% endfor %}",
    "{% for x in me %}x{% endfor %}",
    "{{ [me.address] }}",
    "{{ _('%(x)s', x=me.address)|length }}",
    "{% set x %}{{ me.address }}{% endset %}{{ x|upper }}",
    "{% filter upper %}{{ me.address }}{% endfilter %}",
    "{{ 'x' if me.address else 'y' }}",
    "{{ me.address or 'x' }}",
    "{{ me.address|default('x', true) }}",
    "{{ me._places }}",
)


@pytest.mark.parametrize("source", MISUSES)
def test_a_personal_value_can_only_be_printed(tmp_path: Path, source: str) -> None:
    _faulty(tmp_path, source)


ATTACKS = (
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ series.__init__.__globals__ }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ _.__globals__ }}",
    "{{ address.__globals__ }}",
    "{{ address.__closure__ }}",
    "{{ namespace.__init__ }}",
    "{{ range.__self__ }}",
    "{{ loop }}",
    "{{ env }}",
    "{{ environment }}",
    "{{ config }}",
    "{{ lipsum }}",
    "{{ cycler }}",
    "{{ series|attr('__class__') }}",
    "{{ [series]|map(attribute='__class__')|list }}",
    "{{ series|pprint }}",
    "{{ series|tojson }}",
    "{{ '<b>'|safe }}",
    "{% autoescape false %}x{% endautoescape %}",
    "{% include '/etc/passwd' %}",
    "{% include '../../../etc/passwd' %}",
    "{% import 'os' as os %}",
    "{{ series.title.replace('a', 'b') }}",
    "{{ 'x'.join(['a']) }}",
    "{{ '{0.__class__}'.format(series) }}",
    "{{ '{:999999999}'.format(1) }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%(x)999999999s' % {'x': 1} }}",
    "{{ _('%(x)999999999s', x=1) }}",
    "{{ 'x' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ 'x' + 'y' }}",
    "{{ 'x' ~ 'y' }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 999999999 * 999999999 }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ 'x'|indent(1000000000) }}",
    "{% for x in range(10**9) %}x{% endfor %}",
    "{% for x in range(1000000000) %}x{% endfor %}",
    "{% for x in range(5000) %}x{% endfor %}",
    "{% for x in range(900) %}{% for y in range(900) %}{% endfor %}{% endfor %}",
    "{% for a in range(500) %}{% for b in range(500) %}{{ a }}{% endfor %}{% endfor %}",
    "{% for x in range(999) %}" + "x" * 5_000 + "{% endfor %}",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% macro a(n) %}{% if n %}{{ a(n-1) }}{{ a(n-1) }}{% endif %}{% endmacro %}{{ a(30) }}",
    "{% set n = namespace(x='ab') %}{% for i in range(60) %}"
    "{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x='ab') %}{% for i in range(60) %}"
    "{% set n.x = [n.x, n.x]|join %}{% endfor %}{{ n.x }}",
    "{% for x in [[1]] recursive %}{{ loop(x) }}{% endfor %}",
    "{% extends 'mail/announcement/body.txt' %}",
    "{{ webinar }}",
    "{{ webinars }}",
    "{{ webinar.starts_at }}",
    "{{ webinar.starts_at.year }}",
    "{{ series.title.__class__ }}",
    "{{ detail._values }}",
    "{{ registered }}",
    "{{ webinar.registers_here }}",
    "{% import webinar.title as m %}",
    "{% include ['a.html', 'b.html'] %}",
    "{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}",
    "{{ " + "-" * 3_000 + "1 }}",
)


@pytest.mark.parametrize("number", range(len(ATTACKS)))
def test_a_template_gets_nowhere(tmp_path: Path, number: int) -> None:
    source = ATTACKS[number]
    _faulty(tmp_path, source, "body.html")


def test_what_a_template_may_do_works(tmp_path: Path) -> None:
    source = (
        "{% set n = namespace(x=0) %}{% for i in range(3) %}{% set n.x = n.x + i * 2 %}{% endfor %}"
        "{{ n.x }} {{ loop_free|default('none') }} {{ ['a', series.domain]|join(', ') }} "
        "{% for one in webinars %}{{ loop.index }}{{ loop.last|lower if false }}{% endfor %} "
        "{{ webinars|length }} {{ ngettext('%(num)s a', '%(num)s b', 2) }} 100%"
    )
    renderer = _overriding(tmp_path, {f"mail/{ATTACK}/body.txt": source})
    text = renderer.render(ATTACK, sample(ATTACK)).text
    assert text == "6 none a, lists.example.org 12 2 2 b 100%\n"


@pytest.mark.parametrize(
    "name", ["", "nothing", "../x", "a/b", "welcome/../welcome", "Welcome", "_x"]
)
def test_there_is_no_other_mail(name: str) -> None:
    with pytest.raises(TemplateFault):
        RENDERER.render(name, sample("welcome"))


def test_an_empty_subject_is_a_fault(tmp_path: Path) -> None:
    assert _faulty(tmp_path, " \n", "subject.txt").cause == "the subject is empty"


def test_a_file_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    folder = tmp_path / "own"
    (folder / "mail").mkdir(parents=True)
    (folder / "mail" / "x.txt").symlink_to(secret)
    with pytest.raises(TemplateFault) as caught:
        Renderer(builtin_templates(), folder)
    assert caught.value.cause == "the file lies outside its folder"


@pytest.mark.parametrize("linked", ["translations/de.po", "translations"])
def test_a_catalogue_that_leads_out_of_its_folder_is_refused(tmp_path: Path, linked: str) -> None:
    """S21."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "de.po").write_text('msgid ""\nmsgstr ""\n')
    place = tmp_path / "own" / linked
    place.parent.mkdir(parents=True)
    place.symlink_to(outside / "de.po" if linked.endswith(".po") else outside)
    with pytest.raises(TemplateFault) as caught:
        Renderer(builtin_templates(), tmp_path / "own")
    assert "de.po lies outside its folder" in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (FILE_LIMIT + 1)])
def test_a_file_that_is_no_template_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(TemplateFault):
        Renderer(builtin_templates(), tmp_path)


def test_a_broken_catalogue_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "translations").mkdir()
    (tmp_path / "translations" / "de.po").write_bytes(b"nonsense\n")
    with pytest.raises(TemplateFault):
        Renderer(builtin_templates(), tmp_path)


def test_rendered_is_plain_words() -> None:
    mail = RENDERER.render("farewell", sample("farewell"))
    assert type(mail) is Rendered
    assert {type(mail.subject), type(mail.text), type(mail.html)} == {str}


def test_a_reply_to_a_doubted_command_is_the_command() -> None:
    mail = RENDERER.render("reply-authorise", sample("reply-authorise", language="fr"))
    assert mail.subject == "pause 2026-12-24"


def test_a_day_is_the_one_where_the_reader_is() -> None:
    late = "2026-12-24T03:00:00+00:00"  # still the 23rd in New York
    details = {**DETAILS["reply-status"][0], "paused_until": late}
    text = RENDERER.render("reply-status", sample("reply-status", details=details)).text
    assert "\nPause until: 23 December 2026\n" in text


def test_the_kinds_of_answers_that_intake_gives_all_exist() -> None:
    intake = Path(__file__).parents[2] / "mailer" / "intake"
    named = {
        name
        for path in intake.glob("*.py")
        for name in re.findall(r'"(reply-[a-z-]+)"', path.read_text(encoding="utf-8"))
    }
    assert named <= set(KINDS)
