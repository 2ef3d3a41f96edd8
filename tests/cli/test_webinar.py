"""`mailer webinar` as an organiser types it, on a real SQLite file at a frozen time."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from tests.world import make_sqlite

CONFIG = """
[outbound]
transport = "maildir"
[series.talks]
title = "Talks"
address = "talks@lists.example.org"
timezone = "Europe/Zurich"
slots = { rrule = "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", start = 2026-01-14T13:00:00 }
"""
OTHER = """
[series.other]
title = "Other"
address = "other@lists.example.org"
timezone = "UTC"
"""
FILE = """\
[[webinar]]
id = "first"
title = "First"
starts = 2026-11-18T13:00:00

[[webinar]]
id = "second"
title = "Second"
starts = 2026-12-02T13:00:00
"""
ADD = ("webinar", "add", "--title", "Matching services", "--starts", "2026-11-25T13:00")

Mailer = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    asyncio.run(make_sqlite(tmp_path / "mailer.db"))
    return tmp_path


@pytest.fixture
def mailer(folder: Path) -> Iterator[Mailer]:
    """Runs one command, at 10:00 in Geneva on Sunday, 1 November 2026."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["--config", str(folder / "config.toml"), *arguments])

    with time_machine.travel("2026-11-01T09:00:00Z"):
        yield run


@pytest.fixture
def programme(folder: Path) -> Path:
    path = folder / "programme.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def document(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def change_counter(folder: Path) -> int:
    with sqlite3.connect(folder / "mailer.db") as connection:
        row = connection.execute("SELECT value FROM setting WHERE key = 'programme.change'")
        return int((row.fetchone() or ["0"])[0])


# import


def test_an_import_says_what_it_did_with_each_row(mailer: Mailer, programme: Path) -> None:
    assert [
        (one["id"], one["number"], one["action"])
        for one in document(mailer("webinar", "import", str(programme), "--json"))
    ] == [("first", 1, "added"), ("second", 2, "added")]
    programme.write_text(FILE.replace('"Second"', '"Second thoughts"'), encoding="utf-8")
    result = mailer("webinar", "import", str(programme))
    assert result.stdout.splitlines() == [
        "unchanged  1  first   Wed 2026-11-18 13:00",
        "changed    2  second  Wed 2026-12-02 13:00",
        "  title: Second → Second thoughts",
        "0 added, 1 changed, 1 unchanged",
        "Next: `mailer plan` shows what goes out, and when.",
    ]


def test_a_bad_row_names_its_line_and_nothing_is_imported(mailer: Mailer, programme: Path) -> None:
    programme.write_text(
        FILE.replace("2026-12-02T13:00:00", '"soon"').replace('"First"', '""'), encoding="utf-8"
    )
    result = mailer("webinar", "import", str(programme))
    assert (result.exit_code, result.stdout) == (1, "")
    lines = result.stderr.splitlines()
    assert [line.split(":")[1].split(",")[0] for line in lines] == [" line 3", " line 9"]
    assert document(mailer("webinar", "list", "--json")) == []


def test_a_dry_run_says_the_same_and_does_nothing(
    mailer: Mailer, programme: Path, folder: Path
) -> None:
    dry = document(mailer("webinar", "import", str(programme), "--dry-run", "--json"))
    assert document(mailer("webinar", "list", "--json")) == []
    assert change_counter(folder) == 0
    assert document(mailer("webinar", "import", str(programme), "--json")) == dry
    assert change_counter(folder) == 1


@pytest.mark.parametrize(("season", "number"), [("2022", 7), ("2026", 16)])
def test_a_sample_season_comes_with_the_program(mailer: Mailer, season: str, number: int) -> None:
    result = document(mailer("webinar", "import", "--sample", season, "--json"))
    assert [(one["number"], one["action"]) for one in result] == [
        (place, "added") for place in range(1, number + 1)
    ]


