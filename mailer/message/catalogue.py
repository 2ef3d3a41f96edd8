"""Translations of the mails' texts: gettext catalogues, read straight from their .po files.

A language that has no catalogue, and a message that one lacks, are said in English, the language
the templates are written in. Decides nothing about who reads which language.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Catalogues:
    """What there is to translate with, by lower-case language tag."""

    translations: Mapping[str, NullTranslations] = field(default_factory=dict)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that mails can be written in, English first."""
        return (SOURCE_LANGUAGE, *sorted(set(self.translations) - {SOURCE_LANGUAGE}))

    def nearest(self, *wanted: str) -> str:
        """The language to write in for somebody who wants one of these, the best first: it, or its
        main language (fr for fr-CH, zh for zh-TW). English if there is none of them."""
        for language in wanted:
            tag = language.replace("_", "-").casefold()
            for candidate in (tag, tag.partition("-")[0]):
                if candidate == SOURCE_LANGUAGE or candidate in self.translations:
                    return candidate
        return SOURCE_LANGUAGE

    def over(self, below: Catalogues) -> Catalogues:
        """These, and what they lack from those below. Uses these up: they learn to fall back."""
        for language, translation in self.translations.items():
            if language in below.translations:
                translation.add_fallback(below.translations[language])
        return Catalogues({**below.translations, **self.translations})

    def gettext(self, language: str, message: str) -> str:
        """The message in the nearest language."""
        return self._of(language).gettext(message)

    def ngettext(self, language: str, one: str, many: str, number: int) -> str:
        """The message in the form that the nearest language uses for this number."""
        return self._of(language).ngettext(one, many, number)

    def _of(self, language: str) -> NullTranslations:
        return self.translations.get(self.nearest(language), _SOURCE)


def read_catalogues(folder: Path) -> Catalogues:
    """Every ``<language>.po`` of a folder; none if there is no such folder."""
    return Catalogues(
        {path.stem.casefold(): parse_po(path.read_bytes()) for path in _po_files(folder)}
    )


def sound_catalogues(folder: Path) -> Catalogues:
    """The same of a folder whose files are known to be sound: each is parsed when a mail in its
    language is first written, because that takes longer than most commands have to do."""
    return Catalogues(
        {path.stem.casefold(): _Later(path.read_bytes()) for path in _po_files(folder)}
    )


def parse_po(content: bytes) -> NullTranslations:
    """One catalogue. Messages marked fuzzy are not used: nobody has looked at them yet."""
    return GNUTranslations(io.BytesIO(_as_mo(content)))


@lru_cache(maxsize=32)
def _as_mo(content: bytes) -> bytes:
    """What a .mo file would hold, which is quick to read; made once in a process."""
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(content), abort_invalid=True))
    return compiled.getvalue()


def _po_files(folder: Path) -> Iterable[Path]:
    """Those in the folder; ValueError for one that leads out of the templates around it (S21)."""
    root = folder.parent.resolve()
    for path in sorted(folder.glob("*.po")):
        if not path.resolve().is_relative_to(root):
            raise ValueError(f"{path.name} lies outside its folder")
        yield path


class _Later(NullTranslations):
    """A catalogue that is parsed when something is first looked up in it."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = content

    @cached_property
    def _parsed(self) -> NullTranslations:
        return parse_po(self._content)

    def gettext(self, message: str) -> str:
        return self._parsed.gettext(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self._parsed.ngettext(msgid1, msgid2, n)


_SOURCE = NullTranslations()
