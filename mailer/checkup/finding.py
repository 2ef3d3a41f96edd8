"""What a probe found: one row, in order or not, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    NOTE = "note"  # worth knowing; works without, or cannot be told from here
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``topic`` is a stable word (spf, database…), ``subject`` what was looked at. ``expected`` and
    ``advice`` are empty where all is in order."""

    topic: str
    subject: str
    verdict: Verdict
    found: str
    expected: str = ""
    advice: str = ""


def ok(topic: str, subject: str, found: str) -> Finding:
    """In order."""
    return Finding(topic=topic, subject=subject, verdict=Verdict.OK, found=found)


def note(topic: str, subject: str, found: str, *, expected: str = "", advice: str = "") -> Finding:
    """Not wrong, but worth knowing."""
    return Finding(
        topic=topic,
        subject=subject,
        verdict=Verdict.NOTE,
        found=found,
        expected=expected,
        advice=advice,
    )


def fault(topic: str, subject: str, found: str, *, expected: str, advice: str) -> Finding:
    """Wrong, and what to do."""
    return Finding(
        topic=topic,
        subject=subject,
        verdict=Verdict.FAULT,
        found=found,
        expected=expected,
        advice=advice,
    )


def unanswered(topic: str, subject: str, cause: str) -> Finding:
    """The DNS said nothing: nobody knows, which is no fault of the zone's."""
    return note(
        topic,
        subject,
        f"the DNS did not answer{f' ({cause})' if cause else ''}",
        advice="try again; if it stays so, look at this machine's name servers",
    )


def softened(finding: Finding) -> Finding:
    """The same as a note, for where nothing depends on it yet."""
    if finding.verdict is not Verdict.FAULT:
        return finding
    return replace(finding, verdict=Verdict.NOTE)
