"""How long the faults run: the short form is part of every check, the long one is a run of its own.

`python3 dev.py faults` sets the environment variable; a test takes its numbers from `either`.
"""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

AT_LENGTH = "MAILER_FAULTS_AT_LENGTH"  # environment variable, set by the command for the long form


def at_length() -> bool:
    """Whether this is the long form."""
    return bool(os.environ.get(AT_LENGTH))


def either(short: T, long: T) -> T:
    """The value for this run."""
    return long if at_length() else short


LONGEST_SECONDS = either(300, 7200)  # for one test
