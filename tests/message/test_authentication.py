"""Which Authentication-Results are believed, and what they are taken to say."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.authentication import Authentication, trusted_result
from mailer.message.parse import parse
from tests.examples import examples

NONE, PASS, FAIL = Authentication.NONE, Authentication.PASS, Authentication.FAIL
MX = "mx.example.org"


def judge(*fields: str, author: str = "From: a@example.net", server: str = MX) -> Authentication:
    head = "".join(f"Authentication-Results: {field}\r\n" for field in fields)
    return trusted_result(parse(f"{head}{author}\r\n\r\nhi".encode()), server)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("mx.example.org; dmarc=pass header.from=example.net", PASS),
        ("mx.example.org; dmarc=fail header.from=example.net", FAIL),
        ("MX.Example.ORG; DMARC=Pass", PASS),
        ("mx.example.org 1; dmarc=pass", PASS),
        ("mx.example.org 2; dmarc=pass", NONE),
        ('"mx.example.org"; dmarc=pass', PASS),
        ("mx.example.org (our own; dmarc=fail) ; (x) dmarc (y) = (z) pass", PASS),
        ("mx.example.org;\r\n spf=fail smtp.mailfrom=b;\r\n\tdmarc=pass\r\n (p=none)", PASS),
        ("mx.example.org; dmarc/1=pass", PASS),
        ('mx.example.org; spf=pass reason="dmarc=fail; x" ; dmarc=pass', PASS),
        ('mx.example.org; spf=fail smtp.mailfrom="x; dmarc=pass"', NONE),
        ("mx.example.org; spf=fail (dmarc=pass)", NONE),
        ("mx.example.org; dmarc=pass header.from=evil.example", NONE),
        ("mx.example.org; dmarc=pass; dmarc=fail", FAIL),
        ("mx.example.org; dmarc=bestguesspass", NONE),
        ("mx.example.org; none", NONE),
        ("mx.example.org", NONE),
        ("", NONE),
        ("evil.example; dmarc=pass", NONE),
        ("mx.example.org.evil.example; dmarc=pass", NONE),
        ("x mx.example.org; dmarc=pass", NONE),
        ("mx.example.org; spf=fail; dkim=fail", FAIL),
        ("mx.example.org; spf=softfail; dkim=fail", FAIL),
        ("mx.example.org; spf=fail; dkim=none", FAIL),
        ("mx.example.org; spf=softfail; dkim=none", NONE),
        ("mx.example.org; spf=fail; dkim=pass", NONE),
        ("mx.example.org; spf=fail; dkim=fail; dkim=pass", NONE),
        ("mx.example.org; spf=fail", NONE),
        ("mx.example.org; dkim=fail", NONE),
        ("mx.example.org; spf=pass; dkim=fail", NONE),
        ("mx.example.org; dmarc=none; spf=fail; dkim=fail", FAIL),
        ("mx.example.org; dmarc=temperror; spf=pass", NONE),
    ],
)
def test_field_of_our_server_is_judged(field: str, expected: Authentication) -> None:
    assert judge(field) is expected


def test_only_the_topmost_field_counts() -> None:
    good, bad = f"{MX}; dmarc=pass", f"{MX}; dmarc=fail"
    foreign = "evil.example; dmarc=pass"
    assert judge(good, bad) is PASS
    assert judge(bad, good) is FAIL
    assert judge(foreign, good) is NONE
    assert judge(good, foreign) is PASS


def test_nobody_is_believed_where_no_server_is_named() -> None:
    assert judge(f"{MX}; dmarc=pass", server="") is NONE
    assert judge("; dmarc=pass", server="") is NONE


def test_mail_without_such_a_field_says_nothing() -> None:
    assert judge() is NONE


def test_domain_above_the_one_in_from_is_the_same_domain() -> None:
    field = f"{MX}; dmarc=pass header.from=example.net"
    assert judge(field, author="From: a@mail.example.net") is PASS
    assert judge(field, author="From: a@notexample.net") is NONE


def test_pass_for_one_of_two_from_fields_is_no_pass() -> None:
    two = "From: victim@example.org\r\nFrom: a@example.net"
    assert judge(f"{MX}; dmarc=pass header.from=example.net", author=two) is NONE


@settings(max_examples=examples(100), deadline=None)
@given(st.text(st.sampled_from('mx.example.org;= "\\()dmarc=pass\r\n1/é'), max_size=80))
def test_no_field_raises(field: str) -> None:
    judge(field.replace("\r", "").replace("\n", "\r\n "))


@pytest.mark.parametrize("attack", ["(", '"', '"\\', ";", "=", "a=", "\\"])
def test_hostile_field_takes_no_time(attack: str) -> None:
    started = time.process_time()
    judge(f"{MX}; " + attack * 60_000)
    assert time.process_time() - started < 0.5
