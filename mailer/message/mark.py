"""The personal places of a mail: opaque marks that survive templates and are cut out afterwards.

A template sees a personal value only as a mark: it can be printed and nothing else. `compose` cuts
the finished mail at the marks, so that per person only the values between the pieces differ.
"""

from __future__ import annotations

import re
from enum import StrEnum

_OPEN = "zqmark-"
_CLOSE = "-kramqz"
PATTERN = re.compile(r"zqmark-([a-z_]+)-kramqz")
LEFTOVER = re.compile(r"zqmark|kramqz", re.IGNORECASE)


class Personal(StrEnum):
    """What can differ between two recipients of the same language and zone.

    Tokens are named as the `Purpose` they serve; `join` and `approve` are bound to a webinar or an
    announcement, `sign_in` to one mail.
    """

    ADDRESS = "address"
    MESSAGE_ID = "message_id"
    DATE = "date"  # in headers only: of a mail that is made for one person
    ANSWERED = "answered"  # in headers only: the Message-ID of the mail that is answered
    UNSUBSCRIBE = "unsubscribe"
    PREFERENCES = "preferences"
    CONFIRM = "confirm"
    REGISTER = "register"
    SKIP = "skip"
    JOIN = "join"
    APPROVE = "approve"
    SIGN_IN = "sign_in"


def mark(personal: Personal) -> str:
    """The text that stands for a personal value until the mail is cut."""
    return f"{_OPEN}{personal.value}{_CLOSE}"


def without_marks(text: str) -> str:
    """The text with everything removed that could be taken for a mark; for data from outside."""
    previous = None
    while previous != text:
        previous, text = text, LEFTOVER.sub("", text)
    return text
