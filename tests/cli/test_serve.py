"""`mailer serve`: what keeps it from starting."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = """
[inbound]
smtp = "127.0.0.1:0"
[outbound]
transport = "maildir"
[templates]
folder = "texts"
[series.copyright]
title = "Talks"
address = "webinars@lists.example.org"
timezone = "Europe/Zurich"
"""


def serve(folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "mailer", "--config", str(folder / "config.toml"), "serve"],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        (
            "mail/reminder/subject.txt",
            "{# ok #}\n{{ webinar.nothing }}",
            "template {folder}/mail/reminder/subject.txt, line 2: ",
        ),
        (
            "mail/anouncement/body.txt",
            "Hello",
            "{folder}/mail/anouncement: there is no such mail, did you mean announcement?\n",
        ),
        (None, "", "{folder}: there is no such folder\n"),
    ],
)
def test_a_daemon_whose_templates_are_broken_does_not_start(
    tmp_path: Path, file: str | None, text: str, told: str
) -> None:
    folder = tmp_path / "texts"
    if file is not None:
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text(text)
    done = serve(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(told.format(folder=folder))
    assert not (tmp_path / "mailer.db").exists()
