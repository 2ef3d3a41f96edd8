"""Rendered once for all, each mail is what it would be if it were made for one person alone.

Three ways to the same mail are held against each other: the skeleton that all share, filled; our
own composer that cuts nothing; and what Python's email package builds of the same words.
"""

from __future__ import annotations

import html as markup
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import Header, decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.message.compose import Calendar, compose
from mailer.message.facts import Facts, Link, SeriesFacts, Speaker, WebinarFacts
from mailer.message.header import headers_for
from mailer.message.invite import Method, calendar
from mailer.message.letter import Letter, draw
from mailer.message.mark import PATTERN, Personal, mark, without_marks
from mailer.message.quoted import body_text, one_line
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import DETAILS, SERIES, WEBINAR
from mailer.message.skeleton import Skeleton
from tests.examples import examples
from tests.message.lint import lint
from tests.message.sample import NOW
from tests.message.unsplit import mail_of_one

RENDERER = Renderer(builtin_templates())
KINDS = ("announcement", "reminder", "update", "cancellation", "follow-up", "message")
WITH_CALENDAR = ("announcement", "reminder", "update")
ZONES = ("Europe/Zurich", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "UTC")

ODD = st.sampled_from(
    [".", ". a dot first", "..", "From here", "x" * 1200, "- item", "> quoted", "=?utf-8?Q?x?=",
     "a=20b  ", "\u202eturned", "<b>&amp;", "{{ me }}", "%s", "اشتراك", "订阅", "e\u0301🎉",
     "a\r\nBcc: b@example.org", "a\0\x85\u2028b", mark(Personal.ADDRESS), "zqmark-"],
)  # fmt: skip
LINE = st.one_of(st.text(max_size=60), ODD)
PROSE = st.lists(LINE, max_size=6).map("\n".join)
TITLE = st.one_of(st.text(min_size=1, max_size=90), ODD, st.just("Names for content"))
PAGE = st.sampled_from(
    ["", "https://example.org/a?b=1&c=%C3%A9", "https://例え.example.org/", "x:y"]
)
LINKS = st.lists(st.builds(Link, title=LINE, url=PAGE), max_size=2).map(tuple)
SPEAKERS = st.lists(st.builds(Speaker, name=LINE, affiliation=LINE, url=PAGE), max_size=3).map(
    tuple
)


@st.composite
def webinars(draw: st.DrawFn) -> WebinarFacts:
    """Anything that an organiser may have written."""
    start = draw(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)))  # noqa: DTZ001
    start = start.replace(second=0, microsecond=0, tzinfo=UTC)
    return replace(
        WEBINAR,
        title=draw(TITLE),
        abstract=draw(PROSE),
        language=draw(st.sampled_from(["en", "fr", "ar", "zh", "xx"])),
        starts_at=start,
        ends_at=start + timedelta(minutes=draw(st.integers(1, 3000))),
        zone=draw(st.sampled_from(ZONES)),
        speakers=draw(SPEAKERS),
        links=draw(LINKS),
        materials=draw(LINKS),
        registers_here=draw(st.booleans()),
        registration_url=draw(PAGE),
        join_url=draw(PAGE),
        page_url=draw(PAGE),
    )


@st.composite
def letters(draw: st.DrawFn) -> Letter:
    """An announcement of any kind for a group of readers: language, zone, registered or not."""
    kind = draw(st.sampled_from(KINDS))
    series = replace(
        SERIES,
        title=draw(TITLE),
        imprint=draw(PROSE),
        base_url=draw(st.sampled_from(["", "https://webinars.example.org"])),
    )
    details: dict[str, str | int | bool] = dict(draw(st.sampled_from(DETAILS.get(kind, ({},)))))
    for name in details.keys() & {"body", "reason"}:
        details[name] = draw(PROSE)
    if kind == "message":
        details["subject"] = f"On {draw(LINE)}"
    facts = Facts(
        series=series,
        language=draw(st.sampled_from(RENDERER.languages)),
        zone=draw(st.sampled_from(ZONES)),
        webinar=None if kind == "message" else draw(webinars()),
        registered=draw(st.booleans()),
        detail=details,
    )
    return Letter(template=kind, facts=facts, calendar="PUBLISH" if kind in WITH_CALENDAR else None)


TOKENS = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=42)
LOCALS = st.text("abcXYZ019!#$%&'*+-/=?^_`{|}~é中", min_size=1, max_size=60)
DOMAINS = st.sampled_from(["example.org", "a.b.example.org", "bücher.example", "παράδειγμα.test"])
ADDRESSES = st.one_of(
    st.builds("{}@{}".format, LOCALS, DOMAINS), st.just('"jane  doe"@example.org')
)
PEOPLE = st.fixed_dictionaries(
    {personal: ADDRESSES if personal is Personal.ADDRESS else TOKENS for personal in Personal}
)


def head_of(letter: Letter, subject: str) -> list[tuple[str, str]]:
    facts = letter.facts
    return headers_for(
        series=facts.series,
        kind=letter.template,
        subject=subject,
        language=facts.language,
        date=NOW,
        about=facts.webinar.id if facts.webinar else "",
    )


