"""Reads the notices that Amazon SES sends through SNS by mail: JSON where others send a report.

Decides only what the notice says of itself; takes one whose text *is* such a document, not one that
quotes it. Long lines may have been broken on the way with an exclamation mark.
"""

from __future__ import annotations

import json
import re

from mailer.message.judgement import Bounce, BounceClass, Judgement, Verdict
from mailer.message.report_class import classify_failure

RECIPIENTS = 100

_BROKEN_LINE = re.compile(r"!\n ?")
_GONE_SUBTYPES = frozenset({"noemail"})

_Json = dict[str, object]


def read_notice(prose: str) -> Judgement | None:
    """The judgement that such a notice carries; None if the text is none."""
    text = prose.lstrip()
    if not text.startswith("{") or "mail" not in text:
        return None
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(_BROKEN_LINE.sub("", text))
    except (ValueError, RecursionError):
        return None
    return _judged(_object(found))


def _judged(notice: _Json) -> Judgement | None:
    match notice.get("notificationType") or notice.get("eventType"):
        case "Bounce":
            return _bounce(_object(notice.get("bounce")))
        case "Complaint":
            return _complaint(_object(notice.get("complaint")))
        case "Delivery":
            return Judgement(verdict=Verdict.SUCCESS)
        case "DeliveryDelay":
            return _delay(_object(notice.get("deliveryDelay")))
        case _:
            return None


def _object(value: object) -> _Json:
    return {str(key): inner for key, inner in value.items()} if isinstance(value, dict) else {}


def _objects(value: object) -> list[_Json]:
    return [_object(one) for one in value[:RECIPIENTS]] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value[:2_000] if isinstance(value, str) else ""


def _bounce(bounce: _Json) -> Judgement:
    temporary = _text(bounce.get("bounceType")) == "Transient"
    gone = _text(bounce.get("bounceSubType")).lower() in _GONE_SUBTYPES
    bounces = []
    for one in _objects(bounce.get("bouncedRecipients")):
        said = _text(one.get("diagnosticCode"))
        cls, status = classify_failure(_text(one.get("status")), said)
        if cls in (BounceClass.HARD, BounceClass.UNKNOWN) and temporary:
            cls = BounceClass.SOFT
        elif cls is BounceClass.UNKNOWN and gone:
            cls = BounceClass.HARD
        bounces.append(Bounce(address=_text(one.get("emailAddress")), cls=cls, status=status))
    return Judgement(verdict=Verdict.BOUNCE, bounces=_addressed(bounces))


def _complaint(complaint: _Json) -> Judgement:
    told = _objects(complaint.get("complainedRecipients"))
    addresses = (_text(one.get("emailAddress")) for one in told)
    return Judgement(
        verdict=Verdict.COMPLAINT,
        feedback=_text(complaint.get("complaintFeedbackType")).lower() or "abuse",
        recipients=tuple(filter(None, addresses)),
    )


def _delay(delay: _Json) -> Judgement:
    told = _objects(delay.get("delayedRecipients"))
    bounces = [
        Bounce(
            address=_text(one.get("emailAddress")),
            cls=BounceClass.SOFT,
            status=_text(one.get("status")),
        )
        for one in told
    ]
    return Judgement(verdict=Verdict.DELAY, bounces=_addressed(bounces))


def _addressed(bounces: list[Bounce]) -> tuple[Bounce, ...]:
    return tuple(one for one in bounces if one.address)
