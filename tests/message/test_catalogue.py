"""Tests of the translations: how they are read, and that those we ship are whole."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import PoFileError, read_po

from mailer.message.catalogue import Catalogues, parse_po, read_catalogues
from mailer.message.phrase import Verb, key
from mailer.message.render import builtin_templates
from mailer.message.vocabulary import vocabulary

TRANSLATIONS = builtin_templates() / "translations"
LANGUAGES = sorted(path.stem for path in TRANSLATIONS.glob("*.po"))
SHIPPED = read_catalogues(TRANSLATIONS)
Id = str | tuple[str, ...]

DUTCH = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Welcome"
msgstr "Welkom"

msgid "one day"
msgid_plural "%(num)s days"
msgstr[0] "één dag"
msgstr[1] "%(num)s dagen"

#, fuzzy
msgid "Goodbye"
msgstr "Hallo"
"""


def test_messages_are_looked_up_and_the_rest_stays_english() -> None:
    catalogues = Catalogues({"nl": parse_po(DUTCH.encode())})
    assert catalogues.languages == ("en", "nl")
    assert catalogues.gettext("nl", "Welcome") == "Welkom"
    assert catalogues.gettext("nl-BE", "Welcome") == "Welkom"
    assert catalogues.gettext("nl", "Nothing known") == "Nothing known"
    assert catalogues.gettext("de", "Welcome") == "Welcome"
    assert catalogues.ngettext("nl", "one day", "%(num)s days", 1) == "één dag"
    assert catalogues.ngettext("nl", "one day", "%(num)s days", 2) == "%(num)s dagen"


def test_a_fuzzy_message_is_not_used() -> None:
    assert Catalogues({"nl": parse_po(DUTCH.encode())}).gettext("nl", "Goodbye") == "Goodbye"


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [("fr", "fr"), ("FR", "fr"), ("fr-CH", "fr"), ("fr_CA", "fr"), ("de", "en"), ("", "en")],
)
def test_the_nearest_language_is_found(wanted: str, nearest: str) -> None:
    assert SHIPPED.nearest(wanted) == nearest


def test_one_catalogue_lies_over_another() -> None:
    below = Catalogues({"nl": parse_po(DUTCH.encode())})
    above = parse_po(DUTCH.replace("Welkom", "Hartelijk welkom").split('msgid "one')[0].encode())
    merged = Catalogues({"nl": above, "de": above}).over(below)
    assert merged.languages == ("en", "de", "nl")
    assert merged.gettext("nl", "Welcome") == "Hartelijk welkom"
    assert merged.ngettext("nl", "one day", "%(num)s days", 1) == "één dag"


def test_no_folder_is_no_catalogue(tmp_path: Path) -> None:
    assert read_catalogues(tmp_path / "none").languages == ("en",)


@pytest.mark.parametrize("content", [b"nonsense here\n", b'msgid "a"\nmsgstr "\xff"\n'])
def test_a_broken_catalogue_is_an_error(content: bytes) -> None:
    with pytest.raises((PoFileError, ValueError)):
        parse_po(content)


@cache
def _used() -> set[Id]:
    """Every message that a template asks for."""
    found = extract_from_dir(
        builtin_templates(),
        method_map=[
            ("mail/**.txt", "jinja2.ext:babel_extract"),
            ("mail/**.html", "jinja2.ext:babel_extract"),
        ],
        options_map={"mail/**": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}},
    )
    return {message for _, _, message, _, _ in found}


@cache
def _messages(path: Path) -> dict[Id, Message]:
    with path.open("rb") as file:
        return {
            message.id if isinstance(message.id, str) else tuple(message.id): message
            for message in read_po(file)
            if message.id
        }


def _translations(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


@pytest.mark.slow
def test_the_list_of_messages_is_what_the_templates_use() -> None:
    assert set(_messages(TRANSLATIONS / "messages.pot")) == _used()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_and_none_is_left_over(language: str) -> None:
    messages = _messages(TRANSLATIONS / f"{language}.po")
    assert set(messages) == _used()
    for message in messages.values():
        assert all(_translations(message)), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_places_of_their_message(language: str) -> None:
    for ident, message in _messages(TRANSLATIONS / f"{language}.po").items():
        source = ident if isinstance(ident, str) else ident[-1]
        places = set(re.findall(r"%\(\w+\)s", source))
        for translation in _translations(message):
            found = set(re.findall(r"%\(\w+\)s", translation))
            assert found == places or (found | {"%(num)s"} == places), translation
            assert "%" not in re.sub(r"%\(\w+\)s", "", translation)


def test_french_stands_with_its_unbreakable_spaces() -> None:
    for message in _messages(TRANSLATIONS / "fr.po").values():
        for text in _translations(message):
            assert not re.search(r"[^\u00a0]:(?!\d)", text), text
            assert not re.search(r"[^\u202f][?!;]", text), text
            assert not re.search(r"«[^\u00a0]|[^\u00a0]»", text), text
            assert not re.search(r"['\"“”]|\.\.\.", text), text


COMMANDS = {
    "subscribe": Verb.SUBSCRIBE,
    "unsubscribe": Verb.UNSUBSCRIBE,
    "programme": Verb.PROGRAMME,
    "register 12": Verb.REGISTER,
    "skip 12": Verb.SKIP,
    "status": Verb.STATUS,
    "language fr": Verb.LANGUAGE,
    "timezone Africa/Nairobi": Verb.TIMEZONE,
    "pause 2030-01-31": Verb.PAUSE,
    "resume": Verb.RESUME,
    "help": Verb.HELP,
}


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize(("message", "verb"), COMMANDS.items())
def test_the_commands_a_mail_teaches_are_understood(
    language: str, message: str, verb: Verb
) -> None:
    taught = SHIPPED.gettext(language, message)
    word, _, argument = taught.partition(" ")
    table = vocabulary().opening if argument else vocabulary().bare
    assert argument == message.partition(" ")[2]
    assert table[key(word)].verb is verb


def test_commands_quoted_in_french_sentences_are_the_ones_taught() -> None:
    taught = {SHIPPED.gettext("fr", message).partition(" ")[0] for message in COMMANDS}
    quoted = {
        word
        for message in _messages(TRANSLATIONS / "fr.po").values()
        for text in _translations(message)
        for word in re.findall(r"«\u00a0(\w[\w']*)", text)
    }
    assert quoted <= taught
