"""Whether one line of text is a command, in any of the six languages.

The whole line must be it: greetings, thanks, accents, case and punctuation aside. A sentence that
only contains such a word is none. Looks at nothing but the line, and takes a bounded time for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from mailer.message.argument import (
    read_date,
    read_language,
    read_number,
    read_token,
    read_zone,
)
from mailer.message.command import (
    Command,
    Confirm,
    Help,
    Pause,
    Register,
    Resume,
    SetLanguage,
    SetTimezone,
    ShowProgramme,
    ShowStatus,
    Skip,
    Subscribe,
    Unsubscribe,
)
from mailer.message.phrase import LIST, NAME, Verb, join_keys, key, plain, words_of
from mailer.message.vocabulary import reply_prefixes, vocabulary

_LINE_CHARS = 200
_LINE_WORDS = 24
_LIST_WORDS = 8
_POLITE_WORDS = 6
_POLITE_PHRASES = 4  # on either side
_REPLY_PREFIXES = 10  # "Re: Fwd: Re: …" beyond this is no subject any more
_PARTING = str.maketrans(":=", "  ")  # language: fr, language=fr
_ALONE: Mapping[Verb, Command] = {
    Verb.SUBSCRIBE: Subscribe(),
    Verb.UNSUBSCRIBE: Unsubscribe(),
    Verb.CONFIRM: Confirm(),
    Verb.HELP: Help(),
    Verb.STATUS: ShowStatus(),
    Verb.PROGRAMME: ShowProgramme(),
    Verb.REGISTER: Register(),
    Verb.SKIP: Skip(),
    Verb.PAUSE: Pause(until=None),
    Verb.RESUME: Resume(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A line that is a command, and the languages in which it is one."""

    command: Command
    languages: frozenset[str]


def read_line(
    line: str, known: frozenset[str] = frozenset(), called: frozenset[str] = frozenset()
) -> Found | None:
    """The command that this whole line is, or None. ``known`` are keys of words that may stand in
    it without changing it, such as the writer's own address; ``called`` keys of what the series is
    called, which stands for the list or changes nothing either."""
    line = _without_prefixes(plain(line[:_LINE_CHARS])).translate(_PARTING)
    words = [_Word(key=key(word), text=word) for word in words_of(line)]
    words = [word for word in words if word.key]
    if not words or len(words) > _LINE_WORDS:
        return None
    named = _named([word for word in words if word.key not in known], called)
    return _whole(words) or _whole(named) or _beside_name(named)


def keys_of(line: str) -> Iterator[str]:
    """Keys of this whole line, without the politeness around it and with it, the barest first."""
    texts = words_of(_without_prefixes(plain(line[:_LINE_CHARS])))
    words = [word for text in texts if (word := _Word(key=key(text), text=text)).key]
    if len(words) <= _LINE_WORDS:
        yield from map(_key, _without_politeness(words))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    key: str
    text: str


def _key(words: Sequence[_Word]) -> str:
    return join_keys(word.key for word in words)


def _named(words: list[_Word], called: frozenset[str]) -> list[_Word]:
    """The words with each name of the series as one word, `NAME`; the longest name first."""
    made: list[_Word] = []
    start = 0
    while start < len(words):
        for end in range(len(words), start, -1):
            if _key(words[start:end]) in called:
                made.append(_Word(key=NAME, text=" ".join(word.text for word in words[start:end])))
                start = end
                break
        else:
            made.append(words[start])
            start += 1
    return made


def _beside_name(named: list[_Word]) -> Found | None:
    """The command beside the series' name. A bare "confirm" is none: so our own request is called,
    and with it every answer to it, whatever that says."""
    found = _whole([word for word in named if word.key != NAME])
    return None if found and found.command == Confirm() else found


def _whole(words: list[_Word]) -> Found | None:
    """The command these words are, whatever politeness is around it; the barest reading first."""
    for variant in _variants(words):
        for inner in _without_politeness(variant):
            found = _bare(inner) or _with_argument(inner)
            if found:
                return found
    return None


