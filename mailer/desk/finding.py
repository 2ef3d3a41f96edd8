"""Findings of the examination: kept for whoever looks next, and as pages show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from mailer.checkup.finding import Finding, Verdict
from mailer.message.shown import Shown
from mailer.store.examination import Seen

_WORST_FIRST = (Verdict.FAULT, Verdict.NOTE, Verdict.OK)


def seen(found: Iterable[Finding]) -> tuple[Seen, ...]:
    """Findings as they are kept, the worst first."""
    ordered = sorted(found, key=lambda one: _WORST_FIRST.index(one.verdict))
    return tuple(
        Seen(
            topic=one.topic,
            subject=one.subject,
            verdict=one.verdict,
            found=one.found,
            expected=one.expected,
            advice=one.advice,
        )
        for one in ordered
    )


def shown_findings(rows: Sequence[Seen]) -> tuple[Shown, ...]:
    """Each as a template reads it: `topic subject verdict found expected advice`."""
    return tuple(Shown(**asdict(one)) for one in rows)
