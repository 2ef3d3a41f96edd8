"""The whole text that an organiser wrote in a mail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailer.message.authored import authored
from tests.world import letter


def text(body: str, *fields: str, answers: bool = False) -> str:
    mail = letter("ada@example.org", "webinars+announce@lists.example.org", "News", body, *fields)
    return authored(mail, answers=answers)


def test_blank_lines_and_quotes_of_a_new_text_stay() -> None:
    assert text("\r\nDear all,\r\n\r\n> as one said\r\n\r\n- a\r\n- b\r\n") == (
        "Dear all,\n\n> as one said\n\n- a\n- b"
    )


def test_a_signature_is_not_part_of_it() -> None:
    assert text("Dear all\r\n-- \r\nAda\r\nExample Institute") == "Dear all"


def test_of_an_answer_the_quotes_are_not_part_of_it() -> None:
    body = (
        "Dear all,\r\n\r\na better text.\r\n\r\n"
        "On Thu, 1 Oct 2026 at 12:00, Talks <webinars@lists.example.org> wrote:\r\n"
        "> This announcement is queued\r\n"
    )
    assert text(body, answers=True) == "Dear all,\n\na better text."


def test_each_block_of_a_page_is_a_paragraph() -> None:
    mail = letter(
        "ada@example.org", "x@example.org", "News", "<p>Dear all,</p><p>a<br>b</p>"
    ).replace(b"text/plain", b"text/html")
    assert authored(mail, answers=False) == "Dear all,\n\na\n\nb"


@given(st.binary(max_size=400), st.booleans())
def test_it_never_raises(content: bytes, answers: bool) -> None:
    assert isinstance(authored(content, answers=answers), str)
