"""`mailer template`: which mails there are, overriding them, and what is wrong with an override."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import cli
from mailer.message.render import builtin_templates

CONFIG = """
[templates]
folder = "own"
[series.talks]
title = "Talks"
address = "talks@lists.example.org"
timezone = "UTC"
"""
Mailer = Callable[..., Result]


@pytest.fixture
def mailer(tmp_path: Path) -> Mailer:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    (tmp_path / "own").mkdir()

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["--config", str(config), *arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def test_a_copy_overrides_and_is_listed(mailer: Mailer, tmp_path: Path) -> None:
    made = json.loads(mailer("template", "copy", "welcome", "--language", "fr", "--json").stdout)
    own = tmp_path / "own/mail/welcome"
    names = ["body.fr.html", "body.fr.txt", "subject.fr.txt"]
    assert made == [str(own / name) for name in names]
    assert (own / "body.fr.txt").read_bytes() == (
        builtin_templates() / "mail/welcome/body.txt"
    ).read_bytes()
    listed = json.loads(mailer("template", "list", "--json").stdout)
    overridden = {one["kind"]: one["overrides"] for one in listed["kinds"] if one["overrides"]}
    assert overridden == {"welcome": [f"mail/welcome/{name}" for name in names]}
    text = mailer("template", "list").stdout
    assert "welcome                      The reader is subscribed now\n" in text
    assert "overridden: mail/welcome/body.fr.txt\n" in text


def test_what_all_mails_share_may_be_copied_for_one_series(mailer: Mailer, tmp_path: Path) -> None:
    mailer("template", "copy", "_layout.html", "--series", "talks")
    assert (tmp_path / "own/talks/mail/_layout.html").is_file()
    assert json.loads(mailer("template", "list", "--json").stdout)["shared"] == [
        "talks/mail/_layout.html"
    ]


def test_a_copy_does_not_write_over_what_is_there(mailer: Mailer, tmp_path: Path) -> None:
    mailer("template", "copy", "welcome")
    own = tmp_path / "own/mail/welcome/body.txt"
    own.write_text("mine")
    (tmp_path / "own/mail/welcome/subject.txt").unlink()
    assert "there already (--force writes over it)" in (
        mailer("template", "copy", "welcome", code=1).stderr
    )
    assert own.read_text() == "mine"
    assert not (tmp_path / "own/mail/welcome/subject.txt").exists()
    mailer("template", "copy", "welcome", "--force")
    assert own.read_text() != "mine"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("copy", "nothing"), 1, "there is no mail and no shared file nothing"),
        (("copy", "../config.toml"), 1, "there is no mail and no shared file"),
        (("copy", "welcome", "--language", "../fr"), 2, "expected a tag such as fr"),
        (("preview", "welcom"), 1, "there is no mail welcom, did you mean welcome?"),
    ],
)
def test_what_cannot_be_is_one_clear_line(
    mailer: Mailer, arguments: tuple[str, ...], code: int, told: str
) -> None:
    assert told in mailer("template", *arguments, code=code).stderr


def test_without_a_folder_it_says_what_to_add(mailer: Mailer, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.replace('folder = "own"', ""))
    assert 'add [templates] folder = "templates"' in (
        mailer("template", "copy", "welcome", code=2).stderr
    )


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("mail/welcome/body.txt", "{# ok #}\n{% if %}", "line 2: "),
        ("mail/welcome/body.html", "\n\n{{ series.nothing }}", "line 3: UndefinedError"),
        ("mail/welcome/body.fr.txt", "{{ ''.__class__ }}", "line 1: "),
        ("talks/mail/welcome/body.txt", "{{ me.address|upper }}", "line 1: "),
        ("mail/reminder/body.txt", "{{ (webinar.speakers|first).name }}", "line 1: "),
        ("mail/reminder/body.txt", "{{ webinar.links|first|length }}", "line 1: "),
        ("mail/welcome/subject.txt", "", "the subject is empty"),
        ("mail/style.css", "x" * 64_001, "longer than 64000 characters"),
    ],
)
def test_a_broken_override_is_named_with_file_and_line(
    mailer: Mailer, tmp_path: Path, name: str, source: str, told: str
) -> None:
    path = tmp_path / "own" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    if name.endswith("subject.txt"):
        path.with_name("body.txt").write_text("x")
    found = json.loads(mailer("template", "check", "--json", code=1).stdout)
    assert found["ok"] is False
    assert told in found["faults"][0]
    assert name.removeprefix("talks/") in found["faults"][0]
    assert told in mailer("template", "check", code=1).stderr
    assert told in mailer("serve", code=1).stderr


def test_all_that_comes_with_the_program_is_in_order(mailer: Mailer) -> None:
    assert mailer("template", "check").stdout.endswith("samples written\n")
    assert json.loads(mailer("template", "check", "--json").stdout) == {"ok": True, "faults": []}


def test_a_preview_is_a_whole_mail(mailer: Mailer, tmp_path: Path) -> None:
    html, eml = tmp_path / "w.html", tmp_path / "w.eml"
    told = mailer(
        "template", "preview", "welcome", "--language", "fr", "--html", str(html), "--eml", str(eml)
    ).stdout
    assert told.startswith("Subject: Bienvenue à Talks\n\n")
    assert 'lang="fr"' in html.read_text(encoding="utf-8")
    mail = email.message_from_bytes(eml.read_bytes(), policy=email.policy.default)
    assert (mail["Subject"], mail["To"]) == ("Bienvenue à Talks", "reader@example.org")
    as_json = json.loads(mailer("template", "preview", "welcome", "--json").stdout)
    assert sorted(as_json) == ["html", "subject", "text"]
