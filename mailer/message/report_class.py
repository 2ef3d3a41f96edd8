"""Decides why a recipient was not reached: gone for good, full, blocked, or not just now.

By the enhanced status, else the reply code, else the text (RFC 3463, RFC 5321 §4.2). A code that
says no more than that something went wrong is settled by the text; so is a status that the
reporting server made up itself where the other server said something else.
"""

from __future__ import annotations

import re

from mailer.message.judgement import BounceClass
from mailer.message.report_phrases import Phrase, phrase_in
from mailer.message.report_status import ADDRESS

TEXT_CHARS = 4_000
SENTENCE_WORDS = 5

_ENHANCED = re.compile(r"(?<![\d.])([45])\.([0-7])\.(\d{1,3})(?!\d|\.\d)")
_REPLY = re.compile(r"(?<![\d.:/=-])([45][0-5]\d)(?![\d.:/=])")
_WORD = re.compile(r"[^\W\d_]{2,}")
_PROTOCOL_WORDS = frozenset({"smtp", "esmtp", "postfix", "unix"})  # of the field, not of a server
_SPACES = re.compile(r"\s+")
# Of an error of its own that a common gateway puts before any 5xx: says nothing about the address.
_EMPTY_WORDS = re.compile(r"unknown address error(?= \d)|bad destination mailbox address(?= \d{3})")
# Refused before the recipient was named: that is about us (RFC 5321 §3.3).
_BEFORE_RECIPIENT = re.compile(
    r"(?:after|in reply to(?: the)?|>>>) ?(?:mail from|ehlo|helo|lhlo|auth |initial connection"
    r"|end of connection)"
)
_ABOUT_RECIPIENT = re.compile(r"recipient|mailbox|address|user|account|rcpt|addressee|unavailable")

_GONE = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10"})
_BY_DETAIL = {
    "1.7": BounceClass.BLOCK,
    "1.8": BounceClass.BLOCK,
    "2.2": BounceClass.FULL,
    "2.3": BounceClass.SOFT,
    "3.1": BounceClass.SOFT,
    "3.2": BounceClass.SOFT,
    "3.4": BounceClass.SOFT,
    "4.5": BounceClass.SOFT,
    "4.6": BounceClass.SOFT,
    "4.7": BounceClass.SOFT,
    "4.14": BounceClass.SOFT,
    "5.3": BounceClass.SOFT,
}
_BY_PHRASE = {
    Phrase.SENDER: BounceClass.BLOCK,
    Phrase.UNSURE: BounceClass.UNKNOWN,
    Phrase.FULL: BounceClass.FULL,
    Phrase.NO_USER: BounceClass.HARD,
    Phrase.NO_DOMAIN: BounceClass.HARD,
    Phrase.MOVED: BounceClass.HARD,
    Phrase.BLOCKED: BounceClass.BLOCK,
    Phrase.LIMIT: BounceClass.SOFT,
    Phrase.DISABLED: BounceClass.SOFT,
    Phrase.LATER: BounceClass.SOFT,
    Phrase.PERHAPS_NO_USER: BounceClass.HARD,
    Phrase.PERHAPS_BLOCKED: BounceClass.BLOCK,
}
_GONE_PHRASES = frozenset({Phrase.NO_USER, Phrase.NO_DOMAIN, Phrase.MOVED})
# What these say holds unless the words say that nobody is there, or that the mailbox is full.
_UNLESS_SAID = (
    (re.compile(r"6\."), frozenset({Phrase.NO_USER, Phrase.FULL}), BounceClass.BLOCK),
    (re.compile(r"7\."), _GONE_PHRASES | {Phrase.FULL}, BounceClass.BLOCK),
    # Microsoft's, for what it tried for a day.
    (re.compile(r"4\.3\d\d$"), _GONE_PHRASES, BounceClass.SOFT),
)


def classify_failure(status: str, diagnostic: str, prose: str = "") -> tuple[BounceClass, str]:
    """The class of a failure and the status that tells it best.

    ``status`` is the report's field, ``diagnostic`` what the other server said, ``prose`` what the
    report tells people about this recipient, read only where the rest is not clear.
    """
    said = _normal(diagnostic)
    told = _told_status(said)
    best = told if told and _is_specific(told) else (status or told)
    cls = _by_codes(best, said, is_told=best == told)
    if cls is None and prose and not _is_sentence(said):
        more = _normal(prose)
        told = _told_status(more)
        if told and _is_specific(told) and not _is_specific(best):
            best = told
        cls = _by_codes(best, f"{said} {more}".strip(), is_told=True)
        if cls is None:
            said = f"{said} {more}"
    if cls is None:
        cls = _by_reply(said, best, is_bare=_is_bare(_normal(diagnostic)))
    return cls, best