def test_csv_and_ics_are_known_by_their_ending(mailer: Mailer, folder: Path) -> None:
    table = folder / "p.csv"
    table.write_text("id,title,starts\na,A,2026-11-18 13:00\n", encoding="utf-8")
    calendar = folder / "p.ics"
    calendar.write_text(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:b@example.org\r\nSUMMARY:B\r\n"
        "DTSTART;TZID=Europe/Zurich:20261202T130000\r\nDURATION:PT1H\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n",
        encoding="utf-8",
    )
    for path in (table, calendar):
        assert mailer("webinar", "import", str(path)).exit_code == 0
    listed = document(mailer("webinar", "list", "--json"))
    assert [(one["id"], one["starts_at"]) for one in listed] == [
        ("a", "2026-11-18T12:00:00Z"),
        ("b", "2026-12-02T12:00:00Z"),
    ]


def test_an_import_into_the_past_is_pointed_out(mailer: Mailer, programme: Path) -> None:
    mailer("webinar", "import", str(programme))
    programme.write_text(FILE.replace("2026-12-02", "2025-12-02"), encoding="utf-8")
    result = mailer("webinar", "import", str(programme))
    assert result.stderr == "second: is over already, nobody is told of it\n"
    assert result.stdout.splitlines()[-2] == "0 added, 1 changed, 1 unchanged (1 are over already)"


@pytest.mark.parametrize("arguments", [(), ("nowhere.toml",), ("--sample", "1999")])
def test_an_import_of_nothing_is_a_usage_error(mailer: Mailer, arguments: tuple[str, ...]) -> None:
    assert mailer("webinar", "import", *arguments).exit_code == 2


# add


def test_an_added_webinar_is_listed_with_all_that_may_be_relied_on(mailer: Mailer) -> None:
    added = document(mailer(*ADD, "--json"))
    assert added == {
        "id": "matching-services",
        "number": 1,
        "action": "added",
        "revision": 0,
        "changes": [],
        "next": [],
    }
    assert document(mailer("webinar", "list", "--json")) == [
        {
            "id": "matching-services",
            "number": 1,
            "series": "talks",
            "title": "Matching services",
            "starts_at": "2026-11-25T12:00:00Z",
            "ends_at": "2026-11-25T13:00:00Z",
            "status": "scheduled",
            "revision": 0,
            "wall_start": "2026-11-25T13:00:00",
            "zone": "Europe/Zurich",
        }
    ]


def test_every_option_of_add_is_stored(mailer: Mailer) -> None:
    options = {
        "--id": "matching",
        "--duration": "90m",
        "--language": "fr",
        "--abstract": "Some *Markdown*.",
        "--speaker": "Ada Example;Example Society;https://www.example.org/ada;ada@example.org",
        "--host": "Cy Example;cy@example.org",
        "--link": "Paper;https://www.example.org/paper",
        "--registration-url": "https://www.example.org/register",
        "--join-url": "https://meet.example.org/1",
        "--capacity": "12",
    }
    given = [part for option in options.items() for part in option]
    assert mailer(*ADD, *given, "--speaker", "Bob Example", "--draft").exit_code == 0
    shown = document(mailer("webinar", "show", "matching", "--json"))
    assert {
        key: shown[key]
        for key in (
            *("status", "duration", "language", "abstract", "speakers", "hosts", "links"),
            *("registration_url", "join_url", "capacity", "ends_at", "published_at"),
        )
    } == {
        "status": "draft",
        "duration": "90m",
        "language": "fr",
        "abstract": "Some *Markdown*.",
        "speakers": [
            {
                "name": "Ada Example",
                "affiliation": "Example Society",
                "url": "https://www.example.org/ada",
                "address": "ada@example.org",
            },
            {"name": "Bob Example", "affiliation": "", "url": "", "address": ""},
        ],
        "hosts": [
            {"name": "Cy Example", "affiliation": "", "url": "", "address": "cy@example.org"}
        ],
        "links": [{"title": "Paper", "url": "https://www.example.org/paper"}],
        "registration_url": "https://www.example.org/register",
        "join_url": "https://meet.example.org/1",
        "capacity": 12,
        "ends_at": "2026-11-25T13:30:00Z",
        "published_at": None,
    }


