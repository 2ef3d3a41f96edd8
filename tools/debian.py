"""Programs that come from Debian's packages: asked for by apt-get, as root only.

A package may bring a service. While `nothing_started` lasts a policy file keeps it from being
started, and Postfix is answered 'No configuration' when it asks what it is to be.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = "apt-get install -y --no-install-recommends"
POLICY = Path("/usr/sbin/policy-rc.d")
SHOWN_LINES = 5  # of apt-get's output when it fails


def can_install() -> bool:
    """Whether this is root on a system with apt-get."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> str:
    """Install packages; the cause if that failed, else an empty text.

    Package lists may be missing on a fresh machine, so they are fetched when the first try fails.
    """
    install = ["install", "-y", "--no-install-recommends", *packages]
    return apt(install) and (apt(["update"]) or apt(install))


def apt(arguments: list[str]) -> str:
    """Run apt-get without questions; the end of what it said if it failed, else an empty text."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    run = subprocess.run(
        ["apt-get", "-q", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if run.returncode == 0:
        return ""
    end = "\n".join(run.stdout.splitlines()[-SHOWN_LINES:])
    return f"apt-get {arguments[0]} ended with {run.returncode}\n{end}"


def answer_postfix() -> None:
    """Choose 'No configuration', if there is a debconf to tell it to."""
    if shutil.which("debconf-set-selections"):
        subprocess.run(
            ["debconf-set-selections"],
            input="postfix postfix/main_mailer_type select No configuration\n",
            text=True,
            capture_output=True,
            check=False,
        )


@contextmanager
def nothing_started() -> Iterator[None]:
    """While this lasts packages may not start their services; a policy that is there stays."""
    answer_postfix()
    ours = not POLICY.exists() and os.access(POLICY.parent, os.W_OK)
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)
