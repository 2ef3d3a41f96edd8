"""A letter drawn: what stands in its head agrees with what it says."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from mailer.message.letter import Letter, draw
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import sample
from tests.message.sample import NOW, VALUES


@pytest.mark.parametrize(
    ("wanted", "written"), [("en", "en"), ("fr", "fr"), ("xx", "en"), ("fr-CH", "fr")]
)
def test_the_content_language_is_the_one_the_mail_is_written_in(wanted: str, written: str) -> None:
    letter = Letter(template="welcome", facts=sample("welcome", language=wanted))
    drawn = draw(letter, Renderer(builtin_templates()), kind="welcome", date=NOW)
    message = message_from_bytes(drawn.fill(VALUES), policy=policy.SMTP)
    assert message["Content-Language"] == written
