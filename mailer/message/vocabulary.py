"""All words of the commands in all six languages, ready to be looked up.

Every language is understood at once. One phrase means one thing, whichever languages share it; a
test sees to that. The tables stand in ``vocabulary_xx``, and docs/commands.md
shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from mailer.message import (
    vocabulary_ar,
    vocabulary_en,
    vocabulary_es,
    vocabulary_fr,
    vocabulary_ru,
    vocabulary_zh,
)
from mailer.message.phrase import Patterns, Verb, Words, spellings

ALL: tuple[Words, ...] = (
    vocabulary_en.WORDS,
    vocabulary_fr.WORDS,
    vocabulary_es.WORDS,
    vocabulary_ru.WORDS,
    vocabulary_ar.WORDS,
    vocabulary_zh.WORDS,
)
_Value = TypeVar("_Value")
# German, Italian, Portuguese, Dutch and Nordic mail programs; their users write to us in English.
_OTHER_REPLIES = ("aw", "wg", "antw", "sv", "vs", "vb", "res", "enc", "rif", "ynt", "odp", "r", "i")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a phrase means, and in which languages it does."""

    verb: Verb
    languages: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Keys of phrases, looked up whole."""

    bare: Mapping[str, Meaning]
    opening: Mapping[str, Meaning]
    lists: frozenset[str]
    before: frozenset[str]
    after: frozenset[str]
    filler: frozenset[str]
    months: Mapping[str, int]
    languages: Mapping[str, str]


@cache
def vocabulary() -> Vocabulary:
    """The tables; made at the first use, because most commands of the program need no mail."""
    return Vocabulary(
        bare=_meanings([(words.code, words.bare) for words in ALL]),
        opening=_meanings([(words.code, words.opening) for words in ALL]),
        lists=_keys(words.lists for words in ALL),
        before=_keys(pattern for words in ALL for pattern in words.before),
        after=_keys(pattern for words in ALL for pattern in words.after),
        filler=_keys(pattern for words in ALL for pattern in words.filler),
        months=_values(words.months for words in ALL),
        languages=_values(words.languages for words in ALL),
    )


@cache
def reply_prefixes() -> tuple[str, ...]:
    """What mail programs write before the subject of an answer or a forward, longest first."""
    own = {prefix for words in ALL for prefix in words.replies}
    return tuple(sorted(own | set(_OTHER_REPLIES), key=lambda prefix: (-len(prefix), prefix)))


@cache
def attributions() -> frozenset[str]:
    """Keys of what a line above a quote ends in, such as ``wrote``."""
    return _keys(pattern for words in ALL for pattern in words.wrote)


def as_markdown() -> str:
    """The tables for docs/commands.md, a section per command."""
    sections = [_section(verb) for verb in Verb]
    lists = "\n".join(f"| {words.code} | {_cell((words.lists,))} |" for words in ALL)
    sections.append(f"### {{list}}\n\n| | names of the list |\n|---|---|\n{lists}\n")
    return "\n".join(sections)


def _section(verb: Verb) -> str:
    head = f"### {verb.value}\n\n| | alone | before what is meant |\n|---|---|---|\n"
    return head + "".join(
        f"| {words.code} | {_cell(words.bare.get(verb, ()))} |"
        f" {_cell(words.opening.get(verb, ()))} |\n"
        for words in ALL
    )


def _cell(patterns: Patterns) -> str:
    return " · ".join(f"`{pattern}`" for pattern in patterns).replace("|", "\\|")


def _keys(patterns: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(spellings(pattern) for pattern in patterns))


def _values(tables: Iterable[Mapping[str, _Value]]) -> dict[str, _Value]:
    return {
        spelling: value
        for table in tables
        for pattern, value in table.items()
        for spelling in spellings(pattern)
    }


def _meanings(tables: Iterable[tuple[str, Mapping[Verb, Patterns]]]) -> dict[str, Meaning]:
    """Keys with their meaning; the first verb stays where two claim the same words."""
    made: dict[str, Meaning] = {}
    for code, table in tables:
        for verb, patterns in table.items():
            for spelling in _keys(patterns):
                known = made.setdefault(spelling, Meaning(verb=verb, languages=frozenset()))
                if known.verb is verb:
                    made[spelling] = Meaning(verb=verb, languages=known.languages | {code})
    return made
