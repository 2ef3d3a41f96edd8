"""What of a mail its writer wrote, and what their program quoted."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.quotation import unquoted
from tests.examples import examples

ATTRIBUTIONS = [
    "On Wed, 28 Oct 2026 at 13:00, Webinars <webinars@example.org> wrote:",
    "Le mer. 28 oct. 2026 à 13:00, Webinars <webinars@example.org> a écrit :",
    "El mié, 28 oct 2026 a las 13:00, Webinars (<webinars@example.org>) escribió:",
    "ср, 28 окт. 2026 г. в 13:00, Webinars <webinars@example.org>:",
    "28.10.2026 13:00, Webinars пишет:",
    "28.10.2026 13:00, Webinars написал(а):",
    "في الأربعاء، 28 أكتوبر 2026 كتب Webinars:",
    "في الأربعاء، ٢٨ أكتوبر ٢٠٢٦ تمت كتابة ما يلي بواسطة <webinars@example.org>:",
    "Webinars <webinars@example.org> 于2026年10月28日周三 13:00写道：",
    "在 2026年10月28日，Webinars 寫道：",
    "At 2026-10-28 13:00:00, webinars@example.org wrote:",
]
COPIES = [
    ["-----Original Message-----"],
    ["-----Message d'origine-----"],
    ["-----Mensaje original-----"],
    ["-----Исходное сообщение-----"],
    ["-----الرسالة الأصلية-----"],
    ["------------------ 原始邮件 ------------------"],
    ["---------- Forwarded message ---------"],
    ["________________________________"],
    ["From: Webinars", "Sent: Wednesday", "Subject: hi"],
    ["*De :* Webinars", "*Envoyé :* mercredi"],
    ["De: Webinars", "", "Enviado el: miércoles"],
    ["От: Webinars", "Дата: среда"],
    ["من: Webinars", "تاريخ الإرسال: الأربعاء"],
    ["发件人: Webinars", "发送时间: 星期三"],
    ["寄件者：Webinars", "日期：星期三"],
]


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_nothing_after_a_line_that_says_who_wrote_is_the_writers(line: str) -> None:
    assert unquoted(["Thanks", "", line, "", "unsubscribe"]) == ("Thanks",)


@pytest.mark.parametrize("line", ATTRIBUTIONS)
def test_answer_below_a_marked_quote_is_the_writers(line: str) -> None:
    quoted = [line, "> help", ">> more", "> unsubscribe", "", "subscribe"]
    assert unquoted(quoted) == ("subscribe",)


@pytest.mark.parametrize("copy", COPIES)
def test_nothing_after_the_head_of_a_copied_mail_is_the_writers(copy: list[str]) -> None:
    assert unquoted(["Thanks", *copy, "", "unsubscribe"]) == ("Thanks",)


def test_attribution_may_be_broken_over_lines() -> None:
    broken = ["On Wed, 28 Oct 2026 Webinars", "<webinars@example.org>", "wrote:"]
    assert unquoted(["Thanks", *broken, "unsubscribe"]) == ("Thanks",)
    assert unquoted(["Thanks", "", *broken, "unsubscribe"]) == ("Thanks",)


@pytest.mark.parametrize("command", ["unsubscribe", "register 3", "pause until 28.10.2026"])
def test_command_right_above_an_attribution_is_kept(command: str) -> None:
    for line in ATTRIBUTIONS:
        assert unquoted([command, line, "> unsubscribe"]) == (command,)
    broken = ["On Wed, 28 Oct 2026 Webinars", "<webinars@example.org> wrote:"]
    assert unquoted([command, *broken, "> unsubscribe"]) == (command,)


def test_signature_ends_the_text() -> None:
    assert unquoted(["subscribe", "-- ", "unsubscribe"]) == ("subscribe",)


def test_own_lines_are_stripped_and_empty_ones_left_out() -> None:
    assert unquoted(["", "  Hello ", "\t", "From: a friend", "De rien", "-"]) == (
        "Hello",
        "From: a friend",
        "De rien",
        "-",
    )


@settings(max_examples=examples(100), deadline=None)
@given(
    st.lists(
        st.sampled_from([*ATTRIBUTIONS, "> a", "", "--", "hi", "From: a", "To: b"]), max_size=20
    )
)
def test_no_quoted_line_is_ever_handed_on(lines: list[str]) -> None:
    kept = unquoted(lines)
    assert [line for line in kept if not line or line.startswith(">") or line == "--"] == []
    assert unquoted(list(kept)) == kept or any(line in ATTRIBUTIONS for line in lines)


@pytest.mark.parametrize("line", ["-" * 5000, "- " * 2500, ":" * 5000, "wrote:", "From: a", "1"])
def test_hostile_lines_take_no_time(line: str) -> None:
    started = time.process_time()
    unquoted([line] * 2000)
    assert time.process_time() - started < 0.5
