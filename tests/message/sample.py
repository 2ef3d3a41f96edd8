"""One series, one webinar and one person's values, for the tests of whole mails."""

from __future__ import annotations

from datetime import UTC, datetime

from mailer.message.facts import Link, SeriesFacts, Speaker, WebinarFacts
from mailer.message.mark import Personal

NOW = datetime(2026, 11, 11, 8, 0, tzinfo=UTC)

SERIES = SeriesFacts(
    id="copyright",
    title="Copyright Infrastructure Webinars",
    address="webinars@lists.example.org",
    local="webinars",
    domain="lists.example.org",
    zone="Europe/Zurich",
    language="en",
    base_url="https://webinars.example.org",
)
WEBINAR = WebinarFacts(
    id="iscc",
    number=7,
    title="Names for content; the ISCC, explained",
    abstract="What a content code is.\n\n- how it is made\n- what it is *not*",
    language="en",
    starts_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
    ends_at=datetime(2026, 11, 25, 13, tzinfo=UTC),
    zone="Europe/Zurich",
    status="scheduled",
    uid="5f0c1a52-7f0a-4d0e-9d55-0b8f2a6d4c11",
    sequence=0,
    stamp=datetime(2026, 11, 1, 9, tzinfo=UTC),
    speakers=(Speaker(name="Zoë Müller", affiliation="Example Institute"),),
    links=(Link(title="Reading", url="https://example.org/reading"),),
    page_url="https://webinars.example.org/copyright/w/iscc",
    join_url="https://meet.example.org/secret-room",
)
VALUES: dict[Personal, str] = {
    Personal.ADDRESS: "jane@example.org",
    Personal.MESSAGE_ID: "copyright.iscc.announcement-1.0.k3v9",
    **{
        personal: f"{personal.value.replace('_', '')[:6]}abcdefghijklmnop234567"
        for personal in Personal
        if personal not in {Personal.ADDRESS, Personal.MESSAGE_ID}
    },
    Personal.DATE: "Sun, 22 Nov 2026 12:00:00 +0000",
    Personal.ANSWERED: "<question@example.net>",
}
