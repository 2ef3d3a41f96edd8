"""Addresses of several series that would get into each other's way.

A series answers to its address, its short one, and each of them with `+` or `-` and a command. So
no address may be another's, nor another's with a command: nobody could say who is meant. And nobody
who is written to may be one of ours: such mail would run in a circle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailer.config.model import Operator, Series
from mailer.errors import Fault

# What `mailer.message.address` reads behind a separator, without and with a token behind it.
PLAIN_WORDS = frozenset(
    {"announce", "help", "join", "leave", "owner", "preferences"}
    | {"programme", "status", "subscribe", "unsubscribe"}
)
TOKEN_WORDS = frozenset(
    {"approve", "bounce", "confirm", "leave", "preferences", "register", "skip", "unsubscribe"}
)
_WORD = re.compile(r"[+-]([a-z]+)([+-].*)?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """One address that a series answers to; ``key`` is the key that says it."""

    series: str
    key: str
    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def place(self) -> str:
        return f"series.{self.series}.{self.key}"


def clashes(series: Iterable[Series], operator: Operator) -> list[Fault]:
    """Every address that cannot stand beside the others."""
    listed = list(series)
    names = [name for one in listed for name in _names(one)]
    faults = [
        fault
        for later, name in enumerate(names)
        for earlier, other in enumerate(names)
        if (fault := _between(name, other, later=later > earlier)) is not None
    ]
    people = [
        (f"series.{one.id}.organisers[{number}]", address)
        for one in listed
        for number, address in enumerate(one.organisers, 1)
    ]
    if operator.address:
        people.append(("operator.address", operator.address))
    return faults + [
        Fault(where=place, found=f"{address}, which is ours", expected="a person's address")
        for place, address in people
        if any(_is_ours(address, name) for name in names)
    ]


def _names(series: Series) -> Iterable[_Name]:
    local, _, domain = series.address.lower().rpartition("@")
    yield _Name(series=series.id, key="address", local=local, domain=domain)
    if series.short and series.short != local:
        yield _Name(series=series.id, key="short", local=series.short, domain=domain)


def _between(name: _Name, other: _Name, *, later: bool) -> Fault | None:
    if name is other or name.domain != other.domain:
        return None
    if name.local == other.local and later:
        expected = f"an address that {other.place} does not have"
        return Fault(where=name.place, found=str(name), expected=expected)
    if is_command_of(name.local, other.local):
        expected = "an address that is no command"
        hint = f"{other} would take it for one of its own"
        return Fault(where=name.place, found=str(name), expected=expected, hint=hint)
    return None


def is_command_of(local: str, other: str) -> bool:
    """Whether ``local`` is ``other`` with a separator and what reads as a command."""
    found = _WORD.fullmatch(local.removeprefix(other)) if local.startswith(other) else None
    if found is None:
        return False
    # With a token's word in its name it would take tokens that are meant for the other.
    return found[1] in TOKEN_WORDS or (found[1] in PLAIN_WORDS and found[2] is None)


def _is_ours(address: str, name: _Name) -> bool:
    local, _, domain = address.lower().rpartition("@")
    same = local == name.local or is_command_of(local, name.local)
    return same and domain == name.domain