def _is_sentence(said: str) -> bool:
    """Whether another server gave its reason in words: what the report adds is only advice."""
    return bool(_REPLY.search(said)) and len(_WORD.findall(said)) > SENTENCE_WORDS


def _is_bare(said: str) -> bool:
    """Whether a server gave its code and no word beside."""
    return bool(_REPLY.search(said)) and not set(_WORD.findall(said)) - _PROTOCOL_WORDS


def status_in(text: str) -> str:
    """The enhanced status that a text tells best; empty when there is none."""
    return _told_status(_normal(text))


def _normal(text: str) -> str:
    text = _SPACES.sub(" ", text[:TEXT_CHARS]).lower()
    return _EMPTY_WORDS.sub("", ADDRESS.sub("<>", text))


def _told_status(said: str) -> str:
    """The first enhanced code that is specific, else the first."""
    codes = [".".join(found.groups()) for found in _ENHANCED.finditer(said)]
    return next(filter(_is_specific, codes), codes[0] if codes else "")


def _is_specific(status: str) -> bool:
    kind, _, detail = status[2:].partition(".")
    return bool(status) and kind not in ("0", "") and detail not in ("0", "")


def _by_codes(status: str, said: str, *, is_told: bool) -> BounceClass | None:
    """By status and, where that leaves it open, by what is said; None when neither tells.

    ``is_told``: the status is the other server's own, not one that the reporting server made up.
    """
    phrase = phrase_in(said)
    if _BEFORE_RECIPIENT.search(said):
        passes = status.startswith("4") or phrase in {Phrase.LIMIT, Phrase.LATER}
        return BounceClass.SOFT if passes else BounceClass.BLOCK
    if status.startswith("4") and not _is_refused(said):
        return _by_temporary(status, said, phrase)
    cls = _by_detail(status[2:], phrase, is_told=is_told)
    if cls is not None or phrase is None:
        return cls
    cls = _BY_PHRASE[phrase]
    temporary = not status and _is_temporary(said)
    return BounceClass.SOFT if temporary and cls is BounceClass.HARD else cls


def _by_temporary(status: str, said: str, phrase: Phrase | None) -> BounceClass | None:
    """By a 4.x.y; None where it says nothing more and nobody else does."""
    if status[2:] == "2.2" or phrase is Phrase.FULL:
        return BounceClass.FULL
    return BounceClass.SOFT if said or _is_specific(status) else None


def _by_detail(detail: str, phrase: Phrase | None, *, is_told: bool) -> BounceClass | None:
    """By subject and detail of a 5.x.y; None where that does not say who or what is at fault."""
    by_phrase = _BY_PHRASE[phrase] if phrase else None
    if phrase is Phrase.FULL and (detail in _GONE or not is_told):
        return BounceClass.FULL
    if detail in _GONE:
        contradicted = not is_told and phrase in {Phrase.BLOCKED, Phrase.LIMIT, Phrase.SENDER}
        return by_phrase if contradicted else BounceClass.HARD
    if detail == "4.4" and phrase is None:  # no route to that domain
        return BounceClass.HARD
    for start, kinds, cls in _UNLESS_SAID:
        if start.match(detail):
            gone = phrase in kinds or (phrase is Phrase.PERHAPS_NO_USER and not is_told)
            return by_phrase if gone else cls
    return _BY_DETAIL.get(detail)


def _is_refused(said: str) -> bool:
    """Whether the other server refused for good, whatever the reporting one made of it."""
    told = _told_status(said)
    replies = _REPLY.findall(said)
    return told.startswith("5") if told else bool(replies) and replies[0].startswith("5")


def _is_temporary(said: str) -> bool:
    replies = _REPLY.findall(said)
    return bool(replies) and replies[0].startswith("4")


def _by_reply(said: str, status: str, *, is_bare: bool) -> BounceClass:
    """By the first reply code (RFC 5321 §4.2.3), for what neither status nor text made clear."""
    replies = _REPLY.findall(said)
    match replies[0] if replies else "":
        case "552":
            return BounceClass.FULL
        case "550" | "551" | "553" if (
            is_bare or status[2:] == "1.0" or _ABOUT_RECIPIENT.search(said)
        ):
            return BounceClass.HARD
        case code if code.startswith("4") or (status.startswith("4") and not code):
            return BounceClass.SOFT
        case _:
            return {"3": BounceClass.SOFT, "4": BounceClass.SOFT, "6": BounceClass.BLOCK}.get(
                status[2:3], BounceClass.UNKNOWN
            )
