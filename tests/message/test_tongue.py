"""Tests of what a text tells of its language."""

from __future__ import annotations

import pytest

from mailer.message.tongue import script_language, words_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Re: подписаться пожалуйста", "ru"),
        ("أود الاشتراك في الندوات", "ar"),
        ("请将我加入 webinars", "zh"),
        ("please подп", None),
        ("підписатися, будь ласка", None),
        ("می‌خواهم مشترک شوم", None),
        ("登録したいです", None),
        ("123", None),
        ("", None),
    ],
)
def test_a_script_tells_the_language_if_no_neighbour_shares_the_letters(
    text: str, language: str | None
) -> None:
    assert script_language(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello, please add me to your list", "en"),
        ("I would like to hear of the webinars", "en"),
        ("Please add me", "en"),
        ("Bonjour, je voudrais m'inscrire à vos webinaires, s'il vous plaît", "fr"),
        ("Je souhaite recevoir les annonces", "fr"),
        ("J’aimerais participer. Merci d’avance !", "fr"),
        ("Hola, quisiera recibir información sobre los seminarios", "es"),
        ("Me gustaría participar en el webinar, gracias", "es"),
        ("Guten Tag, bitte nehmen Sie mich in Ihre Liste auf", "de"),
        ("Buongiorno, vorrei ricevere gli inviti", "it"),
        ("Olá, gostaria de receber os convites", "pt"),
        ("Graag ontvang ik uw aankondigingen", "nl"),
        ("webinars", None),
        ("Merci", None),
        ("ISCC 24138 Geneva", None),
        ("de la", None),
        ("", None),
    ],
)
def test_little_words_tell_the_language_unless_it_might_be_another(
    text: str, language: str | None
) -> None:
    assert words_language(text) == language