def test_the_next_slot_is_the_first_that_nobody_has(mailer: Mailer, programme: Path) -> None:
    mailer("webinar", "import", str(programme))
    for title in ("One", "Two"):
        assert mailer("webinar", "add", "--title", title, "--next-slot").exit_code == 0
    listed = document(mailer("webinar", "list", "--json"))
    assert [(one["wall_start"][:10], one["title"]) for one in listed] == [
        ("2026-11-04", "One"),
        ("2026-11-18", "First"),
        ("2026-12-02", "Second"),
        ("2026-12-16", "Two"),
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ("--capacity", "many", "--join-url", "x"),
            [
                "webinar add: --join-url: found 'x', "
                "expected an address that begins with https:// or http://",
                "webinar add: --capacity: found 'many', expected a whole number, 0 for no limit",
            ],
        ),
        (("--title", " "), ["webinar add: --title: found nothing, expected a title"]),
        (("--next-slot",), ["Error: --starts and --next-slot exclude each other"]),
        (
            ("--speaker", ";B"),
            [
                "webinar add: speakers[1].name: found nothing, "
                "expected one line of text that is not empty"
            ],
        ),
    ],
)
def test_what_is_wrong_with_the_options_is_said_and_nothing_is_stored(
    mailer: Mailer, options: tuple[str, ...], says: list[str]
) -> None:
    result = mailer(*ADD, *options)
    assert (result.exit_code, result.stderr.splitlines()[-len(says) :]) == (2, says)
    assert document(mailer("webinar", "list", "--json")) == []


def test_adding_the_same_webinar_again_fails(mailer: Mailer) -> None:
    mailer(*ADD)
    result = mailer(*ADD)
    assert (result.exit_code, result.stderr) == (
        1,
        "matching-services is this webinar already: the same title at that time\n",
    )


# list, show, slots


def test_the_list_tells_past_and_coming(mailer: Mailer) -> None:
    mailer(*ADD)
    mailer("webinar", "add", "--title", "Old", "--starts", "2026-10-21T13:00")
    assert mailer("webinar", "list").stdout.splitlines() == [
        "NO  ID                 STARTS (Europe/Zurich)  STATUS     TITLE",
        "2   old                Wed 2026-10-21 13:00    over       Old",
        "1   matching-services  Wed 2026-11-25 13:00    scheduled  Matching services",
    ]
    coming = document(mailer("webinar", "list", "--coming", "--json"))
    assert [one["id"] for one in coming] == ["matching-services"]


def test_an_empty_programme_says_what_to_do(mailer: Mailer) -> None:
    assert mailer("webinar", "list").stdout == (
        "No webinars. `mailer webinar import FILE` or `mailer webinar add` makes some.\n"
    )


def test_a_webinar_is_shown_by_id_or_number(mailer: Mailer) -> None:
    mailer(*ADD, "--abstract", "Two\nlines.")
    shown = mailer("webinar", "show", "1").stdout
    assert shown == mailer("webinar", "show", "matching-services").stdout
    assert shown.splitlines() == [
        "id            matching-services (number 1 of talks)",
        "title         Matching services",
        "starts        Wed 2026-11-25 13:00 Europe/Zurich (12:00 UTC)",
        "duration      1h",
        "status        scheduled",
        "language      en",
        "registration  none",
        "revision      0",
        "",
        "Two",
        "lines.",
    ]


def test_an_unknown_id_names_the_nearest(mailer: Mailer) -> None:
    mailer(*ADD)
    for verb, *rest in (
        ("show",),
        ("publish",),
        ("cancel",),
        ("move", "2026-12-09T13:00"),
        ("edit", "--title", "X"),
        ("materials", "https://www.example.org/"),
    ):
        result = mailer("webinar", verb, "matching-service", *rest)
        assert (result.exit_code, result.stdout, result.stderr) == (
            1,
            "",
            "there is no webinar 'matching-service' in talks; did you mean matching-services?\n",
        )


