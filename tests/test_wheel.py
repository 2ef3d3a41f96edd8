"""The wheel alone is enough: built, installed into an empty venv, used from another folder.

Dependencies are not fetched again: a path file lends the new venv those of the venv that the
tests run in, but not the checkout.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

RENDERING = """
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import sample
print(Renderer(builtin_templates()).render("announcement", sample("announcement")).text)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """The output of a program that has to end with 0."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a venv that holds the wheel."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=ROOT)
    python = folder / "bin" / "python"
    run(
        sys.executable, "-m", "pip", f"--python={python}", "install",
        "--no-deps", "--no-index", wheel,
        cwd=ROOT,
    )  # fmt: skip
    (site,) = folder.glob("lib/python3*/site-packages")
    # A line with a path would also read the .pth files there, which lead to the checkout.
    outer = sysconfig.get_path("purelib")
    (site / "outer.pth").write_text(f"import sys; sys.path.append({outer!r})\n")
    return python


def test_wheel_holds_what_it_needs_at_run_time(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {
        file.relative_to(ROOT).as_posix()
        for package in ("mailer", "scheduler")
        for file in (ROOT / package).rglob("*.py")
    }
    texts = {
        f"mailer/{file.relative_to(ROOT).as_posix()}"
        for file in (ROOT / "templates").rglob("*")
        if file.is_file()
    }
    wanted = sources | texts | {"mailer/config.example.toml"}
    assert wanted - names == set()
    assert texts != set()
    strangers = {name for name in names if not name.startswith(("mailer/", "scheduler/"))}
    assert all(".dist-info/" in name for name in strangers), strangers


def test_installed_package_is_the_one_that_runs(installed: Path, tmp_path: Path) -> None:
    where = run(installed, "-c", "import mailer, scheduler; print(mailer.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent.parent)


def test_command_works_from_any_folder(installed: Path, tmp_path: Path) -> None:
    said = run(installed.with_name("mailer"), "--help", cwd=tmp_path)
    assert said.startswith("Usage: mailer")


def test_mails_are_rendered_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    mail = run(installed, "-c", RENDERING, cwd=tmp_path)
    assert "International Standard Content Code" in mail
