"""Recognises complaints: feedback reports (RFC 5965, RFC 6591) and what is sent in their place.

Gives the type of feedback and hints at whom it comes from. Trusts none of it: reports are redacted
or forged, so whoever acts on a complaint looks for a token of ours among `our_tokens`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mailer.message.judgement import Judgement, Verdict
from mailer.message.parse import field_names, header, headers
from mailer.message.report_parts import ReportParts, fields_of, take_apart
from mailer.message.report_status import ADDRESS

DEFAULT_FEEDBACK = "abuse"
TOKENS = 20
# Every complaint has one of these near its beginning; the weak ones, reports of delivery have too.
_HINT = re.compile(rb"(?i)feedback-|x-hmxmr")
_WEAK_HINT = re.compile(rb"(?i)message/|abuse report|spam report")
_DELIVERY = re.compile(rb"(?i)message/(?:global-)?delivery-status")
_HINT_OCTETS = 65_536

_TYPE = re.compile(r"(?im)^[ \t]{0,4}feedback-type[ \t]*:[ \t]*\"?([a-z][a-z-]{1,40})")
_REPORT_FIELD = re.compile(
    r"(?im)^(?:user-agent|version|source-ip|reported-domain|original-mail-from|original-rcpt-to"
    r"|arrival-date|received-date|abuse-type|incidents|auth-failure|removal-recipient)[ \t]*:"
)
_SUBJECT = re.compile(
    r"^(?:\[[^\]]{0,40}\]\s*)?(?:complaint about message from|e-?mail feedback report for ip"
    r"|(?:e-?mail )?abuse report\b|spam report\b|junk(?: e-?mail)? report"
    r"|(?:an? )?feedback (?:loop )?report"
    r"|fw: .{0,20}spam complaint|this is an email abuse report)",
    re.IGNORECASE,
)
_REPORTERS = re.compile(
    r"(?:staff@(?:hotmail|outlook|live)\.com|feedback@arf\.mail\.yahoo\.com|scomp@aol\.(?:com"
    r"|net)"
    r"|(?:complaints?|fbl|feedback-?loop|feedbackloop|abuse-?report|arf|feedback)@.{1,200}"
    r"|.{1,60}@(?:fbl|feedback|arf|email-abuse)\..{1,200})$",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"this is an? (?:[\w.]{1,40} )?(?:e-?mail )?abuse report for|abuse report for an e-?mail"
    r"|did not meet the sending domain's authentication policy|reported (?:it )?as (?:spam|junk)",
    re.IGNORECASE,
)
_RECIPIENT_FIELDS = ("original-rcpt-to", "removal-recipient", "x-hmxmroriginalrecipient")
_EMBEDDED_FIELDS = ("x-hmxmroriginalrecipient", "x-original-to", "delivered-to", "to")
_TOKEN_FIELDS = [
    "return-path",
    "list-unsubscribe",
    "x-envelope-sender",
    "x-original-mail-from",
    "errors-to",
    "from",
    "reply-to",
    "list-owner",
    "list-help",
    "x-mailfrom",
]


def read_complaint(parts: ReportParts) -> Judgement | None:
    """The complaint that this mail is; None if it is none."""
    feedback = _feedback_type(parts)
    if feedback is None:
        return None
    return Judgement(
        verdict=Verdict.COMPLAINT,
        feedback=feedback,
        recipients=_complainants(parts),
        tokens=our_tokens(parts),
    )


def complaint_in(content: bytes) -> Judgement | None:
    """The complaint that this mail is; quick to say that it is none."""
    if not _HINT.search(content, 0, _HINT_OCTETS):
        weak = _WEAK_HINT.search(content, 0, _HINT_OCTETS)
        if not weak or _DELIVERY.search(content, 0, _HINT_OCTETS):
            return None
    return read_complaint(take_apart(content))


def our_tokens(parts: ReportParts) -> tuple[str, ...]:
    """Local parts with a separator in the returned message's and the report's fields that name
    its sender: one of them is our token address, if the mail complained of was ours."""
    found: list[str] = []
    for value in _values(fields_of(parts.returned), _TOKEN_FIELDS):
        found += _locals(value)
    for text in (*_reports(parts), *headers(parts.message, "to"), *headers(parts.message, "cc")):
        found += _locals(text)
    return tuple(dict.fromkeys(found))[:TOKENS]


def _locals(value: str) -> list[str]:
    value = value.replace("%2B", "+").replace("%2b", "+").replace("mailto:", " ")
    addresses = (match.group() for match in ADDRESS.finditer(value))
    locals_ = (address.rpartition("@")[0].lower() for address in addresses)
    return [local for local in locals_ if "+" in local or "-" in local]


def _reports(parts: ReportParts) -> tuple[str, ...]:
    return parts.of_kind("message/feedback-report", "text/feedback-report")


def _feedback_type(parts: ReportParts) -> str | None:
    reports = _reports(parts)
    declared = parts.report_type == "feedback-report"
    for text in reports or ((parts.prose,) if declared or _is_loose_report(parts.prose) else ()):
        found = _TYPE.search(text)
        if found:
            return found.group(1).lower()
    if reports or declared or _is_unmarked(parts):
        return DEFAULT_FEEDBACK
    return None


def _is_loose_report(prose: str) -> bool:
    """Whether the fields of a report stand in the text, for want of the right part."""
    return bool(_TYPE.search(prose)) and len(_REPORT_FIELD.findall(prose)) >= 2


def _is_unmarked(parts: ReportParts) -> bool:
    """Complaints in a form of their own: the mail attached, and a known reporter or wording."""
    names = field_names(parts.message)
    if names & {"x-hmxmroriginalrecipient", "x-feedback-type"}:
        return True
    if "message/delivery-status" in {part.kind for part in parts.parts} or not parts.returned:
        return False
    subject = header(parts.message, "subject")
    told = bool(_SUBJECT.match(subject)) or bool(_PROSE.search(parts.prose[:4_000]))
    authors = [m.group() for m in ADDRESS.finditer(header(parts.message, "from"))]
    reporter = any(_REPORTERS.match(author) for author in authors)
    redacted = "x-hmxmroriginalrecipient" in dict(fields_of(parts.returned))
    return redacted or (told and (reporter or "message/rfc822" in {p.kind for p in parts.parts}))


def _complainants(parts: ReportParts) -> tuple[str, ...]:
    """Whom the report names, else whom the returned message was for."""
    told: list[str] = []
    for text in (*_reports(parts), parts.prose):
        told += _values(fields_of(text), _RECIPIENT_FIELDS)
    told += headers(parts.message, "x-hmxmroriginalrecipient")
    found = _addresses(told)
    for name in _EMBEDDED_FIELDS if not found else ():
        found = found or _addresses(_values(fields_of(parts.returned), (name,)))
    return tuple(dict.fromkeys(found))[:100]


def _values(fields: Iterable[tuple[str, str]], names: Iterable[str]) -> list[str]:
    fields = tuple(fields)
    return [value for wanted in names for name, value in fields if name == wanted]


def _addresses(values: Iterable[str]) -> list[str]:
    return [match.group() for value in values for match in ADDRESS.finditer(value)]