def published(letter: Letter) -> Calendar | None:
    webinar = letter.facts.webinar
    if webinar is None or letter.calendar is None:
        return None
    content = calendar(
        webinar, letter.facts.series, method="PUBLISH", attendee=None, registered=False
    )
    return Calendar(content=content, method="PUBLISH")


def filled_in(source: str, values: Mapping[Personal, str]) -> str:
    return PATTERN.sub(lambda found: values[Personal(found[1])], source)


def built_by_python(
    headers: list[tuple[str, str]],
    subject: str,
    series: SeriesFacts,
    bodies: tuple[str, str],
    held: Calendar | None,
    values: Mapping[Personal, str],
) -> EmailMessage:
    """The same mail as the standard library makes it, every field from what it is to say."""
    built = EmailMessage(policy=policy.SMTPUTF8)
    # Encoded first: a subject is taken for one that may hold encoded words already.
    built["Subject"] = Header(one_line(without_marks(subject)), "utf-8").encode(maxlinelen=0)
    built["From"] = Address(one_line(without_marks(series.title)), addr_spec=series.address)
    for name, value in headers:
        if name not in {"Subject", "From", "To", "List-Id", "Content-Language"}:
            built[name] = filled_in(value, values)
    escaped = {personal: markup.escape(value) for personal, value in values.items()}
    built.set_content(filled_in(body_text(bodies[0]), values))
    built.add_alternative(filled_in(body_text(bodies[1]), escaped), subtype="html")
    if held is not None:
        built.add_attachment(
            held.content.decode(),
            subtype="calendar",
            filename="invite.ics",
            params={"method": held.method},
        )
    built["Content-Language"] = dict(headers)["Content-Language"]
    return built


def parsed(message: bytes) -> EmailMessage:
    return message_from_bytes(message, _class=EmailMessage, policy=policy.SMTP)


def leaves(message: EmailMessage) -> list[tuple[object, ...]]:
    """Every part that holds something: its type, its file's name, and what it says."""
    return [
        (part.get_content_type(), part.get_filename(), part.get_param("method"), part.get_content())
        for part in message.walk()
        if not part.is_multipart()
    ]


def shown(message: EmailMessage) -> dict[str, str]:
    """The header fields, decoded."""
    apart = {"Content-Type", "From", "To", "List-Id"}
    return {name: str(value) for name, value in message.items() if name not in apart}


def author(message: bytes) -> tuple[str, str]:
    """Name and address in From. The older parser reads it: the newer one puts a space between
    encoded words of a name, where RFC 2047 §6.2 says that there is none."""
    name, address = parseaddr(str(message_from_bytes(message)["From"]).replace("\n", ""))
    return str(make_header(decode_header(name))), address


@given(letter=letters(), people=st.lists(PEOPLE, min_size=1, max_size=3))
@settings(deadline=None, max_examples=examples(200), suppress_health_check=[HealthCheck.too_slow])
def test_a_mail_rendered_once_is_the_mail_made_for_one(
    letter: Letter, people: list[dict[Personal, str]]
) -> None:
    skeleton = draw(letter, RENDERER, kind=letter.template, date=NOW)
    rendered = RENDERER.render(letter.template, letter.facts)
    headers, held = head_of(letter, rendered.subject), published(letter)
    for values in people:
        filled = skeleton.fill(values)
        assert filled == mail_of_one(headers, rendered.text, rendered.html, held, values)
        assert filled == Skeleton.from_json(skeleton.to_json()).fill(values)
        built = built_by_python(
            headers,
            rendered.subject,
            letter.facts.series,
            (rendered.text, rendered.html),
            held,
            values,
        )
        found = parsed(filled)
        assert shown(found) == shown(built)
        assert leaves(found) == leaves(parsed(built.as_bytes()))
        (wanted,) = built["From"].addresses
        assert author(filled) == (wanted.display_name, wanted.addr_spec)
        assert b"\r\nTo: " + values[Personal.ADDRESS].encode() + b"\r\n" in filled
        assert str(found["List-Id"]).endswith("<copyright.lists.example.org>")
        assert lint(filled) == []


IN_BODIES = [one for one in Personal if one not in (Personal.DATE, Personal.ANSWERED)]
WORDS = st.lists(
    st.one_of(LINE.map(without_marks), st.sampled_from(IN_BODIES).map(mark), st.just("\n")),
    max_size=8,
).map("".join)
METHODS = st.sampled_from(["PUBLISH", "REQUEST", "CANCEL"])


@given(words=st.tuples(WORDS, WORDS), webinar=webinars(), method=METHODS, values=PEOPLE)
@settings(deadline=None, max_examples=examples(200))
def test_whatever_is_cut_wherever_is_the_mail_made_for_one(
    words: tuple[str, str],
    webinar: WebinarFacts,
    method: Method,
    values: dict[Personal, str],
) -> None:
    attendee = None if method == "PUBLISH" else mark(Personal.ADDRESS)
    content = calendar(webinar, SERIES, method=method, attendee=attendee, registered=True)
    held = Calendar(content=content, method=method)
    headers = headers_for(series=SERIES, kind="k", subject="x", language="en", date=NOW)
    skeleton = compose(headers=headers, text=words[0], html=words[1], calendar=held)
    assert skeleton.fill(values) == mail_of_one(headers, *words, held, values)
