"""The sample programmes that come with the package hold, and say the times they should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest

from mailer.config.model import Series
from mailer.files.programme import WebinarDraft, read_programme
from scheduler.recurrence import to_utc


def sample(name: str, series: Series) -> tuple[WebinarDraft, ...]:
    return read_programme(
        files("mailer.samples").joinpath(name).read_bytes(), name=name, series=series
    )


def test_the_season_of_2022_is_seven_hours_in_geneva(bare_series: Series) -> None:
    drafts = sample("copyright-2022.toml", bare_series)
    assert [(draft.id, to_utc(draft.wall_start, "Europe/Zurich")) for draft in drafts] == [
        ("text-publishing", datetime(2022, 3, 30, 11, tzinfo=UTC)),
        ("capasso", datetime(2022, 4, 13, 11, tzinfo=UTC)),
        ("iscc", datetime(2022, 4, 27, 11, tzinfo=UTC)),
        ("quansic", datetime(2022, 5, 11, 11, tzinfo=UTC)),
        ("audiovisual", datetime(2022, 6, 8, 11, tzinfo=UTC)),
        ("mlc", datetime(2022, 6, 22, 11, tzinfo=UTC)),
        ("asian-cmos", datetime(2022, 9, 14, 11, tzinfo=UTC)),
    ]


def test_the_season_of_2026_keeps_one_o_clock_across_both_changes(series: Series) -> None:
    drafts = sample("copyright-2026.toml", series)
    first = datetime.fromisoformat("2026-09-09T13:00:00")
    assert [draft.wall_start for draft in drafts] == [
        first + timedelta(days=14 * number) for number in range(16)
    ]
    hours = [to_utc(draft.wall_start, "Europe/Zurich").hour for draft in drafts]
    assert hours == [11] * 4 + [12] * 11 + [11]


@pytest.mark.parametrize("name", ["copyright-2022.toml", "copyright-2026.toml"])
def test_each_sample_webinar_lasts_an_hour_and_can_be_registered_for(
    name: str, bare_series: Series
) -> None:
    for draft in sample(name, bare_series):
        assert draft.duration == timedelta(hours=1)
        assert draft.registration_url == f"https://webinars.example.org/register/{draft.id}"
        assert 2 <= draft.abstract.count(".") + draft.abstract.count("?") <= 4
