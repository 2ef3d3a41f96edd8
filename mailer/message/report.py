"""Judges a machine's mail: bounce, delay, success, complaint or automatic reply.

First the standard forms (RFC 3464 and 6533 reports, RFC 5965 complaints, RFC 8098 receipts), then
the wording of systems that send none, last flufl.bounce. A person's mail is none of these, even one
that quotes a report. Never raises, takes linear time, and changes nothing: what counts against a
subscriber is decided by whoever finds our token.
"""

from __future__ import annotations

import logging

from flufl.bounce import all_failures

from mailer.message.arf import read_complaint
from mailer.message.judgement import Bounce, BounceClass, Judgement, Verdict
from mailer.message.parse import header, parse
from mailer.message.report_class import classify_failure, status_in
from mailer.message.report_notice import read_notice
from mailer.message.report_parts import ReportParts, take_apart
from mailer.message.report_signs import (
    is_absence,
    is_answer,
    is_delay,
    is_failure,
    is_personal,
    is_receipt,
    is_rejection,
    is_success,
)
from mailer.message.report_status import (
    ADDRESS,
    SUCCESSFUL,
    Action,
    RecipientStatus,
    final_recipients,
    read_status,
)
from mailer.message.report_text import (
    NamedRecipient,
    named_recipients,
    recipient_fields,
    returned_recipients,
)

__all__ = ["Bounce", "BounceClass", "Judgement", "Verdict", "judge"]

# It logs a traceback, addresses included, for each mail that one of its detectors trips over.
logging.getLogger("flufl.bounce").disabled = True

LAST_RESORT_BYTES = 24_576  # flufl.bounce makes no promise about time
_STATUS_KINDS = (
    "message/delivery-status",
    "message/global-delivery-status",
    "text/delivery-status",
    "application/delivery-status",
)


def judge(content: bytes) -> Judgement | None:
    """What a machine reports with this mail; None if it is no report, complaint or auto-reply."""
    parts = take_apart(content)
    told = read_complaint(parts) or read_notice(parts.prose)
    if told:
        return told
    if is_personal(parts):
        return None
    return _by_status(parts) or _receipt(parts) or _by_text(parts, content) or _answer(parts)


def _answer(parts: ReportParts) -> Judgement | None:
    automatic = is_absence(parts) or is_answer(parts)
    return Judgement(verdict=Verdict.AUTO_REPLY) if automatic else None


def _by_status(parts: ReportParts) -> Judgement | None:
    """By the machine-readable part; its fields in the plain text count for a report only."""
    text = "\n\n".join(parts.of_kind(*_STATUS_KINDS))
    recipients = read_status(text)
    if not recipients and (text or is_failure(parts) or is_delay(parts)):
        recipients = read_status("\n\n".join(part.text for part in parts.parts))
    if not recipients:
        return None
    failed = any(one.action is Action.FAILED for one in recipients)
    delayed = any(one.action is Action.DELAYED for one in recipients)
    if not failed and not delayed:
        if any(one.action in SUCCESSFUL for one in recipients):
            return Judgement(verdict=Verdict.SUCCESS)
        delayed = is_delay(parts)
        failed = not delayed
    prose = parts.prose
    bounces = [
        _bounce(one, parts, prose if len(recipients) == 1 else _prose_about(one.address, prose))
        for one in recipients
        if one.action not in SUCCESSFUL
    ]
    return Judgement(
        verdict=Verdict.BOUNCE if failed else Verdict.DELAY,
        bounces=_soft(bounces) if not failed else _once(bounces),
    )


def _bounce(one: RecipientStatus, parts: ReportParts, prose: str) -> Bounce:
    address = _as_sent(one, parts) if "@" in one.address else _completed(one.address, parts)
    if one.action is Action.DELAYED:
        return Bounce(address=address, cls=BounceClass.SOFT, status=one.status)
    cls, status = classify_failure(one.status, one.diagnostic, prose)
    return Bounce(address=address, cls=cls, status=status, diagnostic=one.diagnostic)


def _as_sent(one: RecipientStatus, parts: ReportParts) -> str:
    """The address we know: the original one, unless the returned message went to the final one."""
    if not one.original or one.original.lower() == one.address.lower():
        return one.address
    returned = recipient_fields(parts.returned)
    final = one.address.lower() in returned and one.original.lower() not in returned
    return one.address if final else one.original


def _completed(name: str, parts: ReportParts) -> str:
    """The address that a recipient without domain must be: of the same name, or the only one."""
    returned = returned_recipients(parts.returned)
    named = tuple(one.address for one in named_recipients(parts)) if not returned else ()
    candidates = returned or named
    same = [a for a in candidates if a.rpartition("@")[0].lower() == name.lower()]
    return (same or (list(candidates) if len(candidates) == 1 else []) or [name])[0]


def _prose_about(address: str, prose: str) -> str:
    """The lines of the text from the first that names this recipient on."""
    at = prose.lower().find(address.lower()) if address else -1
    if at < 0:
        return ""
    rest = prose[at + len(address) : at + 1_500]
    following = ADDRESS.search(rest)
    return rest[: following.start()] if following else rest


def _receipt(parts: ReportParts) -> Judgement | None:
    if not is_receipt(parts):
        return None
    if not is_rejection(parts):
        return Judgement(verdict=Verdict.SUCCESS)
    text = "\n\n".join(part.text for part in parts.parts if part.kind.endswith("notification"))
    cls, status = classify_failure("", "", parts.prose)
    found = [Bounce(address=one, cls=cls, status=status) for one in final_recipients(text)]
    return Judgement(verdict=Verdict.BOUNCE, bounces=_once(found))


def _by_text(parts: ReportParts, content: bytes) -> Judgement | None:
    if is_success(parts):
        return Judgement(verdict=Verdict.SUCCESS)
    delay = is_delay(parts)
    if not delay and not is_failure(parts):
        return None
    bounces = [_named_bounce(one, parts) for one in named_recipients(parts)]
    bounces = bounces or _last_resort(parts, content)
    if delay:
        return Judgement(verdict=Verdict.DELAY, bounces=_soft(bounces))
    return Judgement(verdict=Verdict.BOUNCE, bounces=_once(bounces))


def _named_bounce(one: NamedRecipient, parts: ReportParts) -> Bounce:
    prose = f"{one.section}\n{parts.prose}\n{header(parts.message, 'subject')}"
    cls, status = classify_failure(status_in(one.paragraph), one.paragraph, prose)
    return Bounce(address=one.address, cls=cls, status=status, diagnostic=one.paragraph)


def _last_resort(parts: ReportParts, content: bytes) -> list[Bounce]:
    """What flufl.bounce finds; it may raise on mail that is broken enough."""
    try:
        temporary, permanent = all_failures(parse(content[:LAST_RESORT_BYTES]))
        found = sorted((*permanent, *temporary))
        addresses = [address.decode("utf-8", "replace") for address in found]
    except Exception:
        return []
    cls, status = classify_failure("", "", parts.prose)
    return [Bounce(address=address, cls=cls, status=status) for address in addresses]


def _once(bounces: list[Bounce]) -> tuple[Bounce, ...]:
    """One entry for each address, the first."""
    seen: dict[str, Bounce] = {}
    for bounce in bounces:
        if bounce.address:
            seen.setdefault(bounce.address.lower(), bounce)
    return tuple(seen.values())


def _soft(bounces: list[Bounce]) -> tuple[Bounce, ...]:
    return _once(
        [Bounce(address=one.address, cls=BounceClass.SOFT, status=one.status) for one in bounces]
    )
