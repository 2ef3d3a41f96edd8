"""What mail servers say when they do not deliver, in the words of many systems and languages.

A table: groups of phrases in the order in which they are tried, because a refusal often speaks of
more than one thing ("user unknown, see our spam policy"). Phrases are in lower case with single
spaces; addresses are already taken out. No pattern has an unbounded gap, so matching is linear.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache

from mailer.message import report_phrases_gone as gone
from mailer.message import report_phrases_held as held


class Phrase(StrEnum):
    """What a text blames."""

    SENDER = "sender"  # our own address or host
    UNSURE = "unsure"  # says itself that it may be this or that
    FULL = "full"
    NO_USER = "no user"
    NO_DOMAIN = "no domain"
    MOVED = "moved"
    BLOCKED = "blocked"
    LIMIT = "limit"  # size, loops, rate
    DISABLED = "disabled"  # the mailbox is there, but rests
    LATER = "later"
    PERHAPS_NO_USER = "perhaps no user"
    PERHAPS_BLOCKED = "perhaps blocked"


_TABLE: tuple[tuple[Phrase, tuple[str, ...]], ...] = (
    (Phrase.SENDER, held.SENDER),
    (Phrase.UNSURE, held.UNSURE),
    (Phrase.FULL, held.FULL),
    (Phrase.NO_USER, gone.NO_USER),
    (Phrase.NO_DOMAIN, gone.NO_DOMAIN),
    (Phrase.MOVED, gone.MOVED),
    (Phrase.DISABLED, held.DISABLED),
    (Phrase.LIMIT, held.LIMIT),
    (Phrase.BLOCKED, held.BLOCKED),
    (Phrase.LATER, held.LATER),
    (Phrase.PERHAPS_NO_USER, gone.PERHAPS_NO_USER),
    (Phrase.PERHAPS_BLOCKED, held.PERHAPS_BLOCKED),
)


def phrase_in(said: str) -> Phrase | None:
    """What a text blames, by the first group that has a phrase in it; None if none has."""
    for phrase, patterns in _TABLE:
        if _any_of(patterns).search(said):
            return phrase
    return None


@cache  # when first asked for: most commands ask for none, and all of them take a while
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
