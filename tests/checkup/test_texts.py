"""Every mail written with sample facts, and what is said of one that cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailer.checkup.texts import texts
from mailer.config.model import Config, Series, Templates, Web


def config(folder: Path | None, language: str = "en") -> Config:
    series = Series(
        id="talks",
        title="Talks",
        address="talks@lists.example.org",
        timezone="UTC",
        language=language,
    )
    return Config(source=Path("c"), series=(series,), templates=Templates(folder=folder))


def override(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_the_mails_that_come_with_the_program_can_be_written() -> None:
    (row,) = texts(config(None))
    assert (row.topic, row.verdict) == ("templates", "ok")


def test_a_fault_in_an_override_is_told_once_with_file_and_line(tmp_path: Path) -> None:
    override(tmp_path, "mail/reminder/subject.txt", "{# ok #}\n{% if %}")
    (row,) = texts(config(tmp_path))
    assert row.verdict == "fault"
    assert row.found.startswith(f"template {tmp_path}/mail/reminder/subject.txt, line 2: ")


def test_a_fault_in_one_series_own_language_is_found(tmp_path: Path) -> None:
    override(tmp_path, "talks/mail/welcome/subject.fr.txt", "{{ series.nothing }}")
    (row,) = texts(config(tmp_path))
    assert (row.verdict, row.subject) == ("fault", "talks welcome fr")


def test_an_override_of_another_series_is_not_this_ones(tmp_path: Path) -> None:
    override(tmp_path, "films/mail/welcome/subject.txt", "{% if %}")
    assert [row.verdict for row in texts(config(tmp_path))] == ["ok"]


def test_a_catalogue_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    override(tmp_path, "translations/fr.po", 'msgid "x"\nmsgstr[ "y"\n')
    (row,) = texts(config(tmp_path))
    assert row.verdict == "fault"


def test_a_folder_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    (row,) = texts(config(tmp_path / "none"))
    assert (row.verdict, row.found) == ("fault", f"{tmp_path}/none: there is no such folder")


@pytest.mark.parametrize("place", ["mail", "talks/mail"])
@pytest.mark.parametrize(
    ("kind", "said"),
    [("anouncement", ", did you mean announcement?"), ("zzz", "")],
)
def test_a_folder_of_no_mail_is_a_fault_that_names_the_nearest(
    tmp_path: Path, place: str, kind: str, said: str
) -> None:
    override(tmp_path, f"{place}/{kind}/body.txt", "Hello")
    override(tmp_path, f"{place}/_own/part.txt", "Hello")
    (row,) = texts(config(tmp_path))
    found = f"{tmp_path}/{place}/{kind}: there is no such mail{said}"
    assert (row.verdict, row.found) == ("fault", found)


WEB = Web(base_url="https://webinars.example.org")


def with_pages(folder: Path) -> Config:
    return replace(config(folder), web=WEB)


def test_the_pages_that_come_with_the_program_can_be_written(tmp_path: Path) -> None:
    (row,) = texts(with_pages(tmp_path))
    assert (row.verdict, " and every page, " in row.found) == ("ok", True)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '{% extends "web/_layout.html" %}\n{% block content %}{{ webinar.x }}{% endblock %}',
            2,
        ),
        ("{# ok #}\n\n{% if %}", 3),
        ("{{ series.title }}\n{{ unheard }}", 2),
    ],
)
def test_a_page_of_ones_own_that_cannot_be_written_is_told_with_file_and_line(
    tmp_path: Path, text: str, line: int
) -> None:
    override(tmp_path, "web/webinar.html", text)
    (row,) = texts(with_pages(tmp_path))
    assert row.verdict == "fault"
    assert row.found.startswith(f"template {tmp_path}/web/webinar.html, line {line}: ")


def test_a_state_that_a_page_is_seldom_in_is_looked_at(tmp_path: Path) -> None:
    text = '{% if stage == "waiting" %}\n{{ place }}\n{% endif %}'
    override(tmp_path, "talks/web/register.html", text)
    (row,) = texts(with_pages(tmp_path))
    assert row.found.startswith(f"template {tmp_path}/talks/web/register.html, line 2: ")


@pytest.mark.parametrize("name", ["web/desk/timeline.html", "web/webinar.html", "mail/own.txt"])
def test_what_cannot_even_be_read_is_a_fault_whether_it_is_used_or_not(
    tmp_path: Path, name: str
) -> None:
    override(tmp_path, name, "Hello\n{{ series.title|shouted }}")
    (row,) = texts(config(tmp_path))
    assert row.verdict == "fault"
    assert row.found.startswith(f"template {tmp_path}/{name}, line 2: ")
