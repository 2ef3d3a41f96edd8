"""Lost and doubled mails, counted from what the oracle wrote down, and the table of all counts.

Lost = owed - delivered. Doubled = copies - 1 for each recipient. Everybody here is owed one mail,
so a second Message-ID for a recipient is a fault of its own: a copy must be recognisable.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass

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


def table(counts: Iterable[dict[str, object]]) -> list[str]:
    """The counts as lines of text."""
    heads = ("row", "owed", "lost", "doubled", "at most", "what")
    rows = [
        tuple(str(one[name]) for name in ("row", "owed", "lost", "doubled", "bound", "what"))
        for one in counts
    ]
    rows.sort(key=lambda row: (int(row[0][1:]), row[-1]))
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(5)]
    return [
        "  ".join((row[0].ljust(widths[0]), *map(str.rjust, row[1:5], widths[1:]), row[5]))
        for row in (heads, *rows)
    ]


def as_property(one: Count) -> dict[str, object]:
    """As a test's report can carry it from process to process."""
    return asdict(one)
