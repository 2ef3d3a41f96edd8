"""Tests of the translations: how they are read, and that those we ship are whole."""

from __future__ import annotations

import re
from functools import cache
from gettext import c2py
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import PoFileError, read_po

from mailer.message.assent import read_assent
from mailer.message.catalogue import Catalogues, parse_po, read_catalogues, sound_catalogues
from mailer.message.command import Command, Help, Subscribe, Unsubscribe
from mailer.message.line import read_line
from mailer.message.render import builtin_templates
from mailer.message.tongue import script_language

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
    [
        ("fr", "fr"),
        ("FR", "fr"),
        ("fr-CH", "fr"),
        ("fr_CA", "fr"),
        ("zh-TW", "zh"),
        ("zh-Hant-HK", "zh"),
        ("ar-EG", "ar"),
        ("es-419", "es"),
        ("de", "en"),
        ("", "en"),
    ],
)
def test_the_nearest_language_is_found(wanted: str, nearest: str) -> None:
    assert SHIPPED.nearest(wanted) == nearest


def test_the_second_choice_is_taken_where_the_first_is_not_there() -> None:
    assert SHIPPED.nearest("pt-BR", "es-MX") == "es"
    assert SHIPPED.nearest("ru", "es") == "ru"
    assert SHIPPED.nearest("pt", "de") == "en"


def test_one_catalogue_lies_over_another() -> None:
    below = Catalogues({"nl": parse_po(DUTCH.encode())})
    above = parse_po(DUTCH.replace("Welkom", "Hartelijk welkom").split('msgid "one')[0].encode())
    merged = Catalogues({"nl": above, "de": above}).over(below)
    assert merged.languages == ("en", "de", "nl")
    assert merged.gettext("nl", "Welcome") == "Hartelijk welkom"
    assert merged.ngettext("nl", "one day", "%(num)s days", 1) == "één dag"


def test_no_folder_is_no_catalogue(tmp_path: Path) -> None:
    assert read_catalogues(tmp_path / "none").languages == ("en",)
    assert sound_catalogues(tmp_path / "none").languages == ("en",)


def test_sound_catalogues_are_parsed_when_they_are_wanted(tmp_path: Path) -> None:
    (tmp_path / "nl.po").write_text(DUTCH, "utf-8")
    (tmp_path / "de.po").write_bytes(b"nonsense here\n")
    sound = sound_catalogues(tmp_path)
    assert sound.languages == ("en", "de", "nl")
    (tmp_path / "nl.po").unlink()  # a program that is replaced while it runs still says its own
    assert sound.gettext("nl", "Welcome") == parse_po(DUTCH.encode()).gettext("Welcome")
    assert sound.ngettext("nl", "one day", "%(num)s days", 1) == "één dag"
    above = Catalogues({"nl": parse_po(DUTCH.split('msgid "one', 1)[0].encode())})
    assert above.over(sound).ngettext("nl", "one day", "%(num)s days", 2) == "%(num)s dagen"
    with pytest.raises(PoFileError):
        sound.gettext("de", "Welcome")


@pytest.mark.parametrize("content", [b"nonsense here\n", b'msgid "a"\nmsgstr "\xff"\n'])
def test_a_broken_catalogue_is_an_error(content: bytes) -> None:
    with pytest.raises((PoFileError, ValueError)):
        parse_po(content)


