"""How a benchmark tells what it found: a table for people, or a line of JSON for each result.

A result is the median of n values with their quartiles; a ratio to another result says more than
a number that belongs to one machine.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was measured (``name``) of which variant, in which unit; ``ratio`` is to the result that
    the others are compared with."""

    bench: str
    name: str
    variant: str
    unit: str
    n: int
    median: float
    low: float
    high: float
    ratio: float | None = None


def result(bench: str, name: str, variant: str, unit: str, values: Sequence[float]) -> Result:
    """The median of the values, with their quartiles."""
    low, median, high = (
        statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    )
    return Result(
        bench=bench,
        name=name,
        variant=variant,
        unit=unit,
        n=len(values),
        median=median,
        low=low,
        high=high,
    )


def to_json(one: Result) -> str:
    """A result on one line."""
    return json.dumps(asdict(one))


def to_table(results: Sequence[Result]) -> str:
    """Names across, variants down: the median, the quartiles, and the ratio if there is one."""
    names = list(dict.fromkeys(f"{one.name}, {one.unit}" for one in results))
    variants = list(dict.fromkeys(one.variant for one in results))
    cells = {(one.variant, f"{one.name}, {one.unit}"): _cell(one) for one in results}
    rows = [["", *names]]
    rows += [[variant, *(cells.get((variant, name), "") for name in names)] for variant in variants]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "   ".join([first, *others]).rstrip()


def _cell(one: Result) -> str:
    spread = "" if one.n == 1 else f" ({one.low:.1f} to {one.high:.1f}, n={one.n})"
    ratio = "" if one.ratio is None else f"  x{one.ratio:.2f}"
    return f"{one.median:.1f}{spread}{ratio}"
