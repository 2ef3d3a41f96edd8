"""Makes the lock files from pyproject.toml: every package with its hashes, and no address.

The solver is installed into a venv that is thrown away, and looks where pip would look.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import venv
from tools.errors import SetupError

OPTIONS = (
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-annotate",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
)


def renew(root: Path) -> int:
    """Write both lock files. The tests' one takes the versions of the other."""
    runtime, test = root / venv.RUNTIME.lock, root / venv.TEST.lock
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "venv")
        python = folder / "venv" / "bin" / "python"
        call([str(python), "-m", "pip", "install", "--quiet", "uv"], dict(os.environ))
        uv = [str(python), "-m", "uv", "pip", "compile", *OPTIONS, "pyproject.toml"]
        environment = with_index(python)
        call([*uv, "--upgrade", "-o", str(folder / "runtime")], environment)
        call(
            [
                *uv,
                "--upgrade",
                "--extra=test",
                "-c",
                str(folder / "runtime"),
                "-o",
                str(folder / "test"),
            ],
            environment,
        )
        runtime.write_text(without_addresses((folder / "runtime").read_text("utf-8")), "utf-8")
        test.write_text(without_addresses((folder / "test").read_text("utf-8")), "utf-8")
    venv.say(f"{runtime.name} and {test.name} are made anew")
    return 0


def with_index(python: Path) -> dict[str, str]:
    """The environment with pip's configured index, which the solver does not read by itself."""
    asked = subprocess.run(
        [str(python), "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    index = os.environ.get("PIP_INDEX_URL") or asked.stdout.strip()
    return {"UV_DEFAULT_INDEX": index, **os.environ} if index else dict(os.environ)


def without_addresses(text: str) -> str:
    """The lock without lines that name where a package came from."""
    return "".join(line for line in text.splitlines(keepends=True) if "://" not in line)


def call(command: list[str], environment: dict[str, str]) -> None:
    run = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    if run.returncode != 0:
        raise SetupError(f"this failed: {' '.join(command)}")
