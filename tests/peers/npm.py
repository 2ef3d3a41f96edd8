"""Packages of npm that read what we write. Each is fetched once in a run, into the run's folder;
needs Node.js and npm.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.peers import registry

FETCH_SECONDS = 90
READ_SECONDS = 30


def ask(folder: Path, package: str, script: str, question: object) -> object:
    """What a script, which may import the package, answers to a question: JSON in, JSON out."""
    node, npm = registry.require("node"), registry.require("npm")
    place = folder / package.replace("@", "-").replace("/", "-")
    file = place / "read.mjs"
    if not file.exists():
        place.mkdir(exist_ok=True)
        _fetch(npm, place, package)
        file.write_text(script, encoding="utf-8")
    done = subprocess.run(
        [node, str(file)],
        input=json.dumps(question).encode(),
        capture_output=True,
        timeout=READ_SECONDS,
        check=True,
    )
    answer: object = json.loads(done.stdout)
    return answer


def _fetch(npm: str, place: Path, package: str) -> None:
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]
    try:
        subprocess.run(
            [*command, str(place), package], capture_output=True, timeout=FETCH_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        registry.missing(package, f"npm could not fetch it: {type(error).__name__}")
