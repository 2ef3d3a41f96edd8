"""A table of the configuration is changed, and nothing else of the file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mailer.config.rewriting import Unwritable, changed, lines, put_in_place, put_secret
from mailer.errors import ConfigError

TEXT = """\
# The head.

[outbound]
transport = "maildir"      # "smtp", or "maildir"
port = 25

# [dkim]                   # when the mail server does not sign

[series.talks]             # the only one
title = "Talks"
address = "talks@lists.example.org"
timezone = "Europe/Zurich"
organisers = []
"""


def test_keys_change_and_comments_stay() -> None:
    new = changed(TEXT, ["outbound"], {"transport": "smtp", "port": 587, "username": "ana"})
    assert new == TEXT.replace('transport = "maildir" ', 'transport = "smtp" ').replace(
        "port = 25\n", 'port = 587\nusername = "ana"\n'
    )


def test_keys_are_taken_out() -> None:
    assert changed(TEXT, ["outbound"], {}, without=["port", "nothing"]) == TEXT.replace(
        "port = 25\n", ""
    )


def test_a_table_that_is_not_there_is_made() -> None:
    text = '[series.talks]\ntitle = "Talks"\n'
    assert changed(text, ["outbound"], {"port": 25}) == f"{text}\n[outbound]\nport = 25\n"


def test_a_list_in_a_table_below_another() -> None:
    new = changed(TEXT, ["series", "talks"], {"organisers": ("ana@example.org",)})
    assert new == TEXT.replace("organisers = []", 'organisers = ["ana@example.org"]')


def test_tables_below_the_changed_one_stay_where_they_are() -> None:
    text = '[outbound]\nport = 1\n\n[outbound.domains]\n"example.org" = 2\n'
    assert changed(text, ["outbound"], {"host": "a.example"}) == text.replace(
        "port = 1\n", 'port = 1\nhost = "a.example"\n'
    )


def test_line_ends_and_the_mark_at_the_head_stay() -> None:
    text = "\ufeff" + TEXT.replace("\n", "\r\n")
    new = changed(text, ["outbound"], {"port": 587, "username": "ana"})
    assert new == text.replace("port = 25\r\n", 'port = 587\r\nusername = "ana"\r\n')


@pytest.mark.parametrize(
    "text",
    ["[outbound\n", "outbound = 3\n", 'outbound = { port = 25 }\n[series.a]\ntitle = "A"\n'],
)
def test_what_cannot_be_changed_well_is_left_to_a_person(text: str) -> None:
    with pytest.raises(Unwritable):
        changed(text, ["outbound"], {"port": 587})


def test_lines_to_paste_are_toml() -> None:
    made = lines(["outbound"], {"host": 'a"b', "port": 25, "names": ("x", "y")})
    assert made == '[outbound]\nhost = "a\\"b"\nport = 25\nnames = ["x", "y"]\n'


def test_the_old_file_stays_beside_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    path.chmod(0o640)
    new = changed(TEXT, ["outbound"], {"port": 26})
    kept = put_in_place(path, new, stamp="20261122T200000Z", environ={})
    assert kept == tmp_path / "config.toml.20261122T200000Z"
    assert (path.read_text(), kept.read_text()) == (new, TEXT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(one.name for one in tmp_path.iterdir()) == [path.name, kept.name]


def test_what_does_not_hold_is_never_put_in_place(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(TEXT)
    with pytest.raises(ConfigError):
        put_in_place(path, TEXT.replace("25", "0"), stamp="x", environ={})
    assert [one.name for one in tmp_path.iterdir()] == ["config.toml"]
    assert path.read_text() == TEXT


def test_a_secret_is_nobody_elses_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "smarthost.password"
    put_secret(path, "open sesame")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("open sesame\n", 0o600)
    with pytest.raises(FileExistsError):
        put_secret(path, "another")
