"""What pages show, as values that a template can read and nothing more.

A mail's facts are closed and typed (`facts`), because they are kept for years; a page's live for
one answer, so here is one small record with names of its own in each place.
"""

from __future__ import annotations

from typing import TypeAlias

from mailer.message.facts import SeriesFacts, WebinarFacts

Value: TypeAlias = "str | int | bool | Shown | SeriesFacts | WebinarFacts | tuple[Shown, ...]"


class Shown:
    """Named values for a template; a name that is not given is undefined there."""

    __slots__ = ("_values",)

    def __init__(self, **values: Value) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Value:
        return self._values[name]
