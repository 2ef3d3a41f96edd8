"""From how many bounces on a server is not believed any more."""

from __future__ import annotations

import pytest

from mailer.message.bounce_brake import is_wave


@pytest.mark.parametrize(
    ("hard", "people", "expected"),
    [
        (19, 19, False),  # too few to tell
        (20, 20, True),
        (20, 199, True),
        (20, 200, False),  # a tenth exactly is not more than a tenth
        (21, 200, True),
        (5_000, 1_000_000, False),
        (0, 0, False),
        (20, 0, True),  # all of them left since
    ],
)
def test_more_than_a_tenth_and_twenty_at_least_are_a_wave(
    hard: int, people: int, expected: bool
) -> None:
    assert is_wave(hard, people) is expected