def test_slots_tell_which_are_taken(mailer: Mailer, programme: Path) -> None:
    mailer("webinar", "import", str(programme))
    assert mailer("webinar", "slots", "--count", "3").stdout.splitlines() == [
        "SLOT (Europe/Zurich)  TAKEN BY",
        "Wed 2026-11-04 13:00  (free)",
        "Wed 2026-11-18 13:00  first",
        "Wed 2026-12-02 13:00  second",
    ]
    assert document(mailer("webinar", "slots", "--count", "2", "--json")) == [
        {
            "starts_at": f"2026-11-{day}T12:00:00Z",
            "ends_at": f"2026-11-{day}T13:00:00Z",
            "wall_start": f"2026-11-{day}T13:00:00",
            "zone": "Europe/Zurich",
            "webinars": webinars,
        }
        for day, webinars in (("04", []), ("18", ["first"]))
    ]


# changes


def test_an_edit_says_old_and_new(mailer: Mailer, folder: Path) -> None:
    mailer(*ADD, "--join-url", "https://meet.example.org/1")
    before = change_counter(folder)
    result = mailer(
        *("webinar", "edit", "matching-services", "--title", "Matching at scale"),
        *("--join-url", "", "--duration", "1h", "--speaker", "Ada Example"),
    )
    assert result.stdout.splitlines() == [
        "changed: matching-services (number 1), revision 1",
        "  title: Matching services → Matching at scale",
        "  speakers: (none) → Ada Example",
        "  join url: https://meet.example.org/1 → (none)",
    ]
    assert change_counter(folder) == before + 1


def test_an_edit_without_effect_makes_no_revision(mailer: Mailer, folder: Path) -> None:
    mailer(*ADD)
    before = change_counter(folder)
    result = mailer("webinar", "edit", "1", "--title", "Matching services")
    assert result.stdout == "unchanged: matching-services (number 1) is like that already\n"
    assert change_counter(folder) == before


def test_an_edit_of_nothing_is_a_usage_error(mailer: Mailer) -> None:
    mailer(*ADD)
    result = mailer("webinar", "edit", "1")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        2,
        "Error: nothing to change: give at least one option, like --title TEXT",
    )


def test_a_start_is_by_the_clock_of_the_series(mailer: Mailer) -> None:
    mailer(*ADD)
    for start, wall in (
        ("2026-12-09T13:00", "2026-12-09T13:00:00"),
        ("2026-12-10 14:15", "2026-12-10T14:15:00"),
        ("2026-12-09T12:00Z", "2026-12-09T13:00:00"),
        ("2026-12-10T07:00-05:00", "2026-12-10T13:00:00"),
        ("2026-12-16", "2026-12-16T13:00:00"),
    ):
        moved = document(mailer("webinar", "move", "1", start, "--json"))
        assert [one["field"] for one in moved["changes"]] == ["starts_at"]
        (listed,) = document(mailer("webinar", "list", "--json"))
        assert (listed["wall_start"], listed["revision"]) == (wall, moved["revision"])


def test_a_move_tells_both_times_in_utc_as_json(mailer: Mailer) -> None:
    mailer(*ADD)
    moved = document(
        mailer("webinar", "move", "1", "2026-10-07T13:00", "--duration", "2h", "--past", "--json")
    )
    assert moved["changes"] == [
        {"field": "starts_at", "old": "2026-11-25T12:00:00Z", "new": "2026-10-07T11:00:00Z"},
        {"field": "duration", "old": "1h", "new": "2h"},
    ]


def test_a_move_into_the_past_must_be_meant(mailer: Mailer) -> None:
    mailer(*ADD)
    refused = mailer("webinar", "move", "1", "2026-10-07T13:00")
    assert (refused.exit_code, refused.stdout, refused.stderr) == (
        1,
        "",
        "matching-services would start in the past, on 2026-10-07 11:00 UTC: "
        "--past moves it there all the same\n",
    )
    (kept,) = document(mailer("webinar", "list", "--json"))
    assert kept["starts_at"] == "2026-11-25T12:00:00Z"
    assert mailer("webinar", "move", "1", "2026-10-07T13:00", "--past").exit_code == 0
    assert mailer("webinar", "move", "1", "2026-10-06T13:00").exit_code == 0  # it is over anyway


def test_a_draft_may_lie_in_the_past(mailer: Mailer) -> None:
    mailer(*ADD, "--draft")
    assert mailer("webinar", "move", "1", "2026-10-07T13:00").exit_code == 0


