"""Spans of time as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.config.duration import format_span, parse_offset, parse_span
from scheduler.model import Offset
from tests.examples import examples


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("14d", timedelta(days=14)),
        ("2w", timedelta(days=14)),
        (" 0s ", timedelta()),
    ],
)
def test_a_span_is_a_number_and_a_unit(text: str, span: timedelta) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize(
    "text", ["", "1", "h", "1 h", "-1h", "1.5h", "1H", "1h30m", "1y", "٣d", "5229w", "9" * 99 + "s"]
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a number and a unit|is more than a century"):
        parse_span(text)
    with pytest.raises(ValueError, match=r"is not a number and a unit|is more than a century"):
        parse_offset(text)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("14d", Offset(days=14)),
        ("2w", Offset(days=14)),
        ("24h", Offset(seconds=86_400)),
        ("90m", Offset(seconds=5_400)),
        ("30s", Offset(seconds=30)),
    ],
)
def test_days_and_weeks_are_wall_clock_and_the_rest_absolute(text: str, offset: Offset) -> None:
    assert parse_offset(text) == offset


@settings(max_examples=examples(100), deadline=None)
@given(st.integers(0, 100 * 366 * 86_400))
def test_every_span_survives_writing_and_reading(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert parse_span(format_span(span)) == span


def test_a_span_is_written_in_its_largest_unit() -> None:
    spans = [timedelta(weeks=2), timedelta(days=1), timedelta(minutes=90), timedelta(0)]
    assert [format_span(span) for span in spans] == ["2w", "1d", "90m", "0s"]


def test_a_negative_span_is_not_written() -> None:
    with pytest.raises(ValueError, match="not negative"):
        format_span(timedelta(seconds=-1))


@settings(max_examples=examples(100), deadline=None)
@given(st.text(max_size=12))
def test_no_text_raises_anything_but_a_value_error(text: str) -> None:
    try:
        span = parse_span(text)
    except ValueError:
        return
    assert span >= timedelta()
