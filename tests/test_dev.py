"""Set-up from nothing, again, after an accident, and on machines that lack a part.

Each test works on a copy of dev.py and tools/ in a folder of its own, with a lock of one small
package that is made here: nothing is fetched.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dev
from tests.peers import registry
from tools import check, peer, venv

ROOT = Path(__file__).resolve().parent.parent
DEMO = "import sys, tiny\nprint('demo', *sys.argv[1:], tiny.WORD)\n"
MAIN = (
    "import os, tiny\n\n\ndef main():\n    print('mailer', tiny.WORD, os.getcwd())\n    return 3\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A small checkout, and the environment that dev.py is run in."""

    folder: Path
    links: Path
    environment: dict[str, str]

    def dev(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(self.folder / "dev.py"), *arguments],
            env={**self.environment, **environment},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout of one package, `tiny`, whose wheel lies in a folder that pip is told of."""
    folder = tmp_path / "a checkout"
    shutil.copytree(ROOT / "tools", folder / "tools")
    shutil.copy(ROOT / "dev.py", folder)
    (folder / "mailer").mkdir()
    (folder / "mailer" / "__init__.py").touch()
    (folder / "mailer" / "demo.py").write_text(DEMO)
    (folder / "mailer" / "__main__.py").write_text(MAIN)
    links = tmp_path / "links"
    links.mkdir()
    digest = make_wheel(links / "tiny-1.0-py3-none-any.whl")
    (folder / "requirements.lock").write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    pip = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(links)}
    return Checkout(folder=folder, links=links, environment={**kept, **pip})


def make_wheel(file: Path) -> str:
    """Write the smallest wheel there is; its SHA-256."""
    info = "tiny-1.0.dist-info"
    with zipfile.ZipFile(file, "w") as wheel:
        wheel.writestr("tiny.py", "WORD = 'works'\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "tiny.py,,\n")
    return hashlib.sha256(file.read_bytes()).hexdigest()


def without_ensurepip(tmp_path: Path) -> dict[str, str]:
    """An environment in which the running Python has no ensurepip, as stock Debian's."""
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "ensurepip.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'ensurepip'\")\n"
    )
    programs = tmp_path / "programs"
    programs.mkdir()
    return {"PYTHONPATH": str(shadow), "PYTHONDONTWRITEBYTECODE": "1", "PATH": str(programs)}


def write_apt_get(tmp_path: Path, script: str) -> Path:
    """Put an apt-get of our own on the PATH; the file in which it notes what it was asked."""
    asked = tmp_path / "asked"
    program = tmp_path / "programs" / "apt-get"
    program.write_text(f'#!/bin/sh\necho "$@" >>{asked}\n{script}\n')
    program.chmod(0o755)
    return asked


def need_root() -> None:
    if os.geteuid() != 0:
        registry.missing("root", "apt-get is only run as root")


def test_demo_sets_up_once_and_gives_the_command(checkout: Checkout, tmp_path: Path) -> None:
    first = checkout.dev("demo", "--once")
    assert (first.returncode, first.stdout) == (0, "demo --once works\n"), first.stderr
    assert "set-up: ready" in first.stderr
    second = checkout.dev("demo")
    assert (second.returncode, second.stdout, second.stderr) == (0, "demo works\n", "")
    command = [str(checkout.folder / ".venv" / "bin" / "mailer")]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (3, f"mailer works {tmp_path}\n"), run.stderr


def test_set_up_that_was_cut_short_begins_anew(checkout: Checkout) -> None:
    assert checkout.dev("demo").returncode == 0
    (checkout.folder / ".venv" / "unfinished").touch()
    for file in (checkout.folder / ".venv").glob("lib/python3*/site-packages/tiny.py"):
        file.unlink()
    again = checkout.dev("demo")
    assert (again.returncode, again.stdout) == (0, "demo works\n"), again.stderr


def test_no_network_is_told_and_the_next_run_goes_on(checkout: Checkout) -> None:
    failed = checkout.dev("demo", PIP_FIND_LINKS="")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "the packages could not be fetched: is there a network" in failed.stderr
    again = checkout.dev("demo")
    assert (again.returncode, again.stdout) == (0, "demo works\n"), again.stderr


def test_a_package_that_is_not_what_the_lock_says_is_refused(checkout: Checkout) -> None:
    lock = checkout.folder / "requirements.lock"
    lock.write_text(re.sub("sha256:.*", f"sha256:{'0' * 64}", lock.read_text()))
    refused = checkout.dev("demo")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "pip could not install what the lock says" in refused.stderr


def test_missing_ensurepip_without_apt_get_prints_the_command(
    checkout: Checkout, tmp_path: Path
) -> None:
    run = checkout.dev("demo", **without_ensurepip(tmp_path))
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.endswith("\n  apt-get install -y --no-install-recommends python3-venv\n")
    assert not (checkout.folder / ".venv").exists()


