"""Which language a text shows itself to be in: by its script, or by its commonest little words.

Knows the six languages of our mails, and of their neighbours enough not to mistake them. Says None
rather than guess: a text of few words, or of two languages, does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mailer.message.phrase import key

_FEWEST = 2  # little words that must be found, and more of them than of any other language


def script_language(text: str) -> str | None:
    """Arabic, Russian or Chinese, if most letters of the text are of their script and none is of a
    neighbour that shares it (Persian, Ukrainian, Japanese…)."""
    letters = sum(map(str.isalpha, text))
    for language, (script, foreign, weight) in _SCRIPTS.items():
        found = len(script.findall(text))
        if (weight + 1) * found > letters:
            return None if foreign.search(text) else language
    return None


def words_language(text: str) -> str | None:
    """English, French, Spanish, or a neighbour of theirs, by what its sentences are made with."""
    words = key(text).split()
    found = sorted((sum(word in own for word in words), tag) for tag, own in _LITTLE_WORDS.items())
    (second, _), (best, language) = found[-2:]
    return language if best >= _FEWEST and best > second else None


# The script, letters in it that the language does not use, and how many letters one is worth.
_SCRIPTS = {
    "ar": (re.compile("[\u0620-\u064a\u066e-\u06d3]"), re.compile("[پچژگکیڑےۆ]"), 1),
    "ru": (
        re.compile("[\u0400-\u052f]"),
        re.compile("[іїєґўјљњћђџѓќѕәғқңөұүһ]", re.IGNORECASE),
        1,
    ),
    "zh": (re.compile("[\u3400-\u4dbf\u4e00-\u9fff]"), re.compile("[\u3040-\u30ff]"), 2),
}
# Without accents, as `key` gives them.
_LITTLE_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": (
            "a and are be can could for from get hello hi i in is it like list me my of on"
            " please sign thank thanks that the this to up want we will with would you your"
        ),
        "fr": (
            "a ai aimerais au aux avec bonjour ce cette d dans de des du en est et j je l"
            " la le les m merci mon nous par pas plait pour que qui s sur svp un une vos"
            " votre voudrais vous"
        ),
        "es": (
            "a al buenas buenos con de del dias el en es esta favor gracias gustaria hola"
            " la las les los me mi mis para por que quiero quisiera se su sus un una usted"
            " ustedes y"
        ),
        "de": (
            "bitte danke das den der die ein eine fur gerne guten hallo ich ihre ihren"
            " ihrer im in ist mich mir mit mochte nicht sie tag und uns vielen von zu zum"
        ),
        "it": (
            "a alla buongiorno che con del della di e favore gli grazie il in io la le mi"
            " per prego salve sono un una vorrei vostra vostri"
        ),
        "pt": (
            "a as bom com da de dia do dos e em eu favor gostaria me na nao o obrigada"
            " obrigado ola os para por que quero seus sua suas uma um"
        ),
        "nl": (
            "aan bedankt de dit een en graag het hallo ik in is met mij naar niet op u uw"
            " van voor wij wil zou"
        ),
    }.items()
}