@cache
def _used() -> set[Id]:
    """Every message that a template asks for, of mails and pages."""
    found = extract_from_dir(
        builtin_templates(),
        method_map=[
            ("mail/**.txt", "jinja2.ext:babel_extract"),
            ("mail/**.html", "jinja2.ext:babel_extract"),
            ("web/**.html", "jinja2.ext:babel_extract"),
        ],
        options_map={
            folder: {"trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
            for folder in ("mail/**", "web/**")
        },
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
            assert not re.search(r"[^\u00a0]:(?!\d|//)", text), text
            assert not re.search(r"[^\u202f][?!;]", text), text
            assert not re.search(r"«[^\u00a0]|[^\u00a0]»", text), text
            assert not re.search(r"['\"“”]|\.\.\.", text), text


# --- plural forms ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_plural_forms_are_those_of_the_language(language: str) -> None:
    """Two numbers share a form of the catalogue where they share one in Unicode's CLDR."""
    locale = Locale.parse(language)
    index = c2py((TRANSLATIONS / f"{language}.po").read_text().split("plural=")[-1].split(";")[0])
    pairs = {(locale.plural_form(number), index(number)) for number in range(2, 1000)}
    assert len(pairs) == len(dict(pairs)) == len({form for _, form in pairs})


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_plural_form_is_there_and_says_its_number(language: str) -> None:
    path = TRANSLATIONS / f"{language}.po"
    with path.open("rb") as file:
        catalogue = read_po(file)
    index = c2py(catalogue.plural_expr)
    numbers = [[n for n in range(1, 1000) if index(n) == i] for i in range(catalogue.num_plurals)]
    for ident, message in _messages(path).items():
        if isinstance(ident, tuple):
            forms = _translations(message)
            assert len(forms) == catalogue.num_plurals, ident
            for text, meant in zip(forms, numbers, strict=True):
                assert "%(num)s" in text or len(meant) <= 1, text


DAYS = (
    "If you do nothing, you get no further mail from us, and your address is erased after one day.",
    "If you do nothing, you get no further mail from us, and your address is erased after"
    " %(num)s days.",
)


@pytest.mark.parametrize(
    ("language", "endings"),
    [
        ("es", {1: "un día.", 2: "2 días.", 21: "21 días."}),
        ("fr", {1: "un jour.", 2: "2 jours."}),
        ("ru", {1: "1 день.", 2: "2 дня.", 5: "5 дней.", 11: "11 дней.", 21: "21 день."}),
        ("ar", {1: "يوم واحد.", 2: "يومين.", 3: "3 أيام.", 11: "11 يومًا.", 100: "100 يوم."}),
        ("zh", {1: "1 天后删除。", 7: "7 天后删除。"}),
    ],
)
def test_days_are_counted_as_one_counts_there(language: str, endings: dict[int, str]) -> None:
    for number, ending in endings.items():
        said = SHIPPED.ngettext(language, *DAYS, number).replace("%(num)s", str(number))
        said = said.replace("\u00a0", " ")
        assert said.endswith(f" {ending}"), said


# --- what a mail teaches ---

COMMANDS = (
    "subscribe",
    "unsubscribe",
    "programme",
    "register 12",
    "skip 12",
    "status",
    "language fr",
    "timezone Africa/Nairobi",
    "pause 2030-01-31",
    "resume",
    "help",
)
QUOTED = re.compile(r"[«“][\u00a0]?(.+?)[\u00a0]?[»”]")


def _command(text: str, language: str) -> Command:
    """What somebody asks for who writes exactly this; fails if it is no word of that language."""
    found = read_line(text.replace("%(number)s", "12"))
    assert found is not None, text
    assert language in found.languages, text
    return found.command


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
@pytest.mark.parametrize("message", COMMANDS)
def test_the_commands_a_mail_teaches_are_understood(language: str, message: str) -> None:
    taught = SHIPPED.gettext(language, message)
    assert _command(taught, language) == _command(message, "en")
    assert not re.search("[\u200e\u200f\u2066-\u2069]", taught)


@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_the_commands_quoted_in_sentences_are_the_ones_taught(language: str) -> None:
    taught = {
        SHIPPED.gettext(language, message).replace("12", "%(number)s") for message in COMMANDS
    }
    sentences = [text for text in _used() if isinstance(text, str)]
    seen: set[str] = set()
    for sentence in sentences:
        meant = [one for one in QUOTED.findall(sentence) if not _is_place(one)]
        told = QUOTED.findall(SHIPPED.gettext(language, sentence))
        told = [one for one in told if not _is_place(one)]
        if {"approve", "drop"} & set(meant):  # what organisers answer to a preview
            assert [read_assent(one) for one in told] == [one == "approve" for one in meant]
            continue
        assert set(told) <= taught, sentence
        assert [_command(one, language) for one in told] == [_command(one, "en") for one in meant]
        seen |= set(meant)
    assert {_command(one, "en") for one in seen} >= {Subscribe(), Unsubscribe(), Help()}


def _is_place(quoted: str) -> bool:
    """A title or whatever somebody wrote stands in quotation marks as well."""
    return bool(re.fullmatch(r"%\(\w+\)s", quoted))


# --- how it is written there ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_written_in_its_script(language: str) -> None:
    if language in {"ru", "ar", "zh"}:
        for message in _messages(TRANSLATIONS / f"{language}.po").values():
            for text in _translations(message):
                words = re.sub(r"%\(\w+\)s|Africa/Nairobi|fr\b|[\W\d_]", "", text)
                shown = script_language(words)
                assert shown == language or not words, text


def test_no_catalogue_hides_marks_of_direction() -> None:
    for language in LANGUAGES:
        content = (TRANSLATIONS / f"{language}.po").read_text()
        assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", content)


def test_chinese_leaves_space_around_what_programs_make_a_link_of() -> None:
    """Else mail programs take the characters beside an address for a part of it."""
    linked = r"%\((?:address|series|author)\)s"
    for message in _messages(TRANSLATIONS / "zh.po").values():
        for text in _translations(message):
            assert not re.search(rf"[^ ]{linked}|{linked}[^ ]", text), text


@pytest.mark.parametrize("language", ["es", "ru", "ar"])
def test_quotation_marks_are_those_of_the_language(language: str) -> None:
    for message in _messages(TRANSLATIONS / f"{language}.po").values():
        for text in _translations(message):
            assert not re.search(r"['\"“”]|\.\.\.| [,.;:!?»]|« ", text), text
            assert text.count("«") == text.count("»"), text
