"""What our own mail server found out about who sent a mail (RFC 8601).

Believes one field only: the topmost Authentication-Results, and only if it carries the name that is
configured. All others may have been written by whoever wrote the mail. Checks no signature itself,
and takes no ARC seal for a proof (RFC 8617). A pass counts only for the domain in the one From
field, where the server says which domain it looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum

from mailer.message.address import first_address
from mailer.message.parse import raw_headers


class Authentication(StrEnum):
    """What a trusted Authentication-Results field says of the From domain."""

    NONE = "none"  # nothing trusted said anything
    PASS = "pass"  # noqa: S105 - a result, no password
    FAIL = "fail"  # dmarc=fail, or spf and dkim both failed without a dmarc result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    method: str
    result: str
    header_from: str


_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"?|\\.|[();=]|[^\s"\\();=]+|\s+', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)")
_NO_POLICY = frozenset({"none", "temperror", "permerror", "neutral"})


def trusted_result(message: Message, authserv_id: str) -> Authentication:
    """What that server says; NONE if it says nothing, or if no server is to be believed."""
    fields = raw_headers(message, "authentication-results")
    if not authserv_id or not fields:
        return Authentication.NONE
    identity, *statements = _statements(fields[0])
    if not _is_from(identity, authserv_id):
        return Authentication.NONE
    results = [result for result in map(_result, statements) if result]
    return _judge(results, _from_domain(message))


def _judge(results: list[_Result], domain: str) -> Authentication:
    dmarc = [one for one in results if one.method == "dmarc" and one.result not in _NO_POLICY]
    if dmarc:
        if all(one.result == "pass" for one in dmarc):
            aligned = all(_same_domain(one.header_from, domain) for one in dmarc)
            return Authentication.PASS if aligned else Authentication.NONE
        failed = any(one.result == "fail" for one in dmarc)
        return Authentication.FAIL if failed else Authentication.NONE
    spf = {one.result for one in results if one.method == "spf"}
    dkim = {one.result for one in results if one.method == "dkim"}
    both_bad = spf <= {"fail", "softfail"} and dkim <= {"fail", "none", "policy"}
    # Forwarded and unsigned is how honest mail looks too: one of the two must say so outright.
    if spf and dkim and both_bad and ("fail" in spf or "fail" in dkim):
        return Authentication.FAIL
    return Authentication.NONE


def _statements(field: str) -> list[list[str]]:
    """The field's lexemes, one list per statement, without comments and without white space."""
    statements: list[list[str]] = [[]]
    depth = 0
    for lexeme in _LEXEME.findall(field):
        if depth or lexeme == "(":
            depth += {"(": 1, ")": -1}.get(lexeme, 0)
        elif lexeme == ";":
            statements.append([])
        elif lexeme.startswith('"'):
            statements[-1].append(_ESCAPED.sub(r"\1", lexeme[1:].removesuffix('"')))
        elif not lexeme.isspace():
            statements[-1].append(lexeme)
    return statements


def _is_from(identity: list[str], authserv_id: str) -> bool:
    """Whether the first statement is that name, with no version or with version 1."""
    match identity:
        case [name] | [name, "1"]:
            return name.lower() == authserv_id.strip().lower()
        case _:
            return False


def _result(statement: list[str]) -> _Result | None:
    match statement:
        case [method, "=", result, *properties]:
            # A version may follow the method: dmarc/1=pass.
            return _Result(
                method=method.partition("/")[0].lower(),
                result=result.lower(),
                header_from=_property(properties, "header.from"),
            )
        case _:
            return None


def _property(lexemes: list[str], name: str) -> str:
    for at in range(len(lexemes) - 2):
        if lexemes[at].lower() == name and lexemes[at + 1] == "=":
            return lexemes[at + 2].rpartition("@")[2].lower()
    return ""


def _from_domain(message: Message) -> str:
    fields = raw_headers(message, "from")
    address = first_address(fields[0])[0] if len(fields) == 1 else None
    return address.domain if address else ""


def _same_domain(said: str, domain: str) -> bool:
    """Whether the result may be about that From domain; some servers name the domain above it."""
    return not said or said == domain or domain.endswith(f".{said}") or said.endswith(f".{domain}")
