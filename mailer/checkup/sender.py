"""Whether a series' domain lets the way that our mail takes send for it (RFC 7208).

Which address mail leaves from is told by the caller; nothing here looks at more than the DNS.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer.checkup import spf
from mailer.checkup.finding import Finding, fault, note, ok, unanswered
from mailer.checkup.lookup import Resolver, Status
from mailer.checkup.spf import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """The addresses that mail leaves from. ``certain`` is False for another machine's, which may
    send by other addresses than it listens on."""

    addresses: tuple[str, ...] = ()
    certain: bool = True


async def sender_policy(resolver: Resolver, domain: str, leaving: Leaving) -> tuple[Finding, ...]:
    """Whether the domain lets our mail's way out send for it."""
    answer = await resolver.look_up(domain, "TXT")
    if answer.status is Status.FAILED:
        return (unanswered("spf", domain, answer.cause),)
    found = spf.records(answer)
    if not found:
        return (
            fault(
                "spf",
                domain,
                "no SPF record",
                expected="one TXT record that begins with v=spf1",
                advice=f'publish: {domain}. TXT "{_suggested(leaving)}"',
            ),
        )
    whole = await spf.evaluate(resolver, domain, None)
    bad = _unsound(domain, found[0], whole)
    if bad is not None:
        return (bad,)
    if not leaving.addresses:
        return (
            note(
                "spf",
                domain,
                f"{found[0]} ({whole.lookups} lookups); from here it cannot be told which address "
                "mail leaves from",
                expected="a record that lets that address send",
                advice="look at a delivered mail: its Authentication-Results say spf=pass or not",
            ),
        )
    return tuple([await _allowed(resolver, domain, one, leaving) for one in leaving.addresses])


def _unsound(domain: str, record: str, whole: spf.Evaluation) -> Finding | None:
    if whole.result is Result.PERMERROR:
        return fault(
            "spf",
            domain,
            f"{whole.cause}: receivers take the record for void",
            expected="one sound record with at most 10 lookups (RFC 7208)",
            advice="put ip4: and ip6: in place of include:, a and mx, or mend what is named here",
        )
    if whole.result is Result.TEMPERROR:
        return note("spf", domain, f"{record}; not examined to its end, {whole.cause}")
    if whole.result is Result.PASS:
        return fault(
            "spf",
            domain,
            f"{record}, which lets the whole world send in your name",
            expected="-all or ~all at its end",
            advice="write -all at the end of the record, after those that may send",
        )
    return None


async def _allowed(resolver: Resolver, domain: str, address: str, leaving: Leaving) -> Finding:
    found = await spf.evaluate(resolver, domain, address)
    if found.result is Result.PASS:
        return ok("spf", domain, f"lets {address} send ({found.lookups} lookups)")
    said = f"does not let {address} send ({found.result})"
    expected = "pass for the address that mail leaves from"
    advice = f"add {_term(address)} to the record, or the include: that your provider names"
    if found.unclear or found.result is Result.TEMPERROR or not leaving.certain:
        doubt = (
            "it has terms that cannot be examined here"
            if found.unclear
            else (found.cause or "your mail server may send by another address than it listens on")
        )
        return note("spf", domain, f"{said}; {doubt}", expected=expected, advice=advice)
    return fault("spf", domain, said, expected=expected, advice=advice)


def _suggested(leaving: Leaving) -> str:
    terms = [_term(one) for one in leaving.addresses] or ["mx"]
    return " ".join(["v=spf1", *terms, "-all"])


def _term(address: str) -> str:
    return f"ip6:{address}" if ":" in address else f"ip4:{address}"
