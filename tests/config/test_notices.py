"""The notices of a series."""

from __future__ import annotations

from datetime import time

import pytest

from mailer.config.notices import DEFAULT_NOTICES
from scheduler.model import Audience, Kind, Notice, Offset
from tests.config.sample import SERIES, Faults, Read


def with_notices(*entries: str) -> str:
    return SERIES + f"notices = [{', '.join(f'{{ {entry} }}' for entry in entries)}]\n"


def test_there_are_four_by_default(read: Read) -> None:
    written = with_notices(
        'kind = "announcement", before = "14d", at = "09:00"',
        'kind = "reminder", before = "1d"',
        'kind = "reminder", before = "1h", audience = "registered"',
        'kind = "follow-up", after = "1d", at = "10:00"',
    )
    assert read().series[0].notices == DEFAULT_NOTICES
    assert read(series=written).series[0].notices == DEFAULT_NOTICES


def test_an_empty_list_means_none(read: Read) -> None:
    assert read(series=with_notices()).series[0].notices == ()


def test_ids_are_kept_or_made_of_kind_and_place(read: Read) -> None:
    written = with_notices(
        'kind = "reminder", before = "2w", at = 08:30:00',
        'kind = "reminder", before = "90m", id = "soon", audience = "unregistered"',
        'kind = "reminder", before = "5m"',
    )
    assert read(series=written).series[0].notices == (
        Notice(id="reminder-1", kind=Kind.REMINDER, offset=Offset(days=-14, at=time(8, 30))),
        Notice(
            id="soon",
            kind=Kind.REMINDER,
            offset=Offset(seconds=-5400),
            audience=Audience.UNREGISTERED,
        ),
        Notice(id="reminder-3", kind=Kind.REMINDER, offset=Offset(seconds=-300)),
    )


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (
            'kind = "update", before = "1d"',
            'kind: found "update", expected one of announcement, reminder, follow-up',
        ),
        ('before = "1d"', "kind: found nothing, expected one of announcement, reminder, follow-up"),
        (
            'kind = "reminder"',
            "before: found neither before nor after, expected exactly one of them",
        ),
        (
            'kind = "follow-up", before = "1d", after = "1d"',
            "after: found before and after, expected exactly one of them",
        ),
        (
            'kind = "reminder", after = "1d"',
            "after: found after, expected before, as for every reminder",
        ),
        (
            'kind = "follow-up", before = "1d"',
            "before: found before, expected after, as for every follow-up",
        ),
        (
            'kind = "reminder", before = "1h", at = "09:00"',
            'at: found "09:00", expected no time of day, unless the span is in d or w',
        ),
        (
            'kind = "reminder", before = "1d", at = "24:00"',
            'at: found "24:00", expected a time of day like "09:00"',
        ),
        (
            'kind = "reminder", before = "0d"',
            'before: found "0d", expected a span longer than nothing',
        ),
        (
            'kind = "reminder", before = "soon"',
            'before: found "soon", expected a number and a unit, like 90s, 15m, 1h, 14d or 2w',
        ),
        (
            'kind = "reminder", before = "1d", audience = "all"',
            'audience: found "all", expected one of subscribed, registered, unregistered',
        ),
        (
            'kind = "reminder", before = "1d", id = "A b"',
            'id: found "A b", expected a-z, 0-9 and hyphens, at most 40 long',
        ),
        (
            'kind = "reminder", before = "1d", until = "1d"',
            "until: found an unknown key, expected one of kind, before, after, at, audience, id",
        ),
    ],
)
def test_a_faulty_notice_is_named(faults: Faults, entry: str, fault: str) -> None:
    assert faults(series=with_notices(entry)) == [f"series.talks.notices[1].{fault}"]


def test_two_notices_cannot_share_an_id(faults: Faults) -> None:
    written = with_notices(
        'kind = "reminder", before = "1d", id = "reminder-2"', 'kind = "reminder", before = "1h"'
    )
    assert faults(series=written) == [
        'series.talks.notices[2].id: found "reminder-2", expected an id that no other notice has'
    ]


def test_a_notice_is_a_table(faults: Faults) -> None:
    assert faults(series=SERIES + 'notices = ["1d"]\n') == [
        'series.talks.notices[1]: found "1d",'
        ' expected a table like { kind = "reminder", before = "1d" }'
    ]
