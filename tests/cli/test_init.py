"""`mailer init`: from nothing to a configuration that the daemon starts with."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli import init_questions
from mailer.cli.init_questions import host_domain, machine_zone, nearest_zones, read_zone
from mailer.cli.main import cli
from mailer.config.model import Endpoint, Security, TransportKind, Web
from mailer.config.reading import read_config
from scheduler.recurrence import zone_names

FILES = [
    "config.toml",
    "postfix/main.cf.append",
    "postfix/mailer-transport",
    "postfix/mailer-recipients",
    "postfix/master.cf.append",
    "mailer.service",
]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A machine without a public name, in Geneva, where `mailer` is found by its name."""
    monkeypatch.setattr(init_questions, "host_domain", lambda: None)
    monkeypatch.setattr(init_questions, "machine_zone", lambda: "Europe/Zurich")
    program = tmp_path_factory.mktemp("bin") / "mailer"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def init(folder: Path, *options: str, answers: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["init", str(folder), *options], input=answers)


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_yes_takes_every_default(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "place"
    assert init(folder, "--yes").exit_code == 0
    config = read_config(folder / "config.toml", {})
    (series,) = config.series
    assert (series.id, series.title, series.address, series.timezone, series.organisers) == (
        "webinars",
        "Webinars",
        "webinars@lists.example.org",
        "Europe/Zurich",
        (),
    )
    assert config.outbound.transport is TransportKind.MAILDIR
    assert written(folder) == sorted([*FILES, "mailer.db"])


def test_json_is_one_document_on_stdout(tmp_path: Path) -> None:
    found = json.loads(init(tmp_path, "--yes", "--json").stdout)
    assert found["config"] == str(tmp_path / "config.toml")
    assert found["database"] == f"sqlite:///{tmp_path}/mailer.db"
    assert found["files"] == [str(tmp_path / name) for name in FILES]
    first = f"mailer --config {tmp_path}/config.toml "
    assert [step["command"].removeprefix(first).split()[0] for step in found["next"]] == [
        *("check", "serve", "printf", "webinar", "plan", "cat", "cp")
    ]


def test_options_give_each_answer(tmp_path: Path) -> None:
    done = init(
        tmp_path,
        *("--yes", "--title", 'Films & "more"', "--address", "Films@BÜCHER.example"),
        *("--timezone", "Africa/Nairobi", "--organiser", "ann@example.org", "--send", "local"),
    )
    assert done.exit_code == 0
    config = read_config(tmp_path / "config.toml", {})
    (series,) = config.series
    assert (series.title, series.address, series.timezone, series.organisers) == (
        'Films & "more"',
        "Films@xn--bcher-kva.example",
        "Africa/Nairobi",
        ("ann@example.org",),
    )
    outbound = config.outbound
    assert (outbound.transport, outbound.host, outbound.port, outbound.security) == (
        TransportKind.SMTP,
        "127.0.0.1",
        25,
        Security.NONE,
    )


@pytest.mark.parametrize(
    ("smarthost", "host", "port", "security"),
    [
        ("mail.example.org", "mail.example.org", 587, Security.STARTTLS),
        ("mail.example.org:465", "mail.example.org", 465, Security.TLS),
        ("mail.example.org:25", "mail.example.org", 25, Security.STARTTLS),
        ("[2001:db8::1]:25", "2001:db8::1", 25, Security.STARTTLS),
        ("localhost:1025", "localhost", 1025, Security.NONE),
    ],
)
def test_smarthost_gets_its_usual_port_and_security(
    tmp_path: Path, smarthost: str, host: str, port: int, security: Security
) -> None:
    assert init(tmp_path, "--yes", "--smarthost", smarthost).exit_code == 0
    outbound = read_config(tmp_path / "config.toml", {}).outbound
    assert (outbound.host, outbound.port, outbound.security) == (host, port, security)


def test_sign_in_takes_its_password_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    folder = tmp_path / "mailer"
    done = init(
        folder,
        *("--yes", "--smarthost", "mail.example.org", "--username", "ann"),
        *("--password-file", str(secret)),
    )
    assert done.exit_code == 0
    outbound = read_config(folder / "config.toml", {}).outbound
    assert (outbound.username, outbound.password) == ("ann", "open sesame")


def test_asked_for_a_password_it_goes_into_a_private_file(tmp_path: Path) -> None:
    answers = "\n\n\n\nsmarthost\nmail.example.org\nann\nopen sesame\n\nn\n"
    done = init(tmp_path, answers=answers)
    assert done.exit_code == 0
    assert read_config(tmp_path / "config.toml", {}).outbound.password == "open sesame"
    file = tmp_path / "smarthost.password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "open sesame" not in done.output + (tmp_path / "config.toml").read_text()


def test_questions_are_asked_again_until_the_answer_fits(tmp_path: Path) -> None:
    answers = (
        "Film talks\n"
        "films\nfilms@lists.example.org\n"
        "Geneva\nZurich\nEurope/Zurich\n"
        "ann@example.org\n"
        "pigeon\nmaildir\n"
        "http://talks.example.org\nnone\n"
        "y\n"
    )
    done = init(tmp_path, "--json", answers=answers)
    assert done.exit_code == 0
    (series,) = read_config(tmp_path / "config.toml", {}).series
    assert (series.title, series.address, series.timezone, series.organisers) == (
        "Film talks",
        "films@lists.example.org",
        "Europe/Zurich",
        ("ann@example.org",),
    )
    asked = re.findall(r"^Error: (.*)", done.stderr, re.MULTILINE)
    assert asked[1:] == [
        "found 'Geneva', expected an IANA time zone like Europe/Zurich",
        "found 'Zurich', expected an IANA time zone like Europe/Zurich; nearest: Europe/Zurich",
        "one of local, smarthost, maildir",
        "https://host, without a path; http is for this machine alone, as http://127.0.0.1:8080",
    ]
    json.loads(done.stdout)
    listed = CliRunner().invoke(
        cli, ["--config", str(tmp_path / "config.toml"), "webinar", "list", "--json"]
    )
    assert len(json.loads(listed.stdout)) == 16  # the sample season


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--timezone", "Europe/Zurch"), "--timezone: found 'Europe/Zurch', expected an IANA"),
        (("--address", "nobody"), "--address: "),
        (("--address", f"{'x' * 25}@example.org"), "--address: at most 24 characters before"),
        (("--address", "postmaster@example.org"), "--address: an address of the series' own"),
        (("--title", " "), "--title: one line of text"),
        (("--organiser", "ann@@example.org"), "--organiser: "),
        (("--send", "smarthost"), "--send smarthost needs --smarthost HOST[:PORT]"),
        (("--send", "local", "--smarthost", "a.example"), "--smarthost: there is none to name"),
        (("--smarthost", "mail.example.org:x"), "--smarthost: the name of a mail server"),
        (("--smarthost", "a.example", "--username", "ann"), "--username needs --password-file"),
        (("--web", "http://talks.example.org"), "--web: https://host, without a path; http is"),
    ],
)
def test_a_wrong_option_ends_with_2_and_writes_nothing(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    done = init(tmp_path, "--yes", *options)
    assert (done.exit_code, done.stderr[: len(said)], written(tmp_path)) == (2, said, [])


@pytest.mark.parametrize("name", ["config.toml", "mailer.service", "postfix/mailer-transport"])
def test_nothing_that_exists_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / "postfix").mkdir()
    (tmp_path / name).write_text("mine")
    done = init(tmp_path, "--yes")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{tmp_path / name} exists already")
    assert (written(tmp_path), (tmp_path / name).read_text()) == ([name], "mine")