def _variants(words: list[_Word]) -> Iterator[list[_Word]]:
    """The words as they are, then with what may be a name of the list as one word, `LIST`."""
    yield words
    for length in range(min(len(words), _LIST_WORDS), 0, -1):
        for start in range(len(words) - length + 1):
            run = words[start : start + length]
            if _key(run) in vocabulary().lists:
                text = " ".join(word.text for word in run)
                yield [*words[:start], _Word(key=LIST, text=text), *words[start + length :]]


def _without_politeness(words: list[_Word]) -> Iterator[list[_Word]]:
    starts, ends = [0], [len(words)]
    for _ in range(_POLITE_PHRASES):
        starts.append(starts[-1] + _run(words[starts[-1] : -1], vocabulary().before, first=True))
        ends.append(ends[-1] - _run(words[1 : ends[-1]], vocabulary().after, first=False))
    for start in sorted(set(starts), reverse=True):
        for end in sorted(set(ends)):
            if start < end:
                yield words[start:end]


def _run(words: list[_Word], phrases: frozenset[str], *, first: bool) -> int:
    """How many words at that end make up the longest of those phrases."""
    for length in range(min(len(words), _POLITE_WORDS), 0, -1):
        if _key(words[:length] if first else words[-length:]) in phrases:
            return length
    return 0


def _bare(words: list[_Word]) -> Found | None:
    meaning = vocabulary().bare.get(_key(words))
    command = _ALONE.get(meaning.verb) if meaning else None
    return Found(command=command, languages=meaning.languages) if meaning and command else None


def _with_argument(words: list[_Word]) -> Found | None:
    for length in range(len(words) - 1, 0, -1):
        opening = _key(words[:length])
        meaning = vocabulary().opening.get(opening)
        if meaning:
            command = _completed(meaning.verb, opening, [word.text for word in words[length:]])
            if command:
                return Found(command=command, languages=meaning.languages)
    return None


def _completed(verb: Verb, opening: str, argument: list[str]) -> Command | None:
    """The command of a verb with what stands behind it, None if that is no argument of it."""
    command: Command | None = None
    match verb:
        case Verb.CONFIRM if token := read_token(argument):
            command = Confirm(token=token)
        case Verb.REGISTER if number := read_number(argument):
            command = Register(number=number)
        case Verb.SKIP if number := read_number(argument):
            command = Skip(number=number)
        case Verb.LANGUAGE if language := read_language(argument):
            command = SetLanguage(language=language)
        case Verb.TIMEZONE if zone := read_zone(argument):
            command = SetTimezone(zone=zone)
        case Verb.PAUSE:
            until = read_date(argument)
            # "pause for thought" is no command, "pause until further notice" is a date not read
            if until or opening not in vocabulary().bare or _has_digit(argument):
                command = Pause(until=until)
    return command


def _has_digit(words: list[str]) -> bool:
    return any(letter.isdigit() for word in words for letter in word)


def is_answer(subject: str) -> bool:
    """Whether a mail program put something before this subject, as before that of an answer."""
    line = plain(subject[:_LINE_CHARS])
    return _without_prefixes(line) != line


@cache
def _prefix() -> re.Pattern[str]:
    names = "|".join(map(re.escape, reply_prefixes()))
    return re.compile(
        rf"\s*(?:\[[^\[\]]{{0,80}}\]|(?:{names})\s*(?:[\[(]?\d{{1,3}}[\])]?)?\s*:)\s*",
        re.IGNORECASE,
    )


def _without_prefixes(line: str) -> str:
    """The subject without what mail programs and lists put before it, unless nothing is left."""
    rest = line
    for _ in range(_REPLY_PREFIXES):
        found = _prefix().match(rest)
        if not found:
            break
        rest = rest[found.end() :]
    return rest or line
