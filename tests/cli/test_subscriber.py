"""`mailer subscriber` as an organiser runs it: what it prints, how it ends, what it leaves."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli import roster, subscriber
from mailer.cli.main import cli
from mailer.store.people import State
from mailer.store.suppression import Reason
from tests.world import make_sqlite

CONFIG = """
[outbound]
transport = "maildir"
[series.talks]
title = "Talks"
address = "talks@lists.example.org"
timezone = "Europe/Zurich"
"""
STATED = ("--confirmed", "--consent", "at the stand")
NOTHING = {"added": 0, "asked": 0, "unchanged": 0, "suppressed": [], "faults": [], "more_faults": 0}

Mailer = Callable[..., Result]


@pytest.fixture
def mailer(tmp_path: Path) -> Mailer:
    """Runs one `mailer subscriber` command, which must not fail unexpectedly."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    asyncio.run(make_sqlite(tmp_path / "mailer.db"))

    def run(*arguments: str, code: int = 0, stdin: str | None = None) -> Result:
        command = ["--config", str(config), "subscriber", *arguments]
        result = CliRunner().invoke(cli, command, input=stdin)
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def people_file(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(
        "address,name,language,timezone\n"
        "ana@example.org,Ana,fr,Asia/Tokyo\n"
        "Bob@example.com,,,\n"
        "eve@example.net,,,\n",
        encoding="utf-8",
    )
    return file


def listed(mailer: Mailer, *arguments: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(mailer("list", "--json", *arguments).stdout)
    return found


def test_states_are_those_of_the_store() -> None:
    assert list(subscriber.STATES) == [one.value for one in State]


def test_there_are_words_for_every_reason() -> None:
    assert set(roster.WHY) == set(Reason)


def test_a_list_of_nobody_is_an_empty_document(mailer: Mailer) -> None:
    assert mailer("list", "--json").stdout == "[]\n"
    assert "Nobody." in mailer("list").stdout


def test_a_list_has_the_fields_that_are_promised(mailer: Mailer) -> None:
    mailer("add", "ana@example.org", "--language", "fr", "--timezone", "Asia/Tokyo")
    mailer("add", "Bob@example.com", "--name", "Bob", *STATED)
    ana, bob = listed(mailer)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", ana.pop("since"))
    assert ana == {
        "address": "ana@example.org",
        "series": "talks",
        "state": "pending",
        "language": "fr",
        "timezone": "Asia/Tokyo",
        "name": "",
    }
    assert bob["since"].endswith("Z")
    assert (bob["address"], bob["state"]) == ("Bob@example.com", "active")
    assert (bob["language"], bob["timezone"]) == ("en", "Europe/Zurich")
    assert [one["address"] for one in listed(mailer, "--state", "active")] == ["Bob@example.com"]


def test_the_list_says_since_when_they_are_in_their_state(mailer: Mailer, tmp_path: Path) -> None:
    mailer("add", "ana@example.org")
    mailer("add", "bob@example.org", *STATED)
    mailer("add", "eve@example.org", *STATED)
    mailer("remove", "eve@example.org")
    database = sqlite3.connect(tmp_path / "mailer.db")
    with database:
        database.execute(
            "UPDATE subscription SET requested_at = 0, "
            "since = since * 0 + 86400000, ended_at = ended_at * 0 + 172800000"
        )
    database.close()
    assert [(one["state"], one["since"]) for one in listed(mailer)] == [
        ("pending", "1970-01-01T00:00:00Z"),
        ("active", "1970-01-02T00:00:00Z"),
        ("unsubscribed", "1970-01-03T00:00:00Z"),
    ]


def test_a_list_longer_than_a_page_is_whole(
    mailer: Mailer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster, "PAGE", 2)
    addresses = [f"p{number}@example.org" for number in range(5)]
    (tmp_path / "many.csv").write_text("\n".join(addresses), encoding="utf-8")
    mailer("import", str(tmp_path / "many.csv"), *STATED)
    assert [one["address"] for one in listed(mailer)] == addresses
    exported = mailer("export").stdout.splitlines()
    assert exported == [
        '"address","name","language","timezone"',
        *(f'"{one}","","",""' for one in addresses),
    ]


def test_add_says_what_happens_next(mailer: Mailer) -> None:
    asked = "ana@example.org is asked to confirm, and has 7 days to answer.\n"
    assert mailer("add", "ana@example.org").stdout == asked
    again = "ana@example.org is left as it is: asked to confirm before.\n"
    assert mailer("add", "ana@example.org").stdout == again
    assert mailer("add", "ana@example.org", *STATED).stdout == "ana@example.org is subscribed.\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("ana@example.org", "--confirmed"), "--confirmed needs --consent TEXT"),
        (("ana@example.org", "--confirmed", "--consent", " "), "--confirmed needs --consent"),
        (("ana@example.org", "--consent", "x"), "--consent goes with --confirmed"),
        (("ana@example.org", "--welcome"), "--welcome goes with --confirmed"),
        (("nobody",), "expected a mail address"),
        (("ana@example.org", "--language", "klingon!"), "--language: expected a language tag"),
        (("ana@example.org", "--timezone", "Zurich"), "did you mean Europe/Zurich?"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    mailer: Mailer, arguments: tuple[str, ...], expected: str
) -> None:
    assert expected in mailer("add", *arguments, code=2).stderr
    assert listed(mailer) == []


def test_who_was_removed_stays_out_and_it_is_said_why(mailer: Mailer) -> None:
    mailer("add", "ana@example.org", *STATED)
    gone = "ana@example.org gets nothing more of talks.\n"
    assert mailer("remove", "ana@example.org").stdout == gone
    refused = mailer("add", "ana@example.org", code=1)
    assert refused.stderr == (
        "ana@example.org stays out: an organiser removed them. "
        "Only they can lift that, by subscribing.\n"
    )
    document = json.loads(mailer("add", "ana@example.org", "--json", code=1).stdout)
    assert (document["result"], document["reason"]) == ("suppressed", "removed")
    stranger = mailer("remove", "bob@example.com", code=1)
    assert stranger.stderr == "bob@example.com is not subscribed to talks\n"


def test_an_import_tells_what_it_did(mailer: Mailer, people_file: Path) -> None:
    mailer("add", "Bob@example.com", *STATED)
    mailer("add", "eve@example.net", *STATED)
    mailer("remove", "eve@example.net")
    expected = {
        **NOTHING,
        "asked": 1,
        "unchanged": 1,
        "suppressed": [{"address": "eve@example.net", "reason": "removed"}],
    }
    foreseen = mailer("import", str(people_file), "--dry-run", "--json")
    assert json.loads(foreseen.stdout) == expected
    assert len(listed(mailer)) == 2
    assert json.loads(mailer("import", str(people_file), "--json").stdout) == expected
    assert [one["language"] for one in listed(mailer, "--state", "pending")] == ["fr"]
    assert mailer("import", str(people_file)).stdout.splitlines() == [
        "      2  left as they are (subscribed or asked already)",
        "      1  kept out:",
        "           eve@example.net: an organiser removed them",
    ]


def test_an_import_with_stated_consent_subscribes(mailer: Mailer, people_file: Path) -> None:
    result = mailer("import", str(people_file), *STATED, "--json")
    assert json.loads(result.stdout) == {**NOTHING, "added": 3}
    shown = json.loads(mailer("show", "ana@example.org", "--json").stdout)
    (subscription,) = shown["subscriptions"]
    assert [(one["act"], one["evidence"]) for one in subscription["consents"]] == [
        ("stated", "at the stand")
    ]


def test_an_import_reads_standard_input(mailer: Mailer) -> None:
    result = mailer("import", "-", "--json", stdin="ana@example.org\nbob@example.com\n")
    assert json.loads(result.stdout) == {**NOTHING, "asked": 2}


def test_a_bad_row_is_named_with_its_line_and_nobody_is_taken(
    mailer: Mailer, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("address,language\nana@example.org,fr\nnobody,en\n", encoding="utf-8")
    refused = mailer("import", str(file), code=1)
    assert refused.stderr.splitlines() == [
        "bad.csv: line 3, address: found 'nobody', "
        "expected a mail address such as name@example.org",
        "nobody was taken from bad.csv; --skip-bad leaves bad rows out",
    ]
    assert listed(mailer) == []
    document = json.loads(mailer("import", str(file), "--json", code=1).stdout)
    assert [one["where"] for one in document["faults"]] == ["line 3, address"]
    assert json.loads(mailer("import", str(file), "--skip-bad", "--json").stdout)["asked"] == 1
    assert [one["address"] for one in listed(mailer)] == ["ana@example.org"]


def test_an_export_reads_back_as_it_was(mailer: Mailer, people_file: Path, tmp_path: Path) -> None:
    mailer("import", str(people_file), *STATED)
    out = tmp_path / "out.csv"
    assert mailer("export", "--out", str(out)).stderr == f"3 people in {out}\n"
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_text(encoding="utf-8").splitlines() == [
        '"address","name","language","timezone"',
        '"ana@example.org","Ana","fr","Asia/Tokyo"',
        '"Bob@example.com","","",""',
        '"eve@example.net","","",""',
    ]
    assert json.loads(mailer("import", str(out), "--json").stdout) == {**NOTHING, "unchanged": 3}


def test_no_cell_of_an_export_is_a_formula(mailer: Mailer, tmp_path: Path) -> None:
    """S19."""
    mailer("add", "+1@example.org", "--name", '=HYPERLINK("https://example.org")', *STATED)
    row = '"\'+1@example.org","\'=HYPERLINK(""https://example.org"")","",""'
    assert mailer("export").stdout.splitlines()[1:] == [row]
    out = tmp_path / "out.csv"
    mailer("export", "--out", str(out))
    assert out.read_text(encoding="utf-8").splitlines()[1:] == [row]


def test_an_export_as_json_is_an_array_of_people(
    mailer: Mailer, people_file: Path, tmp_path: Path
) -> None:
    assert json.loads(mailer("export", "--json").stdout) == []
    mailer("import", str(people_file), *STATED)
    found = json.loads(mailer("export", "--json").stdout)
    assert found == [
        {
            "address": "ana@example.org",
            "name": "Ana",
            "language": "fr",
            "timezone": "Asia/Tokyo",
        },
        {"address": "Bob@example.com", "name": "", "language": None, "timezone": None},
        {"address": "eve@example.net", "name": "", "language": None, "timezone": None},
    ]
    both = mailer("export", "--json", "--out", str(tmp_path / "out.csv"))
    assert json.loads(both.stdout) == found
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 4


def test_show_says_since_when_and_how_they_consented(mailer: Mailer) -> None:
    mailer("add", "ana@example.org", "--name", "Ana\x1b[2J", *STATED, code=2)
    mailer("add", "ana@example.org", "--name", "Ana", *STATED)
    lines = mailer("show", "ana@example.org").stdout.splitlines()
    assert lines[0] == "ana@example.org (Ana)"
    assert lines[1].startswith("  talks: subscribed since ")
    assert lines[2] == "    Mails in en, times in Europe/Zurich."
    assert lines[3].endswith("consented, as an organiser stated (by command line: at the stand)")
    mailer("show", "bob@example.com", code=1)


def test_a_change_of_address_moves_the_person(mailer: Mailer) -> None:
    mailer("add", "ana@example.org", "--language", "fr", *STATED)
    told = mailer("change", "ana@example.org", "ana@example.net").stdout
    assert told == "ana@example.org is ana@example.net now.\n  talks: active\n"
    (ana,) = listed(mailer)
    assert (ana["address"], ana["language"]) == ("ana@example.net", "fr")
    mailer("add", "bob@example.com", *STATED)
    refused = mailer("change", "ana@example.net", "bob@example.com", code=1)
    assert "bob@example.com is known already (active in talks)" in refused.stderr


def test_a_forgotten_person_is_gone(mailer: Mailer) -> None:
    mailer("add", "ana@example.org")
    erased = json.loads(mailer("forget", "ana@example.org", "--yes", "--json").stdout)
    assert erased == {
        "address": "ana@example.org",
        "subscriptions": 1,
        "mails": 1,
        "cancelled": 1,
        "received": 0,
    }
    assert listed(mailer) == []
    again = mailer("forget", "ana@example.org").stdout
    assert again.startswith("Nothing was known of ana@example.org")