def test_what_was_written_is_taken_back_when_the_database_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "mailer.db").write_text("no database at all, but long enough to be looked at")
    done = init(tmp_path, "--yes")
    assert (done.exit_code, written(tmp_path)) == (1, ["mailer.db"])
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = init(tmp_path / "file" / "below", "--yes")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)


def test_the_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    init(tmp_path, "--yes")
    assert stat.S_IMODE((tmp_path / "mailer.db").stat().st_mode) == 0o600


def test_in_the_current_folder_the_next_commands_need_no_config_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = json.loads(CliRunner().invoke(cli, ["init", "--yes", "--json"]).stdout)
    assert [step["command"] for step in found["next"]][:2] == ["mailer check", "mailer serve"]


def test_where_the_command_is_not_found_by_its_name_the_next_ones_say_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    beside = Path(sys.executable).with_name("mailer")
    command = json.loads(init(tmp_path, "--yes", "--json").stdout)["next"][0]["command"]
    assert command == f"{beside} --config {tmp_path}/config.toml check"


def test_postfix_and_systemd_files_name_the_configuration_and_the_domain(tmp_path: Path) -> None:
    init(tmp_path, "--yes", "--address", "talks@lists.example.org")
    unit = (tmp_path / "mailer.service").read_text()
    assert f"--config {tmp_path}/config.toml serve\n" in unit
    table = (tmp_path / "postfix" / "mailer-transport").read_text()
    assert table == "lists.example.org\tlmtp:inet:127.0.0.1:2424\n"


LINK = re.compile(r"http://127\.0\.0\.1:8099/admin/first/([a-z2-7]{32})")


def settings(folder: Path) -> dict[str, str]:
    connection = sqlite3.connect(folder / "mailer.db")
    try:
        return dict(connection.execute("SELECT key, value FROM setting").fetchall())
    finally:
        connection.close()


