"""What `python3 dev.py demo` plays: the whole circle, with a change of the programme in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STORY = re.compile(r"(?m)^[0-9]\. .*\.$|^   │ Subject: [^:,0-9\n]*")


def test_the_demo_tells_every_step_and_shows_each_mail(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mailer.demo", "--once"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    subjects = [line.removeprefix("   │ Subject: ") for line in STORY.findall(done.stdout)]
    assert [line.partition(".")[0].strip() for line in subjects] == [
        *("1", "Please confirm", "2", "3", "Welcome to Copyright Infrastructure Webinars"),
        *("4", "Webinar on", "5", "Reminder", "6", "New time"),
        *("7", "Vous avez quitté Copyright Infrastructure Webinars"),
    ]


def test_the_readme_has_the_steps_of_the_demo() -> None:
    told = re.findall(r'story\.tell\(\s*f?"([^"{:.]*)', (ROOT / "mailer/demo.py").read_text())
    shown = (ROOT / "README.md").read_text("utf-8")
    assert [f"{number}. {line}" in shown for number, line in enumerate(told, 1)] == [True] * 7
