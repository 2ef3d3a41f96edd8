"""Lost and doubled mails, counted from what the oracle wrote down, and the table of all counts.

Lost = owed - delivered. Doubled = copies - 1 for each recipient. Everybody here is owed one mail,
so a second Message-ID for a recipient is a fault of its own: a copy must be recognisable.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any

from tests.peers.record import Delivery

OPERATOR = "organiser@example.org"
PROPERTY = "faults"  # of a test's report: its lines of the table


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a fault cost. `bound` is how many copies it may cost at most."""

    row: str
    what: str
    owed: int
    lost: int
    doubled: int
    bound: int

    def check(self) -> None:
        """Nothing lost, and no more copies than there may be."""
        assert (self.lost, self.doubled <= self.bound) == (0, True), self


Keep = Callable[[Count], Count]


def count(
    row: str,
    what: str,
    *,
    owed: Collection[str],
    deliveries: Sequence[Delivery],
    bound: int = 0,
) -> Count:
    """The account of a run in which each of `owed`, and nobody else, was owed one mail. Letters to
    the operator, who is told of troubles, are no part of it."""
    deliveries = [one for one in deliveries if one.recipient != OPERATOR]
    copies = Counter(one.recipient for one in deliveries)
    assert not copies.keys() - set(owed), f"not owed: {sorted(copies.keys() - set(owed))[:9]}"
    identifiers = defaultdict(set)
    for one in deliveries:
        identifiers[one.recipient].add(one.message_id)
    several = [name for name, found in identifiers.items() if len(found) > 1]
    assert not several, f"copies under another Message-ID: {several[:9]}"
    return Count(
        row=row,
        what=what,
        owed=len(owed),
        lost=len(set(owed) - copies.keys()),
        doubled=sum(copies.values()) - len(copies),
        bound=bound,
    )


def doubled_within(deliveries: Sequence[Delivery], ends: Iterable[int]) -> int:
    """Copies that came without a kill since the first: `ends` is how many mails there were at each
    kill. There must be none: only a crash can excuse a copy."""
    found, start = 0, 0
    for end in (*ends, len(deliveries)):
        part = [one.recipient for one in deliveries[start:end]]
        found += len(part) - len(set(part))
        start = end
    return found


def doubled_by_each(deliveries: Sequence[Delivery], ends: Sequence[int]) -> list[int]:
    """For each kill, how many mails that were taken in the life before it went out again later."""
    found, start = [], 0
    for end in ends:
        later = {one.recipient for one in deliveries[end:]}
        found.append(sum(one.recipient in later for one in deliveries[start:end]))
        start = end
    return found


def table(counts: Iterable[Count]) -> list[str]:
    """The counts as lines of text; those of the same fault are one line."""
    heads = ("row", "owed", "lost", "doubled", "at most", "what")
    found = sorted(counts, key=attrgetter("row", "what"))
    sums = [summed(list(same)) for _, same in groupby(found, key=attrgetter("row", "what"))]
    sums.sort(key=lambda one: int(one.row[1:]))
    rows = [
        (one.row, *map(str, (one.owed, one.lost, one.doubled, one.bound)), one.what) for one in sums
    ]
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(5)]
    return [
        "  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:5], widths[1:]), row[5]))
        for row in (heads, *rows)
    ]


def summed(counts: Sequence[Count]) -> Count:
    """One count for several of the same fault."""
    if len(counts) == 1:
        return counts[0]
    return replace(
        counts[0],
        what=f"{counts[0].what}, {len(counts)} times",
        owed=sum(one.owed for one in counts),
        lost=sum(one.lost for one in counts),
        doubled=sum(one.doubled for one in counts),
        bound=sum(one.bound for one in counts),
    )


def as_property(one: Count) -> dict[str, object]:
    """As a test's report can carry it from process to process."""
    return asdict(one)


def of_property(value: dict[str, Any]) -> Count:
    """From there."""
    return Count(**value)
