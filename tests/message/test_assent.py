"""An organiser's yes or no to a preview, in all six languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.message.assent import NO, YES, read_assent
from mailer.message.phrase import spellings


@pytest.mark.parametrize(
    "line",
    [
        "approve",
        "Re: Approve",
        "APPROVE!",
        "ok, thanks",
        "Please approve.",
        "yes",
        "send it",
        "Looks good to me.",
        "j’approuve",
        "Oui, merci",
        "Sí",
        "aprobar",
        "одобряю",
        "Да, спасибо",
        "نعم",
        "موافق",
        "批准",
        "同意",
    ],
)
def test_yes(line: str) -> None:
    assert read_assent(line) is True


@pytest.mark.parametrize(
    "line",
    [
        "drop",
        "Re: drop",
        "no",
        "Stop!",
        "cancel it",
        "don't send it",
        "non merci",
        "abandonner",
        "descartar",
        "no enviar",
        "отменить",
        "нет",
        "إلغاء",
        "لا",
        "取消",
        "不要发送",
    ],
)
def test_no(line: str) -> None:
    assert read_assent(line) is False


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Re: Please approve: News",
        "Dear all,",
        "No, wait a bit",
        "yes and no",
        "not yet",
        "I do not approve of this",
        "Sent from my phone",
    ],
)
def test_anything_else_is_neither(line: str) -> None:
    assert read_assent(line) is None


def test_no_word_means_both() -> None:
    yes = {word for pattern in YES for word in spellings(pattern)}
    assert not yes & {word for pattern in NO for word in spellings(pattern)}


@given(st.text(max_size=300))
def test_it_never_raises(line: str) -> None:
    assert read_assent(line) in (True, False, None)
