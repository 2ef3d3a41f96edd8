"""Questions to the DNS, each with a time limit, and answers as values.

The protocol is what the probes ask; dnspython stands behind it in the program, a zone made of a
dictionary in tests. A name is asked for once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
import dns.resolver

SECONDS = 3.0
# Names that are nobody's (RFC 2606, RFC 6761); below example.org is only what IANA puts there.
_RESERVED = ("example", "test", "invalid", "localhost", "example.com", "example.net", "example.org")


class Status(StrEnum):
    FOUND = "found"
    NO_NAME = "no such name"
    NO_DATA = "no such record"
    FAILED = "no answer"  # nobody knows: a time-out, a broken server, no network


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``values``: TXT as one text each, MX as ``10 host``, names without the last dot."""

    status: Status
    values: tuple[str, ...] = ()
    cause: str = ""


class Resolver(Protocol):
    """Whom to ask."""

    async def look_up(self, name: str, kind: str) -> Answer:
        """The records of one kind (A, AAAA, MX, TXT, PTR) of a name; never raises."""
        ...


class DnsResolver:
    """Asks the machine's name servers, or others that are named."""

    def __init__(
        self, *, seconds: float = SECONDS, servers: tuple[str, ...] = (), port: int = 53
    ) -> None:
        self._seconds = seconds
        self._servers = servers
        self._port = port
        self._asked: dict[tuple[str, str], asyncio.Task[Answer]] = {}
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def look_up(self, name: str, kind: str) -> Answer:
        """The records of one kind of a name; never raises."""
        key = (name.lower().rstrip("."), kind)
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(self._ask(*key))
        return await self._asked[key]

    def _made(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = list(self._servers)
            resolver.port = self._port
        return resolver

    async def _ask(self, name: str, kind: str) -> Answer:
        try:
            if self._resolver is None:
                self._resolver = self._made()
            found = await self._resolver.resolve(
                dns.name.from_text(f"{name}."), kind, lifetime=self._seconds, search=False
            )
        except dns.resolver.NXDOMAIN:
            return Answer(status=Status.NO_NAME)
        except dns.resolver.NoAnswer:
            return Answer(status=Status.NO_DATA)
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            return Answer(status=Status.FAILED, cause=type(error).__name__)
        return Answer(status=Status.FOUND, values=tuple(sorted(map(_text, found))))


def _text(record: dns.rdata.Rdata) -> str:
    match record.rdtype:
        case dns.rdatatype.TXT:
            strings: tuple[bytes, ...] = record.strings  # type: ignore[attr-defined]
            return b"".join(strings).decode("utf-8", "replace")
        case _:
            return record.to_text().rstrip(".")


async def addresses_of(resolver: Resolver, name: str) -> tuple[tuple[str, ...], bool]:
    """Every IPv4 and IPv6 address of a name, and whether both questions were answered."""
    both = await asyncio.gather(resolver.look_up(name, "A"), resolver.look_up(name, "AAAA"))
    found = tuple(value for answer in both for value in answer.values)
    return found, all(answer.status is not Status.FAILED for answer in both)


async def is_reserved(resolver: Resolver, domain: str) -> bool:
    """Whether the domain is one for examples and tests that does not exist."""
    name = domain.lower()
    if not any(name == one or name.endswith(f".{one}") for one in _RESERVED):
        return False
    answer = await resolver.look_up(name, "MX")
    return answer.status in (Status.NO_NAME, Status.FAILED)