def test_a_start_that_is_none_is_a_usage_error(mailer: Mailer) -> None:
    mailer(*ADD)
    result = mailer("webinar", "move", "1", "tomorrow")
    assert (result.exit_code, result.stderr) == (
        2,
        "webinar move: START: found 'tomorrow', "
        "expected a date and a time such as 2026-11-25T13:00:00\n",
    )


def test_cancel_and_revive(mailer: Mailer) -> None:
    mailer(*ADD)
    assert mailer("webinar", "cancel", "1", "--reason", "Ill.").stdout.splitlines() == [
        "changed: matching-services (number 1), revision 1",
        "  status: scheduled → cancelled",
        "  reason: (none) → Ill.",
    ]
    assert document(mailer("webinar", "list", "--json"))[0]["status"] == "cancelled"
    assert mailer("webinar", "publish", "1").stdout.splitlines() == [
        "changed: matching-services (number 1), revision 2",
        "  status: cancelled → scheduled",
        "  reason: Ill. → (none)",
    ]


def test_a_reason_is_one_line(mailer: Mailer) -> None:
    mailer(*ADD)
    result = mailer("webinar", "cancel", "1", "--reason", "Two\nlines")
    assert (result.exit_code, result.stderr) == (
        2,
        "webinar cancel: --reason: found 'Two\\nlines', "
        "expected one line without control characters\n",
    )


def test_a_draft_is_published(mailer: Mailer) -> None:
    added = mailer(*ADD, "--draft").stdout.splitlines()
    assert added[1] == "Next: `mailer webinar publish matching-services` lets people know."
    assert document(mailer("webinar", "publish", "1", "--json"))["changes"] == [
        {"field": "status", "old": "draft", "new": "scheduled"}
    ]


def test_materials_are_named_by_title_or_file(mailer: Mailer) -> None:
    mailer(*ADD)
    urls = ("https://www.example.org/r", "https://www.example.org/The%20slides.pdf")
    added = document(mailer("webinar", "materials", "1", *urls, "--title", "Recording", "--json"))
    assert added["changes"] == [
        {
            "field": "materials",
            "old": [],
            "new": [
                {"title": "Recording", "url": urls[0]},
                {"title": "The slides.pdf", "url": urls[1]},
            ],
        }
    ]
    mailer("webinar", "materials", "1", "https://www.example.org/", "--replace")
    shown = document(mailer("webinar", "show", "1", "--json"))
    assert shown["materials"] == [{"title": "www.example.org", "url": "https://www.example.org/"}]


def test_a_material_that_is_no_address_is_a_usage_error(mailer: Mailer) -> None:
    mailer(*ADD)
    result = mailer("webinar", "materials", "1", "slides.pdf")
    assert (result.exit_code, result.stderr) == (
        2,
        "webinar materials: URL: found 'slides.pdf', "
        "expected an address that begins with https:// or http://\n",
    )


# series


def test_with_two_series_a_change_needs_to_know_which(mailer: Mailer, folder: Path) -> None:
    (folder / "config.toml").write_text(CONFIG + OTHER, encoding="utf-8")
    result = mailer(*ADD)
    assert (result.exit_code, result.stderr) == (2, "which series? --series talks | other\n")
    assert mailer(*ADD, "--series", "talks").exit_code == 0
    assert mailer(*ADD, "--series", "other", "--duration", "1h").exit_code == 0
    listed = document(mailer("webinar", "list", "--json"))
    assert [(one["series"], one["starts_at"]) for one in listed] == [
        ("talks", "2026-11-25T12:00:00Z"),
        ("other", "2026-11-25T13:00:00Z"),
    ]
    one = document(mailer("webinar", "list", "--series", "other", "--json"))
    assert [each["series"] for each in one] == ["other"]


@pytest.mark.parametrize(
    "verb",
    [
        *("import", "add", "publish", "list", "show", "edit", "move", "cancel", "materials"),
        "slots",
    ],
)
def test_every_command_explains_itself_with_an_example(mailer: Mailer, verb: str) -> None:
    result = mailer("webinar", verb, "--help")
    assert result.exit_code == 0
    assert f"  mailer webinar {verb}" in result.stdout