def test_with_pages_a_secret_link_leads_through_the_rest(tmp_path: Path) -> None:
    """What is kept of it does not open it, and mail to many waits until it was used to the end."""
    found = json.loads(init(tmp_path, "--yes", "--json", "--web", "http://127.0.0.1:8099").stdout)
    link = LINK.fullmatch(found["link"])
    assert link
    assert found["next"][2]["command"] == found["link"]
    config = read_config(tmp_path / "config.toml", {})
    assert config.web == Web(
        base_url="http://127.0.0.1:8099", listen=Endpoint(host="127.0.0.1", port=8099)
    )
    kept = settings(tmp_path)
    assert set(kept) == {"first.run", "outbox.held"}
    assert link[1] not in "".join(path.read_text("latin-1") for path in tmp_path.glob("mailer.db*"))


def test_pages_behind_a_web_server_listen_at_their_usual_port(tmp_path: Path) -> None:
    init(tmp_path, "--yes", "--web", "https://talks.example.org")
    assert read_config(tmp_path / "config.toml", {}).web == Web(
        base_url="https://talks.example.org"
    )


def test_another_link_can_be_had(tmp_path: Path) -> None:
    init(tmp_path, "--yes", "--web", "http://127.0.0.1:8099")
    before = settings(tmp_path)
    done = init(tmp_path, "--link")
    assert LINK.fullmatch(done.stdout.strip())
    after = settings(tmp_path)
    assert before["first.run"] != after["first.run"]
    assert init(tmp_path, "--link", "--json").exit_code == 0


def test_without_pages_there_is_no_link(tmp_path: Path) -> None:
    found = json.loads(init(tmp_path, "--yes", "--json").stdout)
    assert (found["link"], settings(tmp_path)) == ("", {})
    done = init(tmp_path, "--link")
    assert (done.exit_code, done.stderr) == (
        2,
        "there are no pages: give the configuration a [web] table first\n",
    )


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("zurich", ["Europe/Zurich"]),
        ("new york", ["America/New_York"]),
        ("Europe/Zurch", ["Europe/Zurich"]),
        ("Europe/Kyev", ["Europe/Kyiv", "Europe/Kiev", "Europe/Kirov"]),
        ("Geneva", []),
        ("", []),
    ],
)
def test_nearest_zones_are_found_by_city_and_by_likeness(given: str, nearest: list[str]) -> None:
    assert nearest_zones(given, zone_names()) == nearest


def test_a_zone_keeps_its_spelling() -> None:
    assert read_zone(" Asia/Kolkata ") == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("variable", "file", "link", "expected"),
    [
        ("", "Europe/Paris\n", "/usr/share/zoneinfo/Asia/Tokyo", "Europe/Paris"),
        ("", None, "/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"),
        (":Asia/Kolkata", "Europe/Paris\n", None, "Asia/Kolkata"),
        ("CET-1CEST", "Etc/UTC\n", None, "UTC"),
        ("", "nowhere", None, None),
    ],
)
def test_the_machine_zone_is_its_iana_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    file: str | None,
    link: str | None,
    expected: str | None,
) -> None:
    monkeypatch.setenv("TZ", variable)
    timezone, localtime = tmp_path / "timezone", tmp_path / "localtime"
    if file is not None:
        timezone.write_text(file)
    if link is not None:
        localtime.symlink_to(link)
    assert machine_zone(timezone, localtime) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mail.lists.example.org", "lists.example.org"),
        ("example.org", "example.org"),
        ("box", None),
        ("box.local", None),
        ("ip-10-0-0-1.compute.internal", None),
        ("192.0.2.1", None),
    ],
)
def test_the_domain_of_the_machine_is_what_its_name_is_in(
    monkeypatch: pytest.MonkeyPatch, name: str, expected: str | None
) -> None:
    monkeypatch.setattr(init_questions, "_host_name", lambda: name)
    assert host_domain() == expected


def test_the_daemon_starts_with_what_init_wrote(tmp_path: Path) -> None:
    assert init(tmp_path, "--yes").exit_code == 0
    path = tmp_path / "config.toml"
    path.write_text(re.sub(r"127\.0\.0\.1:(2525|2424)", "127.0.0.1:0", path.read_text()))
    assert tomllib.loads(path.read_text())["inbound"]["smtp"] == "127.0.0.1:0"
    daemon = subprocess.Popen(
        [sys.executable, "-m", "mailer", "--config", str(path), "serve"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert daemon.stdout is not None
    with daemon:
        assert re.match(
            r"ready smtp=127\.0\.0\.1:\d+ lmtp=127\.0\.0\.1:\d+$", daemon.stdout.readline()
        )
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
