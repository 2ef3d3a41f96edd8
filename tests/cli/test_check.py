"""`mailer check` as an operator runs it: on a new set-up, on broken ones, beside a daemon."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.checkup.lookup import Answer, DnsResolver, Status
from mailer.cli.main import cli
from tests.peers.postgres import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name server is asked; nothing is known."""

    async def look_up(self: DnsResolver, name: str, kind: str) -> Answer:
        return Answer(status=Status.NO_NAME)

    monkeypatch.setattr(DnsResolver, "look_up", look_up)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """What init writes, with ports that are free and an organiser."""
    CliRunner().invoke(cli, ["init", str(tmp_path), "--yes", "--organiser", "ann@example.org"])
    path = tmp_path / "config.toml"
    text = path.read_text()
    for port in ("2525", "2424"):
        text = text.replace(port, str(free_port()))
    path.write_text(re.sub(r"address = .*", 'address = "talks@lists.example.org"', text))
    return path


def check(config: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["--config", str(config), "check", *options])


def rows(done: Result) -> dict[str, str]:
    """The worst verdict of each topic."""
    found: dict[str, str] = {}
    rank = ("ok", "note", "fault")
    for one in json.loads(done.stdout):
        before = found.get(one["topic"], "ok")
        found[one["topic"]] = max(before, one["verdict"], key=rank.index)
    return found


SOUND = {
    "configuration": "ok",
    "templates": "ok",
    "database": "ok",
    "integrity": "ok",
    "writing": "ok",
    "clock": "ok",
    "dispatch": "ok",
    "disk": "ok",
    "mail server": "note",
    "daemon": "note",
    "dns": "note",
}


def test_a_new_set_up_has_no_fault(config: Path) -> None:
    done = check(config, "--json")
    assert (done.exit_code, rows(done)) == (0, SOUND)
    assert set(json.loads(done.stdout)[0]) == {
        *("topic", "subject", "verdict", "found", "expected", "advice")
    }


def test_people_read_a_line_for_each_and_what_to_do(config: Path) -> None:
    done = check(config)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "No fault; the notes are above.")
    assert "ok    templates" in done.stdout
    assert "                    to do: mailer serve" in done.stdout


def test_a_fault_ends_with_1_and_one_line_on_stderr(config: Path) -> None:
    (config.parent / "mailer.db").write_bytes(b"no database " * 500)
    done = check(config)
    assert (done.exit_code, done.stderr) == (1, "1 fault: see the lines above\n")
    assert check(config, "--json").exit_code == 1


def test_a_configuration_that_does_not_hold_ends_with_2(config: Path) -> None:
    config.write_text(config.read_text() + "titel = 1\n")
    done = check(config)
    assert (done.exit_code, done.stdout) == (2, "")


def test_while_mails_become_files_the_dns_is_no_fault(config: Path) -> None:
    config.write_text(config.read_text().replace("lists.example.org", "lists.mailer.ch"))
    found = rows(check(config, "--json"))
    assert {topic: found[topic] for topic in ("mx", "spf", "dkim", "dmarc")} == {
        "mx": "note",
        "spf": "note",
        "dkim": "note",
        "dmarc": "note",
    }


def test_when_mail_leaves_the_dns_and_the_mail_server_count(config: Path) -> None:
    text = config.read_text().replace('transport = "maildir"', 'transport = "smtp"')
    config.write_text(
        text.replace("lists.example.org", "lists.mailer.ch").replace(
            "port = 25\n", f"port = {free_port()}\n"
        )
    )
    done = check(config, "--json")
    found = rows(done)
    wanted = ("mail server", "mx", "spf", "dkim", "dmarc")
    assert done.exit_code == 1
    assert {topic: found[topic] for topic in wanted} == {
        "mail server": "fault",
        "mx": "fault",
        "spf": "fault",
        "dkim": "note",
        "dmarc": "fault",
    }


@contextmanager
def daemon(config: Path) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mailer", "--config", str(config), "serve"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    with process:
        try:
            assert process.stdout.readline().startswith("ready ")
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def test_beside_a_daemon_its_listeners_are_in_order(config: Path) -> None:
    with daemon(config):
        found = rows(check(config, "--json"))
    expected = {**SOUND, "listener": "ok"}
    del expected["daemon"]
    assert found == expected


def test_a_port_that_somebody_else_has_is_a_fault(
    config: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other") / "config.toml"
    other.write_text(config.read_text())
    with daemon(other):
        found = rows(check(config, "--json"))
    assert (found["daemon"], found["listener"]) == ("note", "fault")


def test_a_mail_goes_round(config: Path) -> None:
    text = config.read_text()
    smtp = re.search(r'smtp = "127\.0\.0\.1:(\d+)"', text)
    assert smtp is not None
    text = text.replace('transport = "maildir"', 'transport = "smtp"')
    config.write_text(text.replace("port = 25\n", f"port = {smtp[1]}\n"))
    with daemon(config):
        done = check(config, "--json", "--round-trip", "--seconds", "10")
    found = [one for one in json.loads(done.stdout) if one["topic"] == "round trip"]
    assert [one["verdict"] for one in found] == ["ok", "note", "note"]
    assert found[0]["found"].startswith("back by smtp after ")
    assert [one["found"] for one in found[1:]] == ["nobody signed", "no Authentication-Results"]


def test_without_a_daemon_the_round_trip_says_so(config: Path) -> None:
    text = config.read_text().replace('transport = "maildir"', 'transport = "smtp"')
    config.write_text(text.replace("port = 25\n", f"port = {free_port()}\n"))
    done = check(config, "--json", "--round-trip", "--seconds", "1")
    assert (done.exit_code, rows(done)["round trip"]) == (1, "fault")
