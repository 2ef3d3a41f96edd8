"""What the fault tests share: a database full of people, and the table at the end of a run."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.account import PROPERTY, Count, Keep, as_property, of_property, table
from tests.faults.house import make_crowd
from tests.faults.length import LONGEST_SECONDS

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They take the time that they take, on a slow machine or in the long form."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(LONGEST_SECONDS))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what each fault cost, be the test red or green."""
    reports = [each for name in ("passed", "failed") for each in terminalreporter.getreports(name)]
    counts = [
        of_property(value)
        for report in reports
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if counts:
        terminalreporter.section("faults")
        for line in table(counts):
            terminalreporter.write_line(line)


@pytest.fixture
def keep(record_property: Callable[[str, object], None]) -> Keep:
    """Puts a count into the table, then sees whether it is one that may be."""

    def kept(one: Count) -> Count:
        record_property(PROPERTY, as_property(one))
        one.check()
        return one

    return kept


@pytest.fixture(scope="session")
def crowd(run_folder: Path) -> Callable[[int], Path]:
    """Gives a database with so many subscribers who are owed one mail now; each is made once, and
    the processes of a run share it."""

    def of(count: int) -> Path:
        folder = run_folder / f"crowd-{count}"
        with (run_folder / f"crowd-{count}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                folder.mkdir()
                make_crowd(folder, count)
        return folder / "mailer.db"

    return of
