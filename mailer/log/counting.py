"""Counts beside the log: how often something happened in this process, by what and which.

For `/metrics`. Only numbers, and only names from closed sets, so that there are few.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping


class Counting:
    """Counters that only grow, from zero at the start of the process."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}

    def add(self, what: str, which: Iterable[str]) -> None:
        """One more of each of these."""
        self._counts.setdefault(what, Counter()).update(which)

    def of(self, what: str) -> Mapping[str, int]:
        """How often, by which."""
        return self._counts.get(what, {})


@contextlib.contextmanager
def troubles_counted(counting: Counting) -> Iterator[None]:
    """While the block runs, count the lines of the log that tell of trouble, by level."""
    handler = _Counter(counting)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _Counter(logging.Handler):
    def __init__(self, counting: Counting) -> None:
        super().__init__(logging.WARNING)
        self._counting = counting

    def emit(self, record: logging.LogRecord) -> None:
        self._counting.add("logged", (record.levelname.lower(),))
