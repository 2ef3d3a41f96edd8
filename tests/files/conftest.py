"""The series that the tests of files read for: Geneva time, every second Wednesday at 13:00."""

# ruff: noqa: DTZ001  # wall clock is naive by design

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from mailer.config.model import Series, Slots
from mailer.errors import ProgrammeError
from mailer.files.programme import WebinarDraft, read_programme

Read = Callable[..., tuple[WebinarDraft, ...]]
Refused = Callable[..., list[str]]


@pytest.fixture
def series() -> Series:
    return Series(
        id="copyright",
        title="Copyright Infrastructure Webinars",
        address="webinars@lists.example.org",
        timezone="Europe/Zurich",
        slots=Slots(rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", start=datetime(2026, 1, 14, 13)),
    )


@pytest.fixture
def bare_series() -> Series:
    """The same without slots: nothing says how long a webinar lasts."""
    return Series(
        id="bare", title="Bare", address="bare@lists.example.org", timezone="Europe/Zurich"
    )


@pytest.fixture
def read(series: Series) -> Read:
    """Reads a programme text; the name's suffix is its format."""

    def reading(text: str | bytes, name: str = "p.toml") -> tuple[WebinarDraft, ...]:
        content = text if isinstance(text, bytes) else text.encode()
        return read_programme(content, name=name, series=series)

    return reading


@pytest.fixture
def refused(read: Read) -> Refused:
    """The lines that a programme is refused with, without the file's name."""

    def refusing(text: str | bytes, name: str = "p.toml") -> list[str]:
        with pytest.raises(ProgrammeError) as caught:
            read(text, name)
        assert str(caught.value).splitlines() == [f"{name}: {f}" for f in caught.value.faults]
        return [str(fault) for fault in caught.value.faults]

    return refusing
