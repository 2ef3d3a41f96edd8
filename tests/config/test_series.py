"""One series: what it may say about itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from mailer.config.model import Approval, Series, Slots
from mailer.config.notices import DEFAULT_NOTICES
from tests.config.sample import SERIES, Faults, Read

LONG = SERIES.replace("talks@", "a-very-long-name-of-a-series@")


def test_a_full_series_is_read(read: Read) -> None:
    more = """
short = "VL"
organisers = ["ann@example.org", "Bob@BÜCHER.example", "ann@example.org"]
language = "pt-br"
slots = { rrule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", start = 2026-01-14T13:00:00, duration = "90m" }
settle = "5m"
approval = "other"
imprint = \"\"\"
Example Society
1 Example Street\"\"\"
"""
    (series,) = read(series=LONG + more).series
    assert series == Series(
        id="talks",
        title="Talks",
        address="a-very-long-name-of-a-series@lists.example.org",
        timezone="Europe/Zurich",
        short="vl",
        organisers=("ann@example.org", "Bob@xn--bcher-kva.example"),
        language="pt-BR",
        slots=Slots(
            rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=WE",
            start=datetime(2026, 1, 14, 13),  # noqa: DTZ001  # wall clock
            duration=timedelta(minutes=90),
        ),
        settle=timedelta(minutes=5),
        approval=Approval.OTHER,
        imprint="Example Society\n1 Example Street",
        notices=DEFAULT_NOTICES,
    )


@pytest.mark.parametrize(
    "series_id",
    [
        *("admin", "c", "u", "p", "r", "j", "static", "healthz", "readyz", "metrics", "feed"),
        *("sign-in", "sign-out", "language", "first"),
    ],
)
def test_the_name_of_a_page_is_no_id(faults: Faults, series_id: str) -> None:
    lines = faults(series=SERIES.replace("series.talks", f"series.{series_id}"))
    assert [line.split(", expected")[0] for line in lines] == [
        f"series.{series_id}: found the name of a page as id"
    ]


@pytest.mark.parametrize("series_id", ["Talks", "a_b", '"a b"', '"../x"', '""', "-a", "a" * 41])
def test_an_id_is_of_plain_letters(faults: Faults, series_id: str) -> None:
    lines = faults(series=SERIES.replace("series.talks", f"series.{series_id}"))
    shown = series_id if series_id.startswith('"') else f'"{series_id}"'
    assert [line.partition(": found ")[2].split(", expected")[0] for line in lines] == [
        f"the id {shown}"
    ]


def test_a_long_address_needs_a_short_one(faults: Faults, read: Read) -> None:
    assert faults(series=LONG) == [
        "series.talks.short: found nothing, expected a local part of at most 24 letters, digits,"
        " dots and hyphens (a-very-long-name-of-a-series@ is longer than 24, too long to carry"
        " tokens)"
    ]
    assert read(series=LONG + 'short = "vl"\n').series[0].short == "vl"
    at_the_limit = SERIES.replace("talks@", "t" * 24 + "@")
    assert faults(series=at_the_limit) == []
    assert len(faults(series=at_the_limit.replace("t@", "tt@"))) == 1


@pytest.mark.parametrize("short", ["a b", "a@b", "ü", "x" * 25, "-a"])
def test_a_short_address_is_plain(faults: Faults, short: str) -> None:
    lines = faults(series=SERIES + f'short = "{short}"\n')
    assert [line.split(": found")[0] for line in lines] == ["series.talks.short"]


@pytest.mark.parametrize("address", ["postmaster@lists.example.org", "büro@lists.example.org"])
def test_some_addresses_cannot_be_a_series(faults: Faults, address: str) -> None:
    lines = faults(series=SERIES.replace("talks@lists.example.org", address))
    assert [line.split(", expected ")[1] for line in lines] == [
        "an address of the series' own, in ASCII before the @"
    ]


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Zurch", "Europe/Zurich"),
        ("europe/zurich", "Europe/Zurich"),
        ("New York", "America/New_York"),
        ("Xyzzy", None),
        ("../etc/passwd", None),
        ("localtime", None),
    ],
)
def test_an_unknown_zone_gets_the_nearest_as_hint(
    faults: Faults, zone: str, hint: str | None
) -> None:
    (line,) = faults(series=SERIES.replace("Europe/Zurich", zone))
    expected = f'found "{zone}", expected an IANA time zone like Europe/Zurich'
    tail = f' (did you mean "{hint}"?)' if hint else ""
    assert line == f"series.talks.timezone: {expected}{tail}"


@pytest.mark.parametrize("tag", ["xx", "english", "", "en_GB", "e", "../x"])
def test_a_language_must_be_known(faults: Faults, tag: str) -> None:
    assert faults(series=SERIES + f'language = "{tag}"\n') == [
        f'series.talks.language: found "{tag}", expected a language tag like "en" or "fr"'
    ]


@pytest.mark.parametrize(("given", "tag"), [("EN", "en"), ("zh-hans", "zh-Hans"), ("ar", "ar")])
def test_a_language_gets_its_usual_spelling(read: Read, given: str, tag: str) -> None:
    assert read(series=SERIES + f'language = "{given}"\n').series[0].language == tag


@pytest.mark.parametrize(
    "organisers", ["[]", '["a@example.org"]', '["a@example.org", "A@example.org"]']
)
def test_a_second_organiser_is_needed_to_approve(faults: Faults, organisers: str) -> None:
    assert faults(series=SERIES + f'approval = "other"\norganisers = {organisers}\n') == [
        'series.talks.approval: found "other",'
        " expected at least two organisers, so that one can approve"
    ]


@pytest.mark.parametrize(
    ("slots", "fault"),
    [
        (
            'rrule = "FREQ=HOURLY", start = 2026-01-14T13:00:00',
            "rrule: found \"FREQ=HOURLY\": FREQ cannot be 'HOURLY',"
            " expected an RFC 5545 rule of days or longer",
        ),
        (
            'rrule = "FREQ=DAILY", start = 2026-01-14T13:00:00Z',
            "start: found the time 2026-01-14T13:00:00+00:00,"
            " expected no zone: it is wall clock in the series' zone",
        ),
        (
            'rrule = "FREQ=DAILY", start = 2026-01-14',
            "start: found the time 2026-01-14,"
            " expected a date and time without zone, like 2026-01-14T13:00:00",
        ),
        (
            'rrule = "FREQ=DAILY"',
            "start: found nothing, expected the first date and time, like 2026-01-14T13:00:00",
        ),
        (
            "start = 2026-01-14T13:00:00",
            "rrule: found nothing, expected text in quotes",
        ),
        (
            'rrule = "FREQ=DAILY", start = 2026-01-14T13:00:00, duration = "0m"',
            'duration: found "0m", expected a span longer than nothing',
        ),
    ],
)
def test_slots_are_checked(faults: Faults, slots: str, fault: str) -> None:
    assert faults(series=SERIES + f"slots = {{ {slots} }}\n") == [f"series.talks.slots.{fault}"]


def test_a_settle_time_is_longer_than_nothing(faults: Faults) -> None:
    assert faults(series=SERIES + 'settle = "0m"\n') == [
        'series.talks.settle: found "0m", expected a span longer than nothing'
    ]


@pytest.mark.parametrize("bad", ["\\r\\nBcc: x", "\\u0000", "\\u0085", "\\u2028", "\\u007f"])
def test_a_title_has_no_control_characters(faults: Faults, bad: str) -> None:
    lines = faults(series=SERIES.replace('"Talks"', f'"Talks{bad}"'))
    assert [line.split(" found ")[0] for line in lines] == ["series.talks.title:"]


def test_organisers_are_addresses(faults: Faults) -> None:
    assert faults(series=SERIES + 'organisers = ["a@example.org", "Ann <a@example.org>", 1]\n') == [
        "series.talks.organisers[3]: found the number 1, expected text in quotes",
        'series.talks.organisers[2]: found "Ann <a@example.org>",'
        " expected an e-mail address like organiser@example.org",
    ]
