"""The language that a browser asks for, and the zones that are offered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.web.visitor import accepted, zones
from scheduler.recurrence import zone_names


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ()),
        ("fr", ("fr",)),
        ("fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5", ("fr-ch", "fr", "en")),
        ("en;q=0.1, ar", ("ar", "en")),
        ("de;q=0, en", ("en",)),
        ("de;q=x, en;q=0.5", ("en",)),
        ("a;level=1", ("a",)),
    ],
)
def test_the_most_wanted_comes_first(header: str, expected: tuple[str, ...]) -> None:
    assert accepted(header) == expected


@given(st.text())
def test_any_header_is_read(header: str) -> None:
    assert all(accepted(header))


def test_every_zone_that_is_offered_is_known() -> None:
    assert set(zones()) <= zone_names()
    assert zones()[0] == "UTC"
    assert {"Europe/Zurich", "America/New_York", "Africa/Nairobi"} <= set(zones())
    assert len(zones()) < 500
