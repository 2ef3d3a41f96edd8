"""Facts to try templates with: one webinar series as it could be, nobody's real data.

For `template check` and `template preview`, and for tests. Every kind gets the details its template
asks for; `VARIANTS` says which kinds can look different for the same facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from mailer.message.facts import Facts, Item, Link, SeriesFacts, Speaker, WebinarFacts

Details = Mapping[str, str | int | bool]

_STAMP = datetime(2026, 11, 1, 8, tzinfo=UTC)
_BODY = """Dear all,

our next series starts in **January**. Read [what is planned](https://webinars.example.org/plan).

Kind regards"""

SERIES = SeriesFacts(
    id="copyright",
    title="Copyright Infrastructure Webinars",
    address="webinars@lists.example.org",
    local="webinars",
    domain="lists.example.org",
    zone="Europe/Zurich",
    language="en",
    imprint="Example Institute, 1 Example Street, Geneva\nhttps://www.example.org/privacy",
)

WEBINAR = WebinarFacts(
    id="iscc",
    number=12,
    title="The International Standard Content Code (ISCC)",
    abstract=(
        "How can a work be recognised **wherever** it turns up?\n\n"
        "- what a content code is made of\n"
        "- what ISO 24138 says, and what it leaves open\n\n"
        "Read [the standard's page](https://www.example.org/iscc) before, if you like."
    ),
    language="en",
    starts_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
    ends_at=datetime(2026, 11, 25, 13, tzinfo=UTC),
    zone="Europe/Zurich",
    status="scheduled",
    uid="0b7c4f0e-7a58-4b0e-9d6e-3a8a2a0f6f11",
    sequence=0,
    stamp=_STAMP,
    speakers=(
        Speaker(
            name="Ada Example", affiliation="Example University", url="https://ada.example.org"
        ),
        Speaker(name="Jean Exemple", affiliation="Institut d’exemple"),
    ),
    hosts=(Speaker(name="Bo Example", affiliation="Example Institute"),),
    links=(Link(title="Background paper", url="https://www.example.org/paper?a=1&b=2"),),
    registers_here=True,
    join_url="https://meet.example.org/12",
)

SECOND = replace(
    WEBINAR,
    id="registers",
    number=13,
    title="Registers of works, 100 years on",
    abstract="",
    language="fr",
    starts_at=datetime(2026, 12, 9, 12, tzinfo=UTC),
    ends_at=datetime(2026, 12, 9, 13, tzinfo=UTC),
    uid="7f0f2b3e-53a1-4f9c-8f5b-1b8d2f0c9a22",
    speakers=(Speaker(name="Jean Exemple"),),
    hosts=(),
    links=(),
    registers_here=False,
    registration_url="https://register.example.org/13",
    join_url="",
)

_MOVED: Details = {
    "was_starts_at": "2026-11-24T12:00:00+00:00",
    "was_ends_at": "2026-11-24T13:00:00+00:00",
    "was_zone": "Europe/Zurich",
}
_STATUS: Details = {
    "state": "active",
    "since": "2026-01-01",
    "language": "fr",
    "zone": "America/New_York",
    "paused_until": "",
}
_PREVIEW: Details = {
    "subject": "What comes next year",
    "body": _BODY,
    "text_language": "en",
    "at": "2026-12-01T08:00:00+00:00",
    "expires": "2026-12-08T08:00:00+00:00",
    "recipients": 1234,
    "audience": "subscribed",
    "webinar": "",
    "writer": "ada@example.org",
    "own": True,
    "may_approve": True,
    "approvers": "ada@example.org",
    "attachments": False,
}
_TOLD: Details = {
    "told": "approved",
    "subject": "What comes next year",
    "at": "2026-12-01T08:00:00+00:00",
    "who": "ada@example.org",
    "recipients": 1234,
    "sent": 0,
    "under_way": 0,
    "stoppable": True,
}

_WEEK: Details = {
    "start": "2026-11-16",
    "end": "2026-11-23",
    "joined": 12,
    "left": 2,
    "bounced": 1,
    "complained": 0,
    "unanswered": 0,
    "subscribed": 1234,
}
_DELIVERY: Details = {
    "command": "mailer announcement show 7",
    "kind": "announcement",
    "subject": "The International Standard Content Code (ISCC)",
    "at": "2026-11-11T08:00:00+00:00",
    "total": 1234,
    "sent": 1229,
    "came_back": 3,
    "refused": 2,
    "left_out": 0,
    "late": 0,
    "waiting": 0,
}
_ITEMS = {
    "forward": (
        Item(text="Dear organisers,"),
        Item(text=""),
        Item(text="is there a recording of the last webinar?"),
    ),
    "report-week": (
        Item(text=WEBINAR.title, at="2026-11-24T12:00:00+00:00", kind="reminder"),
        Item(text=SECOND.title, at="2026-11-25T08:00:00+00:00", kind="announcement"),
        Item(text="What comes next year", at="2026-12-01T08:00:00+00:00", kind="message"),
    ),
    "report-delivery": (
        Item(text="hard 5.1.1: user unknown", count=3),
        Item(text="554 5.7.1: refused by policy", count=2),
    ),
}

# What each kind can be given; the first is the usual case.
DETAILS: Mapping[str, tuple[Details, ...]] = {
    "reminder": ({}, {"speaker": True}),
    "update": (
        _MOVED,
        {
            "was_title": "The Content Code",
            "speakers": True,
            "hosts": True,
            "abstract": True,
            "registration": True,
            "join": True,
            "join_gone": True,
            "materials": True,
        },
        {"revived": True},
        {**_MOVED, "revived": True},
        {**_MOVED, "speaker": True},
    ),
    "cancellation": (
        {"reason": "The speaker is ill.\nWe look for a new date."},
        {},
        {"speaker": True},
    ),
    "message": (
        {"subject": "What comes next year", "body": _BODY},
        {"subject": "L’an prochain", "body": "Bonjour", "text_language": "fr"},
    ),
    "confirmation": (
        {"imported": False, "wish": False, "days": 7},
        {"imported": False, "wish": True, "days": 1},
        {"imported": True, "wish": False, "days": 7},
    ),
    "reply-status": (
        _STATUS,
        {**_STATUS, "paused_until": "2026-12-24T05:00:00+00:00"},
        {**_STATUS, "state": "pending", "since": ""},
        {**_STATUS, "state": "bounced"},
        {**_STATUS, "state": "unsubscribed"},
        {"state": "", "since": "", "language": "", "zone": "", "paused_until": ""},
    ),
    "reply-language": ({"ok": True, "value": "fr"}, {"ok": False, "value": "Klingon"}),
    "reply-timezone": (
        {"ok": True, "value": "Africa/Nairobi"},
        {"ok": False, "value": "Atlantis"},
    ),
    "reply-pause": ({"ok": True, "value": "2026-12-24"}, {"ok": False, "value": ""}),
    "reply-register": ({}, {"place": 3}, {"moved_up": True}),
    "farewell": ({}, {"unanswered": True}),
    "question": (
        {"since": "2026-01-01", "last": False, "until": ""},
        {"since": "2026-01-01", "last": True, "until": "2027-03-01"},
    ),
    "reply-no-webinar": ({"number": "99"}, {"number": 0}),
    "reply-authorise": (
        {"command": "pause 2026-12-24"},
        {"command": "register 1", "seat": True},
    ),
    "alarm": (
        {
            "server": "mail.example.org:587",
            "since": "2026-11-25 12:03 UTC",
            "phase": "AUTH",
            "said": "535 5.7.8 authentication failed",
        },
        {
            "server": "mail.example.org:587",
            "since": "2026-11-25 12:03 UTC",
            "phase": "CONNECT",
            "said": "",
        },
    ),
    "report-week": (_WEEK, {**_WEEK, "unanswered": 4}),
    "report-delivery": (
        _DELIVERY,
        {**_DELIVERY, "kind": "message", "left_out": 5, "late": 1, "waiting": 7},
    ),
    "report-registrations": (
        {"registered": 40, "places": 0, "waiting": 0, "declined": 3},
        {"registered": 40, "places": 40, "waiting": 12, "declined": 3},
    ),
    "report-no-link": ({"command": "mailer webinar edit iscc --join-url https://…"},),
    "report-failed": (
        {
            "subject": "The International Standard Content Code (ISCC)",
            "kind": "reminder",
            "cause": "mail/reminder/body.txt, line 4: 'webinr' is not known",
            "command": "mailer outbox retry",
        },
    ),
    "report-bounces": (
        {
            "domain": "example.com",
            "since": "2026-11-25T12:00:00+00:00",
            "command": "mailer bounces accept example.com",
        },
        {
            "domain": "*",
            "since": "2026-11-25T12:00:00+00:00",
            "command": "mailer bounces accept '*'",
        },
    ),
    "forward": (
        {"author": "reader@example.org", "subject": "A question", "answerable": True},
        {"author": "δοκιμή@example.org", "subject": "", "answerable": False},
    ),
    "reply-preview": (
        _PREVIEW,
        {**_PREVIEW, "at": "", "attachments": True},
        {**_PREVIEW, "may_approve": False, "audience": "registered", "webinar": "iscc"},
        {**_PREVIEW, "own": False, "audience": "unregistered", "webinar": "iscc"},
        {**_PREVIEW, "own": False, "writer": ""},
    ),
    "reply-announcement": (
        _TOLD,
        {**_TOLD, "told": "dropped", "sent": 700, "under_way": 3},
        {**_TOLD, "told": "dropped"},
        {**_TOLD, "at": "", "stoppable": False},
        *({**_TOLD, "told": told} for told in ("already", "void", "own", "ended")),
    ),
    "reply-sign-in": ({"minutes": 15},),
    "reply-announcement-refused": (
        {
            "reason": "line 2, at: found '2026-13-01 09:00', expected a time\n"
            "line 5: found nothing",
            "changes": False,
        },
        {"reason": "it is too late to change it", "changes": True},
    ),
}


def bare(webinar: WebinarFacts | None) -> WebinarFacts | None:
    """The same webinar with nothing but what every webinar has."""
    if webinar is None:
        return None
    return replace(
        webinar,
        abstract="",
        speakers=(),
        hosts=(),
        links=(),
        materials=(),
        registers_here=False,
        registration_url="",
        join_url="",
        page_url="",
    )


def sample(
    kind: str,
    *,
    language: str = "en",
    web: bool = True,
    registered: bool = False,
    details: Details | None = None,
) -> Facts:
    """Facts for a mail of this kind, with pages or without, to a reader in New York."""
    series = replace(SERIES, base_url="https://webinars.example.org") if web else SERIES
    webinar = WEBINAR
    if web:
        webinar = replace(webinar, page_url="https://webinars.example.org/copyright/w/iscc")
    if kind == "follow-up":
        recording = Link(title="Recording", url="https://video.example.org/12")
        webinar = replace(webinar, status="over", materials=(recording,))
    return Facts(
        series=series,
        language=language,
        zone="America/New_York",
        webinar=webinar,
        webinars=(webinar, SECOND),
        items=_ITEMS.get(kind, ()),
        registered=registered,
        detail=DETAILS.get(kind, ({},))[0] if details is None else details,
    )
