"""What organisers see at once of a mail that is passed on to them: the first lines of its text.

The whole mail is attached, which many a telephone cannot open. Only text, without what it quotes;
nothing of it becomes a link or a picture. Never raises.
"""

from __future__ import annotations

from mailer.message.authored import authored
from mailer.message.facts import Item

LINES = 60
CHARACTERS = 4_000
CUT = "…"


def excerpt(content: bytes) -> tuple[Item, ...]:
    """The lines to be shown, blank ones between paragraphs among them; the last one says whether
    there is more."""
    text = authored(content, answers=True)
    lines = text[:CHARACTERS].split("\n")
    shown = [line.rstrip() for line in lines[:LINES]]
    if len(text) > CHARACTERS or len(lines) > LINES:
        shown.append(CUT)
    kept = [line for place, line in enumerate(shown) if line or (place and shown[place - 1])]
    return tuple(Item(text=line) for line in kept) if any(kept) else ()
