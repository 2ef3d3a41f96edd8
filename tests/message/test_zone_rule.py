"""Rules of zones, compared with the zone data itself, hour by hour around each change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import YEARLY, rrule, weekdays  # type: ignore[import-untyped]

from mailer.message.zone_rule import Onset, zone_rule

YEARS = range(2026, 2039)
CHANGING = [
    *("Europe/Zurich", "Europe/London", "Europe/Dublin", "America/New_York", "America/Havana"),
    *("Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland", "Europe/Chisinau"),
]


def onsets_until(onset: Onset, year: int) -> list[datetime]:
    """Each UTC instant of an onset, as a reader of the calendar would work it out."""
    if not onset.ordinal:
        return [onset.first.replace(tzinfo=UTC) - onset.offset_from]
    walls = rrule(
        YEARLY,
        dtstart=onset.first,
        bymonth=onset.first.month,
        byweekday=weekdays[onset.weekday](onset.ordinal),
        until=datetime(year, 12, 31),  # noqa: DTZ001 - wall clock
    )
    return [wall.replace(tzinfo=UTC) - onset.offset_from for wall in walls]


@pytest.mark.parametrize("zone", [*CHANGING, "Asia/Tokyo", "Asia/Kolkata", "America/Phoenix"])
def test_a_rule_gives_the_offsets_of_the_zone_data(zone: str) -> None:
    rule = zone_rule(zone, YEARS[0], YEARS[0])
    changes = sorted(
        (instant, onset.offset_to, onset.name)
        for onset in rule
        for instant in onsets_until(onset, YEARS[-1])
    )
    moments = {datetime(year, month, 15, tzinfo=UTC) for year in YEARS for month in range(1, 13)}
    for instant, _, _ in changes[1:]:
        moments |= {instant - timedelta(seconds=1), instant, instant + timedelta(hours=1)}
    info = ZoneInfo(zone)
    for moment in moments:
        latest = max(change for change in changes if change[0] <= moment)
        local = moment.astimezone(info)
        assert (latest[1], latest[2]) == (local.utcoffset(), local.tzname())


def test_switzerland_changes_on_the_last_sundays() -> None:
    assert zone_rule("Europe/Zurich", 2026, 2027) == (
        Onset(
            name="CEST",
            daylight=True,
            offset_from=timedelta(hours=1),
            offset_to=timedelta(hours=2),
            first=datetime(2025, 3, 30, 2),  # noqa: DTZ001 - wall clock
            weekday=6,
            ordinal=-1,
        ),
        Onset(
            name="CET",
            daylight=False,
            offset_from=timedelta(hours=2),
            offset_to=timedelta(hours=1),
            first=datetime(2025, 10, 26, 3),  # noqa: DTZ001 - wall clock
            weekday=6,
            ordinal=-1,
        ),
    )


@pytest.mark.parametrize(
    "zone", ["Africa/Casablanca", "Asia/Jerusalem", "Africa/Cairo", "", "No/Where", "../etc", "\0"]
)
def test_what_has_no_simple_rule_is_not_guessed(zone: str) -> None:
    assert zone_rule(zone, 2026, 2026) == ()


def test_a_year_in_which_the_law_changed_has_no_rule() -> None:
    assert zone_rule("Asia/Almaty", 2024, 2024) == ()
    assert len(zone_rule("Asia/Almaty", 2026, 2026)) == 1
