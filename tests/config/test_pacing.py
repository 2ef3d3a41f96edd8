"""Limits of domains and the warm-up, as they are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailer.config.pacing import RATE_EXPECTED, START_EXPECTED
from scheduler.pace import WarmUp
from tests.config.sample import Faults, Read

START = datetime(2026, 11, 25, tzinfo=UTC)


def test_nothing_is_limited_unless_it_is_said(read: Read) -> None:
    outbound = read().outbound
    assert (outbound.domains, outbound.warm_up) == ({}, None)


def test_a_domain_has_a_rate_in_the_unit_that_suits_it(read: Read) -> None:
    text = (
        '[outbound.domains]\n"A.example" = 20\n"b.example" = 0.5\n"c.example" = "600/h"\n'
        '"d.example" = "1/d"\n"e.example" = "90 / m"\n"f.example" = "2.5/s"\n"g.example" = 0\n'
        '"bücher.example" = 1\n"*" = 50\n'
    )
    assert read(text).outbound.domains == {
        "a.example": 20.0,
        "b.example": 0.5,
        "c.example": 600 / 3_600,
        "d.example": 1 / 86_400,
        "e.example": 1.5,
        "f.example": 2.5,
        "g.example": 0.0,
        "xn--bcher-kva.example": 1.0,
        "*": 50.0,
    }


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("-1", "the number -1"),
        ("nan", "the number nan"),
        ("inf", "the number inf"),
        ("1e-9", "the number 1e-09"),
        ("true", "true"),
        ('"fast"', '"fast"'),
        ('"600"', '"600"'),
        ('"-6/h"', '"-6/h"'),
        ('"6/w"', '"6/w"'),
        ('"0.1/d"', '"0.1/d"'),
    ],
)
def test_a_rate_that_is_none_is_told(faults: Faults, value: str, found: str) -> None:
    assert faults(f'[outbound]\ndomains = {{ "a.example" = {value} }}\n') == [
        f"outbound.domains.a.example: found {found}, expected {RATE_EXPECTED}"
    ]


@pytest.mark.parametrize("name", ["no domain", "", "me@a.example", "a..example", "*.example"])
def test_a_name_that_is_no_domain_is_told(faults: Faults, name: str) -> None:
    (line,) = faults(f'[outbound.domains]\n"{name}" = 1\n')
    assert line.endswith(f'found "{name}", expected a domain like "example.com", or "*"')


def test_two_spellings_of_a_domain_are_one(faults: Faults) -> None:
    assert faults('[outbound.domains]\n"a.example" = 1\n"A.example" = 2\n') == [
        'outbound.domains.A.example: found "A.example", expected each domain once'
    ]


def test_a_warm_up_needs_its_start_alone(read: Read) -> None:
    assert read("[outbound]\nwarm_up = { start = 2026-11-25 }\n").outbound.warm_up == WarmUp(
        start=START, first_day=500, factor=1.5, days=14
    )
    text = (
        "[outbound.warm_up]\nstart = 2026-11-25T09:00:00+01:00\nfirst_day = 50\nfactor = 2\n"
        "days = 30\n"
    )
    assert read(text).outbound.warm_up == WarmUp(
        start=START.replace(hour=8), first_day=50, factor=2.0, days=30
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("days = 3", f"start: found nothing, expected {START_EXPECTED}"),
        (
            "start = 2026-11-25T09:00:00",
            f"start: found the time 2026-11-25T09:00:00, expected {START_EXPECTED}",
        ),
        ('start = "soon"', f'start: found "soon", expected {START_EXPECTED}'),
        (
            "start = 2026-11-25, first_day = 0",
            "first_day: found the number 0, expected a whole number from 1",
        ),
        (
            "start = 2026-11-25, factor = 0.9",
            "factor: found the number 0.9, expected a number from 1",
        ),
        (
            "start = 2026-11-25, days = 366",
            "days: found the number 366, expected a whole number from 1 to 365",
        ),
    ],
)
def test_a_warm_up_that_cannot_be_is_told(faults: Faults, text: str, fault: str) -> None:
    assert faults(f"[outbound]\nwarm_up = {{ {text} }}\n") == [f"outbound.warm_up.{fault}"]
