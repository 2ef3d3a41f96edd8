"""Tests of the personal places a template may print."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailer.message.facts import SeriesFacts
from mailer.message.personal import MarkMisused, Me, Printed, mailto, printed

SERIES = SeriesFacts(
    id="copyright",
    title="Copyright Infrastructure Webinars",
    address="webinars@lists.example.org",
    local="webinars",
    domain="lists.example.org",
    zone="Europe/Zurich",
    language="en",
)
WITH_WEB = SeriesFacts(
    id="copyright",
    title="Copyright Infrastructure Webinars",
    address="webinars-about-copyright-infrastructure@lists.example.org",
    local="wci",
    domain="lists.example.org",
    zone="Europe/Zurich",
    language="en",
    base_url="https://webinars.example.org/",
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("address", "zqmark-address-kramqz"),
        ("unsubscribe_address", "wci+unsubscribe-zqmark-unsubscribe-kramqz@lists.example.org"),
        (
            "unsubscribe_mailto",
            "mailto:wci+unsubscribe-zqmark-unsubscribe-kramqz@lists.example.org?subject=unsubscribe",
        ),
        ("unsubscribe_url", "https://webinars.example.org/u/zqmark-unsubscribe-kramqz"),
        ("preferences_url", "https://webinars.example.org/p/zqmark-preferences-kramqz"),
        ("confirm_address", "wci+confirm-zqmark-confirm-kramqz@lists.example.org"),
        ("confirm_url", "https://webinars.example.org/c/zqmark-confirm-kramqz"),
        ("confirm_token", "zqmark-confirm-kramqz"),
        ("register_address", "wci+register-zqmark-register-kramqz@lists.example.org"),
        ("register_url", "https://webinars.example.org/r/zqmark-register-kramqz"),
        ("skip_address", "wci+skip-zqmark-skip-kramqz@lists.example.org"),
        ("join_url", "https://webinars.example.org/j/zqmark-join-kramqz"),
        ("approve_address", "wci+approve-zqmark-approve-kramqz@lists.example.org"),
    ],
)
def test_each_place_is_its_address_or_page_with_a_mark(name: str, text: str) -> None:
    assert printed(Me(WITH_WEB)[name]) == text


@pytest.mark.parametrize("name", ["unsubscribe_url", "join_url", "nothing", "bounce_address"])
def test_without_web_there_are_no_pages_and_never_other_names(name: str) -> None:
    with pytest.raises(KeyError):
        Me(SERIES)[name]


OPERATIONS: tuple[Callable[[Any], object], ...] = (
    bool,
    str,
    repr,
    len,
    list,
    hash,
    lambda value: value == "x",
    lambda value: value != "x",
    lambda value: value < "x",
    lambda value: "x" in value,
    lambda value: value[0],
    lambda value: value + "x",
    lambda value: "x" + value,
    lambda value: "%s" % value,  # noqa: UP031 (the operator is what is tested)
    lambda value: f"{value}",
    lambda value: value(),
)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_can_be_done_with_a_personal_value(
    operation: Callable[[Printed], object],
) -> None:
    with pytest.raises(MarkMisused):
        operation(Me(SERIES)["address"])


@pytest.mark.parametrize("operation", [bool, str, len, list, hash])
def test_nor_with_the_person(operation: Callable[[Me], object]) -> None:
    with pytest.raises(MarkMisused):
        operation(Me(SERIES))


def test_a_mailto_link_encodes_what_would_end_it() -> None:
    assert mailto("a?b&c%d@example.org", "hello & bye") == (
        "mailto:a%3Fb%26c%25d@example.org?subject=hello%20%26%20bye"
    )
