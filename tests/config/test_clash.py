"""Addresses that would get into each other's way."""

from __future__ import annotations

import pytest

from mailer.config.clash import PLAIN_WORDS, TOKEN_WORDS, clashes, is_command_of
from mailer.config.model import Operator, Series
from mailer.message.address import Purpose, route

TOKEN = "abcdefghijklmnopqrstuvwxyz"


def series(
    series_id: str, address: str, short: str = "", organisers: tuple[str, ...] = ()
) -> Series:
    return Series(
        id=series_id,
        title="Talks",
        address=address,
        timezone="UTC",
        short=short,
        organisers=organisers,
    )


def found(*listed: Series, operator: str = "") -> list[str]:
    return [str(fault) for fault in clashes(listed, Operator(address=operator))]


WORDS = sorted({str(purpose) for purpose in Purpose} | {"leave", "nothing"})


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("mark", ["+", "-"])
def test_the_words_are_those_that_addresses_are_read_with(word: str, mark: str) -> None:
    one = [series("a", "talks@lists.example.org")]
    plain, token = (
        route(f"talks{mark}{rest}@lists.example.org", one) is not None
        for rest in (word, f"{word}-{TOKEN}")
    )
    assert (word in PLAIN_WORDS, word in TOKEN_WORDS) == (plain, token)


def test_series_side_by_side_are_fine() -> None:
    assert (
        found(
            series("a", "webinars@lists.example.org", organisers=("ann@example.org",)),
            series("b", "webinars-news@lists.example.org"),
            series("c", "webinars@other.example.org"),
            series("d", "webinars-help@third.example.org", short="wh"),
            operator="ops@lists.example.org",
        )
        == []
    )


@pytest.mark.parametrize(
    ("address", "short"),
    [("Webinars@lists.example.org", ""), ("talks@lists.example.org", "webinars")],
)
def test_the_same_address_twice_is_refused(address: str, short: str) -> None:
    key = "short" if short else "address"
    assert found(series("a", "webinars@lists.example.org"), series("b", address, short)) == [
        f"series.b.{key}: found webinars@lists.example.org,"
        " expected an address that series.a.address does not have"
    ]


@pytest.mark.parametrize(
    "local", ["webinars-help", "webinars+help", "webinars-register", f"webinars-confirm-{TOKEN}"]
)
def test_a_command_of_another_series_is_refused_in_either_order(local: str) -> None:
    one, other = (
        series("a", "webinars@lists.example.org"),
        series("b", f"{local}@lists.example.org"),
    )
    fault = (
        f"series.b.address: found {local}@lists.example.org, expected an address that is no"
        " command (webinars@lists.example.org would take it for one of its own)"
    )
    assert found(one, other) == found(other, one) == [fault]


def test_the_short_address_of_a_series_is_no_command_of_its_own() -> None:
    assert found(series("a", "talks@lists.example.org", short="talks-join")) == [
        "series.a.short: found talks-join@lists.example.org, expected an address that is no"
        " command (talks@lists.example.org would take it for one of its own)"
    ]
    assert found(series("a", "talks@lists.example.org", short="talks")) == []


@pytest.mark.parametrize(
    ("local", "command"),
    [
        ("w-help", True),
        ("w+bounce-x", True),
        ("w-help-desk", False),
        ("w-helpers", False),
        ("w", False),
        ("w-", False),
        ("whelp", False),
    ],
)
def test_what_reads_as_a_command(local: str, command: bool) -> None:
    assert is_command_of(local, "w") is command


@pytest.mark.parametrize("address", ["W@lists.example.org", "w+owner@lists.example.org"])
def test_people_are_not_ourselves(address: str) -> None:
    one = series("a", "w@lists.example.org", organisers=("x@example.org", address))
    assert found(one, operator=address) == [
        f"series.a.organisers[2]: found {address}, which is ours, expected a person's address",
        f"operator.address: found {address}, which is ours, expected a person's address",
    ]
