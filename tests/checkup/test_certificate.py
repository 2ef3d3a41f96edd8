"""How long certificates last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailer.checkup.certificate import SOON, certificate, lasts
from tests.peers.certificate import make_certificate

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "verdict"),
    [
        (SOON, "ok"),
        (SOON - timedelta(seconds=1), "note"),
        (timedelta(seconds=1), "note"),
        (timedelta(0), "fault"),
    ],
)
def test_two_weeks_are_enough(left: timedelta, verdict: str) -> None:
    assert lasts("mail", NOW + left, NOW).verdict == verdict


def test_a_file_is_read(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, valid_for=timedelta(days=90))
    now = datetime.now(UTC)
    end = now + timedelta(days=90)
    assert certificate(made.cert_file, now).found == f"valid until {end:%Y-%m-%d}"
    assert certificate(made.key_file, now).verdict == "fault"
    assert certificate(tmp_path / "none.pem", now).verdict == "fault"
