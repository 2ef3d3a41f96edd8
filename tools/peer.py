"""The programs that tests talk to: where they are found, and a note of those that are not there.

dev.py names the file of notes in the environment, and prints it in its closing summary; with
CI=true a peer that is not there is a failure. PostgreSQL is no matter of this file until it is
missing: it comes with the locked packages.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools import debian

NOTES = "MAILER_MISSING_PEERS"  # environment variable: the file of notes
# Debian's package, and a program by which one sees that it is there.
FROM_DEBIAN = {
    "postfix": "postfix",
    "opendkim": "opendkim",
    "chromium": "chromium",
    "strace": "strace",
    "systemd": "systemd-analyze",
}
# What draws docs/pictures: the package, and a file by which one sees that it is there. Without the
# fonts other ones would be found, or none for Chinese.
FOR_PICTURES = {
    "chromium": "/usr/bin/chromium",
    "fonts-noto-core": "/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf",
    "fonts-wqy-microhei": "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
}
# A daemon's program is found even if the caller's PATH has no sbin.
SYSTEM_PATH = os.pathsep.join(("/usr/sbin", "/usr/bin", "/sbin", "/bin"))


def find(program: str) -> str | None:
    """The path of a program, if it is there."""
    return shutil.which(program) or shutil.which(program, path=SYSTEM_PATH)


def fetch(packages: list[str]) -> dict[str, str]:
    """Install packages that are not there; for each that cannot be had, the reason."""
    if not debian.can_install():
        return {package: f"to have it: {debian.COMMAND} {package}" for package in packages}
    with debian.nothing_started():
        faults = {package: debian.install([package]) for package in packages}
    return {package: fault.splitlines()[-1] for package, fault in faults.items() if fault}


def note(peer: str, reason: str) -> None:
    """Remember for the closing summary that a peer is not there; nothing if nobody asks."""
    file = os.environ.get(NOTES)
    if file:
        with Path(file).open("a", encoding="utf-8") as notes:
            notes.write(f"{peer}: {reason}\n")


def in_ci() -> bool:
    """Whether a missing peer is a failure."""
    return os.environ.get("CI", "").lower() in {"true", "1"}
