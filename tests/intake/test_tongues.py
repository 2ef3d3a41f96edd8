"""In which language a person is written to, from their first mail on."""

from __future__ import annotations

import pytest

from mailer.message.address import Purpose
from mailer.parts import Parts
from mailer.store import people
from tests.outbox_reader import queued
from tests.world import ANA, SERIES, letter, mail_in, subscribed

TO = SERIES.address
ENGLISH_MENUS = "Content-Language: en-US"


async def kept(parts: Parts) -> str | None:
    found = await parts.store.read(lambda c: people.find(c, SERIES.id, ANA.key))
    assert found is not None
    return found.language


async def answered_in(parts: Parts) -> str:
    return (await queued(parts))[-1].language


@pytest.mark.parametrize(
    ("subject", "text", "field", "language"),
    [
        ("suscribir", "", ENGLISH_MENUS, "es"),
        ("подписаться", "", ENGLISH_MENUS, "ru"),
        ("", "أرجو إضافتي إلى القائمة، شكرا", ENGLISH_MENUS, "ar"),
        ("请把我加到名单里", "", ENGLISH_MENUS, "zh"),
        ("webinars", "Bonjour, je voudrais recevoir vos annonces.", ENGLISH_MENUS, "fr"),
        ("webinars", "Hola, quisiera recibir los anuncios.", "X-A: b", "es"),
        ("webinars", "", "Content-Language: zh-TW", "zh"),
        ("webinars", "", "Accept-Language: es-MX, en;q=0.5", "es"),
        ("webinars", "", "X-A: b", None),
    ],
)
async def test_a_new_person_is_written_to_as_they_wrote(
    parts: Parts, subject: str, text: str, field: str, language: str | None
) -> None:
    await mail_in(parts, letter("ana@example.net", TO, subject, text, field))
    assert await kept(parts) == language
    assert await answered_in(parts) == (language or SERIES.language)


async def test_a_subscribe_address_listens_to_its_subject(parts: Parts) -> None:
    to = TO.replace("@", "+subscribe@")
    await mail_in(parts, letter("ana@example.net", to, "suscribir"), to)
    assert await kept(parts) == "es"


async def test_menus_in_another_language_change_nothing_for_whom_we_know(parts: Parts) -> None:
    await mail_in(parts, letter("ana@example.net", TO, "suscribir"))
    for subject in ("info", "status", "???"):
        await mail_in(parts, letter("ana@example.net", TO, subject, "", ENGLISH_MENUS))
    assert [row.language for row in await queued(parts)] == ["es", "es", "en"]


async def test_a_language_that_no_mail_is_written_in_is_refused(parts: Parts) -> None:
    ana = await subscribed(parts)
    await parts.store.write(
        lambda c: people.prefer(c, ana.subscriber_id, now=parts.clock.now(), language="fr")
    )
    day = parts.clock.now().date()
    token = parts.secrets.mint.mint(Purpose.PREFERENCES, subject=ana.id, day=day)
    to = f"webinars+preferences-{token}@lists.example.org"
    for wish, language in (("language pt-BR", "fr"), ("language zh-TW", "zh-tw")):
        await mail_in(parts, letter("ana@example.net", to, wish), to)
        assert await kept(parts) == language
