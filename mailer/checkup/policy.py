"""Whether a series' domain says what to do with mail that is not its own (DMARC, RFC 7489).

The large receivers want a record, if only p=none, from who sends to many (STANDARDS 1h).
"""

from __future__ import annotations

import re

from mailer.checkup.finding import Finding, fault, ok, unanswered
from mailer.checkup.lookup import Resolver, Status

_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*([^;]*)")
_POLICIES = ("none", "quarantine", "reject")


async def dmarc(resolver: Resolver, domain: str, *, signed_as: str = "") -> Finding:
    """Whether the domain says what to do with mail that is not its own. ``signed_as`` is the d= of
    our own signature, empty without one."""
    for place in _upwards(domain):
        answer = await resolver.look_up(f"_dmarc.{place}", "TXT")
        if answer.status is Status.FAILED:
            return unanswered("dmarc", f"_dmarc.{place}", answer.cause)
        found = [tags(text) for text in answer.values if text.lower().startswith("v=dmarc1")]
        if found:
            return _policy(domain, place, found, signed_as)
    return fault(
        "dmarc",
        domain,
        "no DMARC record",
        expected=f'TXT at _dmarc.{domain}, at least "v=DMARC1; p=none"',
        advice=f'publish: _dmarc.{domain}. TXT "v=DMARC1; p=none"',
    )


def _policy(domain: str, place: str, found: list[dict[str, str]], signed_as: str) -> Finding:
    subject = f"_dmarc.{place}"
    if len(found) > 1:
        return fault(
            "dmarc",
            subject,
            f"{len(found)} DMARC records: receivers read none of them",
            expected="one record",
            advice="remove all but one",
        )
    record = found[0]
    policy = record.get("p", "").lower()
    if policy not in _POLICIES:
        return fault(
            "dmarc",
            subject,
            f"p={policy}" if policy else "no p= in the record",
            expected=f"p= with one of {', '.join(_POLICIES)}",
            advice=f'publish: {subject}. TXT "v=DMARC1; p=none"',
        )
    if record.get("adkim", "").lower() == "s" and signed_as and signed_as != domain.lower():
        return fault(
            "dmarc",
            subject,
            f"adkim=s, while mail is signed as {signed_as} and sent as {domain}",
            expected=f"a signature of {domain} itself, or adkim=r",
            advice=f'write domain = "{domain}" under [dkim], or take adkim=s out of the record',
        )
    effective = record.get("sp", policy).lower() if place != domain else policy
    return ok("dmarc", subject, f"p={effective}")


def _upwards(domain: str) -> list[str]:
    """The domain and those it is in, without the top one."""
    labels = domain.lower().rstrip(".").split(".")
    return [".".join(labels[start:]) for start in range(max(len(labels) - 1, 1))]


def tags(text: str) -> dict[str, str]:
    """``a=b; c=d`` as DKIM and DMARC records have it; the first of a name counts."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        match = _TAG.fullmatch(part)
        if match:
            found.setdefault(match[1].lower(), match[2].strip())
    return found
