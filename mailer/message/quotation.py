"""Separates what the writer of a mail wrote from what their program quoted below or above it.

Works on lines alone, in one pass and without nested patterns, so that any text is done in linear
time. Where it is in doubt it takes text for a quote: a command word in the footer of one of our own
mails must never count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mailer.message.phrase import key
from mailer.message.vocabulary import attributions

_ATTRIBUTION_CHARS = 300
_ATTRIBUTION_LINES = 3  # "On Wed, 28 Oct 2026, A Person\n<a@example.org>\nwrote:"
_RULED = re.compile(r"[-_=]{2,} *[^-_= ].*[-_=]{2,}|[_]{10,}|[-]{20,}")
# The copied header of what is answered, as Outlook and others write it: From, then Date or To.
_FROM = re.compile(
    r"\W{0,3}(?:from|de|от|от кого|من|发件人|寄件者|寄件人|von)\W{0,3} ?[:：]", re.IGNORECASE
)
_SENT = re.compile(
    r"\W{0,3}(?:sent|date|to|subject|cc|envoyé|à|objet|enviado|enviado el|fecha|para|asunto"
    r"|отправлено|дата|кому|тема|تاريخ الإرسال|التاريخ|إلى|الموضوع|发送时间|日期|收件人|主题"
    r"|寄件日期|收件者|主旨|gesendet|an|betreff)\W{0,3} ?[:：]",
    re.IGNORECASE,
)


def unquoted(lines: Sequence[str]) -> tuple[str, ...]:
    """The writer's own lines, stripped, without empty ones, quotes and signature."""
    return tuple(line for line in map(str.strip, own_lines(lines)) if line)


def own_lines(lines: Sequence[str]) -> Iterator[str]:
    """The writer's own lines as they are, empty ones among them, without quotes and signature."""
    position = 0
    while position < len(lines):
        line = lines[position].rstrip()
        if line == "--" or _begins_copy(lines, position):
            return
        attribution = _attribution(lines, position)
        if attribution:
            position += attribution
            if not _quote_follows(lines, position):
                return
        elif line.lstrip().startswith(">"):
            position += 1
        else:
            yield line
            position += 1


def _begins_copy(lines: Sequence[str], position: int) -> bool:
    """Whether a forwarded or answered mail is copied in from here on."""
    line = lines[position][:_ATTRIBUTION_CHARS].strip()
    if _RULED.fullmatch(line):
        return True
    return bool(_FROM.match(line)) and any(
        _SENT.match(other[:_ATTRIBUTION_CHARS].strip()) for other in _next_filled(lines, position)
    )


def _next_filled(lines: Sequence[str], position: int) -> list[str]:
    """The next two lines that say something, as far as they are near."""
    return [line for line in lines[position + 1 : position + 5] if line.strip()][:2]


def _attribution(lines: Sequence[str], position: int) -> int:
    """How many lines from here on say "… wrote:", 0 if they do not."""
    said: list[str] = []
    for whole_line in lines[position : position + _ATTRIBUTION_LINES]:
        line = whole_line[:_ATTRIBUTION_CHARS].strip()
        if not line or line.startswith(">"):
            return 0
        said.append(line)
        if line.endswith((":", "：")):
            # Without its first line it would be whole already: then that line is the writer's.
            whole = _attributes(said) and not (_dated(said[1:]) and _attributes(said[1:]))
            return len(said) if whole else 0
    return 0


def _attributes(said: list[str]) -> bool:
    text = " ".join(said)
    if text.endswith((">:", ">：")):
        return _dated(said)  # Gmail's in Russian and Arabic: date, name and <address>, but no verb
    words = key(text)
    verb = any(words.endswith(word) or f" {word} " in f" {words} " for word in attributions())
    return verb and (_dated(said) or len(said) == 1)


def _dated(said: list[str]) -> bool:
    return any(letter.isdigit() for line in said for letter in line)


def _quote_follows(lines: Sequence[str], position: int) -> bool:
    """Whether the next line that says something is marked as quoted; then an answer may follow."""
    for line in lines[position:]:
        if line.strip():
            return line.lstrip().startswith(">")
    return False
