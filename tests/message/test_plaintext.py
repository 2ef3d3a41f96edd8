"""Tests of how a body's lines are filled."""

from __future__ import annotations

import textwrap

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.plaintext import WIDTH, wrapped
from tests.examples import examples

SENTENCE = "感谢您的来信，我们已转交主办方；如需答复，他们会直接与您联系。"


def test_chinese_lines_are_half_as_many_characters() -> None:
    assert wrapped(SENTENCE * 3).splitlines() == [
        "感谢您的来信，我们已转交主办方；如需答复，他们会直接与您联系。感谢您的来信，",
        "我们已转交主办方；如需答复，他们会直接与您联系。感谢您的来信，我们已转交主办",
        "方；如需答复，他们会直接与您联系。",
    ]


def test_no_chinese_line_begins_with_what_closes_or_ends_with_what_opens() -> None:
    for length in range(30, 45):
        first, second = wrapped("字" * length + "，（例如）。" + "字" * 10).splitlines()
        assert first[-1] not in "（"
        assert second[0] not in "，。）"


def test_a_date_an_address_and_a_link_stay_whole_among_chinese() -> None:
    for length in range(25, 40):
        text = "字" * length + "2026年11月25日" + " webinars@lists.example.org 即可。"
        lines = wrapped(text).splitlines()
        assert sum("2026年11月25日" in line for line in lines) == 1
        assert sum("webinars@lists.example.org" in line for line in lines) == 1


def test_a_long_item_goes_on_under_its_bullet() -> None:
    lines = wrapped("- " + "字" * 60 + "\n> " + "word " * 20).splitlines()
    assert lines[:2] == ["- " + "字" * 37, "  " + "字" * 23]
    assert lines[2:] == ["> " + "word " * 14 + "word", "> " + "word " * 4 + "word"]


def test_signs_without_width_take_no_room() -> None:
    line = ("كلمة\u0651 " * 15).strip()
    assert len(line) > WIDTH
    assert wrapped(line) == f"{line}\n"


@settings(max_examples=examples(200))
@given(st.text(alphabet="ab é,.“”«»(-5", max_size=300))
def test_languages_with_spaces_are_wrapped_at_their_spaces(text: str) -> None:
    text = text.strip()
    if text.startswith("-") or not text:
        return
    ours = wrapped(text).splitlines()
    assert " ".join(" ".join(ours).split()) == " ".join(text.split())
    if "  " not in text and len(text) > WIDTH:
        assert ours == textwrap.wrap(
            text, WIDTH, break_long_words=False, break_on_hyphens=False, expand_tabs=False
        )
