"""May this address send for this domain? Sender Policy Framework, RFC 7208, as a receiver reads it.

Counts lookups as receivers do (§4.6.4), so that a record that works by luck is found too. Macros
(§7) are not expanded: a term with one leaves the result open, which is said. Asks only for TXT, A,
AAAA and MX.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from mailer.checkup.lookup import Answer, Resolver, Status, addresses_of

MOST_LOOKUPS = 10  # §4.6.4
MOST_VOID = 2
_RECORD = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
_TERM = re.compile(
    r"(?P<sign>[-+~?]?)(?P<name>all|include|a|mx|ptr|ip4|ip6|exists)"
    r"(?::(?P<value>[^/\s]+))?(?P<length>(?:/\d{1,3})?(?://\d{1,3})?)",
    re.IGNORECASE,
)
_MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9._-]*)=(?P<value>\S*)", re.IGNORECASE)

Address = IPv4Address | IPv6Address


class Result(StrEnum):
    """§2.6."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105 - a result's name
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """``cause`` says why for an error; ``unclear`` that a macro stood where it might matter."""

    result: Result
    cause: str = ""
    lookups: int = 0
    unclear: bool = False


_SIGNS = {"": Result.PASS, "+": Result.PASS} | {
    "-": Result.FAIL,
    "~": Result.SOFTFAIL,
    "?": Result.NEUTRAL,
}


class _Stop(Exception):
    def __init__(self, result: Result, cause: str) -> None:
        super().__init__(cause)
        self.result = result
        self.cause = cause


async def evaluate(resolver: Resolver, domain: str, address: str | None) -> Evaluation:
    """What a receiver makes of mail from ``domain`` by ``address``; None is an address that no term
    but `all` matches, which reads the record to its end."""
    walk = _Walk(resolver, ip_address(address) if address else None)
    try:
        result = await walk.domain(domain)
        cause = ""
    except _Stop as stop:
        result, cause = stop.result, stop.cause
    return Evaluation(result=result, cause=cause, lookups=walk.lookups, unclear=walk.unclear)


def records(answer: Answer) -> tuple[str, ...]:
    """The SPF records among TXT records."""
    return tuple(text for text in answer.values if _RECORD.match(text))


class _Walk:
    """One evaluation with its counters."""

    def __init__(self, resolver: Resolver, address: Address | None) -> None:
        self._resolver = resolver
        self._address = address
        self.lookups = 0
        self.void = 0
        self.unclear = False

    async def domain(self, domain: str) -> Result:
        """check_host(), §4."""
        answer = await self._resolver.look_up(domain, "TXT")
        if answer.status is Status.FAILED:
            raise _Stop(Result.TEMPERROR, f"no answer about {domain}")
        found = records(answer)
        if not found:
            return Result.NONE
        if len(found) > 1:
            raise _Stop(Result.PERMERROR, f"{domain} has {len(found)} SPF records")
        redirect = ""
        for term in found[0].split()[1:]:
            modifier = _MODIFIER.fullmatch(term)
            if modifier:
                if modifier["name"].lower() == "redirect":
                    redirect = modifier["value"]
                continue
            mechanism = _TERM.fullmatch(term)
            if mechanism is None:
                raise _Stop(Result.PERMERROR, f"{term!r} in the record of {domain} is no SPF term")
            if await self._matches(mechanism, domain):
                return _SIGNS[mechanism["sign"]]
        return await self._redirected(redirect) if redirect else Result.NEUTRAL

    async def _redirected(self, target: str) -> Result:
        if self._has_macro(target):
            return Result.NEUTRAL
        self._count()
        result = await self.domain(target)
        if result is Result.NONE:
            raise _Stop(Result.PERMERROR, f"redirect to {target}, which has no SPF record")
        return result

    async def _matches(self, term: re.Match[str], domain: str) -> bool:
        name, value = term["name"].lower(), term["value"] or ""
        if name == "all":
            return True
        if name in ("ip4", "ip6"):
            return self._in_network(name, value + term["length"])
        self._count()
        if self._has_macro(value):
            return False
        if not value and name in ("include", "exists"):
            raise _Stop(Result.PERMERROR, f"{name} without a name in the record of {domain}")
        return await self._matches_name(name, value or domain, term["length"])

    async def _matches_name(self, name: str, target: str, length: str) -> bool:
        match name:
            case "include":
                return await self._included(target)
            case "a":
                return await self._at_host(target, length)
            case "mx":
                return await self._at_exchange(target, length)
            case "exists":
                return bool((await self._asked(target, "A")).values)
            case _:  # ptr: not to be used (§5.5), and nothing here relies on it
                self.unclear = True
                return False

    async def _included(self, target: str) -> bool:
        result = await self.domain(target)
        if result is Result.NONE:
            raise _Stop(Result.PERMERROR, f"include of {target}, which has no SPF record")
        return result is Result.PASS

    async def _at_exchange(self, name: str, length: str) -> bool:
        answer = await self._asked(name, "MX")
        hosts = [value.partition(" ")[2] for value in answer.values]
        if len(hosts) > MOST_LOOKUPS:
            raise _Stop(Result.PERMERROR, f"mx of {name}: more than {MOST_LOOKUPS} hosts")
        found = [await self._at_host(host, length, count=False) for host in hosts if host]
        return any(found)

    async def _at_host(self, name: str, length: str, *, count: bool = True) -> bool:
        addresses, answered = await addresses_of(self._resolver, name)
        if not answered:
            raise _Stop(Result.TEMPERROR, f"no answer about {name}")
        if count and not addresses:
            self._count_void(name)
        short, _, long = length.partition("//")
        short = short.removeprefix("/")
        bits = {4: short or "32", 6: long or "128"}
        return any(self._within(f"{one}/{bits[ip_address(one).version]}") for one in addresses)

    def _in_network(self, name: str, text: str) -> bool:
        if text and (":" in text) != (name == "ip6"):
            raise _Stop(Result.PERMERROR, f"{name}:{text} is of the other IP version")
        return self._within(text)

    def _within(self, text: str) -> bool:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise _Stop(Result.PERMERROR, f"{text} is no network") from None
        return self._address is not None and self._address in network

    async def _asked(self, name: str, kind: str) -> Answer:
        answer = await self._resolver.look_up(name, kind)
        if answer.status is Status.FAILED:
            raise _Stop(Result.TEMPERROR, f"no answer about {name}")
        if not answer.values:
            self._count_void(name)
        return answer

    def _has_macro(self, value: str) -> bool:
        if "%" in value:
            self.unclear = True
        return "%" in value

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise _Stop(Result.PERMERROR, f"needs more than {MOST_LOOKUPS} DNS lookups")

    def _count_void(self, name: str) -> None:
        self.void += 1
        if self.void > MOST_VOID:
            raise _Stop(Result.PERMERROR, f"names too much that does not exist, such as {name}")