def test_missing_ensurepip_is_installed_by_root(checkout: Checkout, tmp_path: Path) -> None:
    need_root()
    environment = without_ensurepip(tmp_path)
    asked = write_apt_get(tmp_path, f"/bin/rm {tmp_path}/shadow/ensurepip.py")
    run = checkout.dev("demo", **environment)
    assert (run.returncode, run.stdout) == (0, "demo works\n"), run.stderr
    assert asked.read_text() == "-q install -y --no-install-recommends python3-venv\n"


def test_package_lists_are_fetched_when_the_first_try_fails(
    checkout: Checkout, tmp_path: Path
) -> None:
    need_root()
    environment = without_ensurepip(tmp_path)
    script = f"[ $2 = update ] && : >{tmp_path}/listed\n[ -e {tmp_path}/listed ] || exit 100"
    asked = write_apt_get(tmp_path, f"{script}\n/bin/rm -f {tmp_path}/shadow/ensurepip.py")
    run = checkout.dev("demo", **environment)
    assert run.returncode == 0, run.stderr
    assert [line.split()[1] for line in asked.read_text().splitlines()] == [
        "install",
        "update",
        "install",
    ]


def test_apt_get_that_fails_ends_with_the_command(checkout: Checkout, tmp_path: Path) -> None:
    need_root()
    environment = without_ensurepip(tmp_path)
    write_apt_get(tmp_path, "echo E: no way; exit 100")
    run = checkout.dev("demo", **environment)
    assert (run.returncode, run.stdout) == (2, "")
    assert "E: no way" in run.stderr
    assert run.stderr.endswith("\n  apt-get install -y --no-install-recommends python3-venv\n")


def test_old_python_is_told_that_it_is_too_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ast.parse((ROOT / "dev.py").read_text("utf-8"), feature_version=(3, 4))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert dev.main(["demo"]) == 2
    assert capsys.readouterr().err == "dev.py needs Python 3.11 or newer; this is 3.9.2\n"


@pytest.mark.parametrize("arguments", [(), ("deploy",), ("demo", "--twice"), ("bench", "none")])
def test_wrong_usage_ends_with_2(checkout: Checkout, arguments: tuple[str, ...]) -> None:
    run = checkout.dev(*arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert "python3 dev.py" in run.stderr


def read_lock(name: str) -> dict[str, str]:
    """Package to version, for every line of a lock; each must have a hash."""
    entries = re.findall(
        r"(?m)^(\S+?)==(\S+)[^\n]*\\\n    --hash=sha256:\w{64}", (ROOT / name).read_text()
    )
    lines = [line for line in (ROOT / name).read_text().splitlines() if "==" in line]
    assert len(entries) == len(lines) > 0
    return {canonicalize_name(package): version for package, version in entries}


@pytest.mark.parametrize("name", [venv.RUNTIME.lock, venv.TEST.lock])
def test_locks_name_no_address(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()


def test_locks_agree_with_each_other_and_hold_what_the_project_asks_for() -> None:
    runtime, test = read_lock(venv.RUNTIME.lock), read_lock(venv.TEST.lock)
    assert {name: test.get(name) for name in runtime} == runtime
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for asked, locked in (
        (project["dependencies"], runtime),
        (project["optional-dependencies"]["test"], test),
    ):
        for line in asked:
            wanted = Requirement(line)
            version = locked.get(canonicalize_name(wanted.name), "none")
            assert wanted.specifier.contains(version, prereleases=True), f"{line}: {version}"


def test_the_venv_holds_no_two_packages_that_disagree() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout


def test_ci_runs_the_test_command_in_the_checkout(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").write_text('#!/bin/sh\necho "$PWD" "$@"\n')
    (programs / "python3").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    run = subprocess.run(
        [str(ROOT / ".ci" / "run")],
        env={"PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, f"{ROOT} dev.py test\n"), run.stderr


@pytest.mark.parametrize(
    ("code", "missing", "ci", "expected"),
    [
        (0, [], "true", 0),
        (1, [], "", 1),
        (0, ["postfix: why"], "", 0),
        (0, ["postfix: why"], "true", 1),
    ],
)
def test_missing_peers_fail_only_the_ci(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: int,
    missing: list[str],
    ci: str,
    expected: int,
) -> None:
    monkeypatch.setenv("CI", ci)
    assert (
        check.sum_up([check.Part(name="unit tests", code=code, seconds=1.0)], missing) == expected
    )
    named = "Peers that were not there:\n  postfix: why\n" in capsys.readouterr().out
    assert named is bool(missing)


def test_a_missing_peer_is_noted_and_skips_here_but_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    monkeypatch.setenv(peer.NOTES, str(notes))
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not there"):
        registry.require("no-such-program")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is not there"):
        registry.require("no-such-program")
    assert notes.read_text() == "no-such-program: not installed\n" * 2
    assert registry.require("sh").endswith("/sh")
