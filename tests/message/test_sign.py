"""Signatures, checked by dkimpy and against the test vector of RFC 8463.

What is prepared for all who get a mail has to come out as the mail of one person signed whole."""

from __future__ import annotations

import base64
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.compose import compose
from mailer.message.header import headers_for
from mailer.message.mark import Personal, mark
from mailer.message.relaxed import relaxed_body, relaxed_fields
from mailer.message.sign import OVERSIGNED, Signer, SigningKey, signed_fields
from mailer.message.skeleton import Place, Skeleton, Where
from tests.examples import examples
from tests.message.sample import NOW, SERIES, VALUES
from tests.message.verifier import DOMAIN, SELECTORS, key_of, pem, verifies

HEADERS = headers_for(series=SERIES, kind="k", subject="Über", language="en", date=NOW)
MESSAGE = compose(headers=HEADERS, text="Hello\n\nYou\n", html="<p>Hello</p>").fill(VALUES)
ALGORITHMS = list(SELECTORS)


@cache
def signer(*algorithms: str) -> Signer:
    return Signer(DOMAIN, {SELECTORS[one]: pem(key_of(one)) for one in algorithms})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_implementation_verifies_what_we_sign(algorithm: str) -> None:
    signed = signer(algorithm).sign(MESSAGE, NOW)
    assert signed.endswith(b"\r\n" + MESSAGE)
    assert verifies(signed, algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("found", "put"),
    [
        (b"Hello", b"Hullo"),
        (b"Subject: ", b"Subject: Re: "),
        (b"From: ", b"From: X "),
        (b"List-Unsubscribe: <https", b"List-Unsubscribe: <http"),
        (b"One-Click", b"Two-Click"),
        (b"List-Post: NO", b"List-Post: YES"),
        (b"auto-generated", b"no"),
        (b"boundary=", b"Boundary="),
        (b"--\r\n", b"--\r\nmore\r\n"),
        *[
            (b"To: ", name.encode() + b": added\r\nTo: ")
            for name in ("Subject", "Cc", "Reply-To", "List-Unsubscribe-Post", "Content-Type")
        ],
        (b"t=", b"t=1"),
    ],
)
def test_a_change_breaks_the_signature(algorithm: str, found: bytes, put: bytes) -> None:
    signed = signer(algorithm).sign(MESSAGE, NOW)
    assert found in signed
    assert not verifies(signed.replace(found, put, 1), algorithm)


def test_what_relays_may_change_does_not_break_it() -> None:
    signed = signer("ed25519").sign(MESSAGE, NOW)
    relayed = signed.replace(b"Subject: ", b"SUBJECT:\t ").replace(b"Hello\r\n", b"Hello  \r\n")
    relayed = b"Received: by relay.example.org\r\n" + relayed + b"\r\n\r\n"
    assert relayed != signed
    assert verifies(relayed, "ed25519")


def tags_of(field: str) -> dict[str, str]:
    """The tags of one DKIM-Signature field."""
    words = re.sub(r"\s", "", field.partition(":")[2]).split(";")
    return dict(word.split("=", 1) for word in words)


def body_hash(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()


def test_the_field_says_what_is_signed() -> None:
    signed = signer("rsa").sign(MESSAGE, NOW)
    field = signed[: len(signed) - len(MESSAGE)].decode()
    assert max(map(len, field.split("\r\n"))) <= 78
    tags = tags_of(field)
    names = tags.pop("h").split(":")
    assert len(base64.b64decode(tags.pop("b"))) == 256
    assert tags == {
        "v": "1",
        "a": "rsa-sha256",
        "c": "relaxed/relaxed",
        "d": DOMAIN,
        "s": "s1",
        "t": str(int(NOW.timestamp())),
        "bh": body_hash(MESSAGE.partition(b"\r\n\r\n")[2]),
    }
    sent = [name for name, _ in HEADERS] + ["MIME-Version", "Content-Type"]
    assert sorted(names) == sorted([*sent, *OVERSIGNED])


@pytest.mark.parametrize("order", [ALGORITHMS, ALGORITHMS[::-1]])
def test_two_keys_sign_one_mail_over_the_same_body_hash(order: list[str]) -> None:
    signed = signer(*order).sign(MESSAGE, NOW)
    assert signed.endswith(b"\r\n" + MESSAGE)
    assert [verifies(signed, algorithm, at) for at, algorithm in enumerate(order)] == [True, True]
    added = signed[: len(signed) - len(MESSAGE)].decode()
    first, second = map(tags_of, re.split(r"\r\n(?=DKIM)", added.removesuffix("\r\n")))
    own = ("a", "s", "b")
    assert {n: v for n, v in first.items() if n not in own} == {
        n: v for n, v in second.items() if n not in own
    }
    assert [(one["a"], one["s"]) for one in (first, second)] == [
        (f"{algorithm}-sha256", SELECTORS[algorithm]) for algorithm in order
    ]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_of_two_signatures_holds_without_the_other(algorithm: str) -> None:
    both = signer(*ALGORITHMS).sign(MESSAGE, NOW)
    alone = signer(algorithm).sign(MESSAGE, NOW)
    field = alone[: len(alone) - len(MESSAGE)].partition(b" b=")[0]
    assert both.count(field) == 1
    start = both.index(field)
    end = re.compile(rb"\r\n(?! )").search(both, start)
    assert end is not None
    assert verifies(both[start : end.end()] + MESSAGE, algorithm)


def test_only_rsa_is_slow_enough_for_threads() -> None:
    assert [signer(one).in_threads for one in ALGORITHMS] == [True, False]
    assert signer(*ALGORITHMS).in_threads


SPACES = st.text(st.sampled_from(" \tab"), max_size=8)


@given(
    values=st.lists(SPACES, min_size=1, max_size=4),
    folds=st.lists(SPACES.map(" {}x".format), max_size=3),
    body=st.lists(SPACES, max_size=6),
    tail=st.sampled_from(["", "\r\n", "\r\n\r\n\r\n", " \r\n\t\r\n", "\r\n "]),
)
@settings(deadline=None, max_examples=examples(60))
def test_odd_white_space_is_signed_as_others_read_it(
    values: list[str], folds: list[str], body: list[str], tail: str
) -> None:
    fields = [f"Subject:{value}x" for value in values] + ["From: a@lists.example.org"]
    head = "\r\n".join(["\r\n".join([field, *folds]) for field in fields])
    message = f"{head}\r\n\r\n" + "\r\n".join(body) + tail + "\r\n"
    assert verifies(signer("ed25519").sign(message.encode(), NOW), "ed25519")


# What is prepared once


def both_ways(skeleton: Skeleton, values: dict[Personal, str]) -> tuple[bytes, bytes]:
    """The mail of one person, filled and signed at once, and signed after it was filled."""
    one = signer("ed25519")
    return one.prepared(skeleton).fill(values, NOW), one.sign(skeleton.fill(values), NOW)


TOKENS = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=42)
LOCALS = st.text("abc019!#$%&'*+-/=?^_`{|}~é中", min_size=1, max_size=70)
QUOTED = st.text('ab  .@,<>"\\', min_size=1, max_size=20).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
VALUE = dict.fromkeys(Personal, TOKENS) | {
    Personal.ADDRESS: st.one_of(LOCALS, QUOTED).map("{}@example.org".format),
    Personal.DATE: st.just(VALUES[Personal.DATE]),
    Personal.ANSWERED: st.just(VALUES[Personal.ANSWERED]),
}
IN_HEAD = st.sampled_from(Personal).map(lambda one: Place(personal=one, where=Where.HEADER))
IN_BODY = st.builds(
    Place,
    personal=st.sampled_from([p for p in Personal if p not in (Personal.DATE, Personal.ANSWERED)]),
    where=st.sampled_from([where for where in Where if where is not Where.HEADER]),
)
HEAD_PIECE = st.lists(
    st.sampled_from(["a", " ", "  ", "\t", "\r\n ", "\r\nTo: ", "\r\nX-Other:", "\r\nCc:  b"]),
    max_size=4,
).map("".join)
BODY_PIECE = st.lists(
    st.sampled_from(["a", " ", "  ", "\t", "\r\n", "=\r\n", "."]), max_size=5
).map("".join)


@st.composite
def skeletons(draw: st.DrawFn) -> Skeleton:
    """Mails cut anywhere, in signed fields and others, and in bodies that end anyhow."""
    places = (draw(st.lists(IN_HEAD, max_size=5)), draw(st.lists(IN_BODY, max_size=5)))
    head, body = (
        [draw(piece) for _ in range(len(of) + 1)]
        for piece, of in zip((HEAD_PIECE, BODY_PIECE), places, strict=True)
    )
    pieces = [*head[:-1], f"{head[-1]}\r\nSubject: x\r\n\r\n{body[0]}", *body[1:]]
    pieces[0] = "From: a@lists.example.org" + pieces[0]
    return Skeleton(
        pieces=tuple(piece.encode() for piece in pieces), places=(*places[0], *places[1])
    )


@given(skeletons(), st.fixed_dictionaries(VALUE))
@settings(deadline=None, max_examples=examples(400))
def test_a_prepared_mail_is_signed_as_the_filled_one(
    skeleton: Skeleton, values: dict[Personal, str]
) -> None:
    at_once, after = both_ways(skeleton, values)
    assert at_once == after


def test_a_prepared_mail_of_ours_is_signed_as_the_filled_one_and_verifies() -> None:
    one = signer(*ALGORITHMS)
    text = f"You are {mark(Personal.ADDRESS)},\n\nleave: {mark(Personal.UNSUBSCRIBE)}\n"
    prepared = one.prepared(compose(headers=HEADERS, text=text, html=f"<p>{text}</p>"))
    for address in ("jane@example.org", '"a  b"@example.org', "é" * 90 + "@example.org"):
        values = {**VALUES, Personal.ADDRESS: address}
        signed = prepared.fill(values, NOW)
        assert signed == one.sign(prepared.skeleton.fill(values), NOW)
        assert [verifies(signed, algorithm, at) for at, algorithm in enumerate(ALGORITHMS)] == [
            True,
            True,
        ]


def test_several_threads_sign_what_one_would_have_signed() -> None:
    prepared = signer(*ALGORITHMS).prepared(
        compose(headers=HEADERS, text=f"{mark(Personal.UNSUBSCRIBE)}\n" * 99, html="x")
    )
    people = [
        {
            **VALUES,
            Personal.UNSUBSCRIBE: f"{number:a>26}",
            Personal.ADDRESS: f"{number}@example.org",
        }
        for number in range(60)
    ]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda values: prepared.fill(values, NOW), people))
    assert found == [prepared.fill(values, NOW) for values in people]


@pytest.mark.parametrize("bad", [b"A: b\n\nc", b"A: b\r\n\r\nc\rd", b"A: b\r\r\n\r\n", b"\n"])
def test_a_bare_line_end_is_not_signed(bad: bytes) -> None:
    with pytest.raises(ValueError, match="bare"):
        signer("ed25519").sign(bad, NOW)


def test_a_nul_is_not_signed() -> None:
    with pytest.raises(ValueError, match="NUL"):
        signer("ed25519").sign(b"A: b\r\n\r\n\0000\0", NOW)


def test_weak_and_unknown_keys_are_refused() -> None:
    elliptic = generate_private_key(SECP256R1())
    others = [
        pem(generate_rsa(65537, 1024)),
        elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ]
    for other in others:
        with pytest.raises(ValueError, match="2048"):
            Signer(DOMAIN, {"s1": other})
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own words
        Signer(DOMAIN, {"s1": b"no key"})


# RFC 8463 appendix A: key, mail and signature.
VECTOR_KEY = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
VECTOR_PUBLIC = b"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
VECTOR_BODY = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n\r\n"
VECTOR_HEAD = (
    b"From: Joe SixPack <joe@football.example.com>\r\n"
    b"To: Suzie Q <suzie@shopping.example.net>\r\n"
    b"Subject: Is dinner ready?\r\n"
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>"
)
VECTOR_UNSIGNED = (
    b"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    b" d=football.example.com; i=@football.example.com;\r\n"
    b" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    b" subject : date : message-id : from : subject : date;\r\n"
    b" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
    b" b="
)
VECTOR_SIGNATURE = (
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
)


def test_the_published_vector_comes_out() -> None:
    assert body_hash(VECTOR_BODY) == "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"]
    data = signed_fields(relaxed_fields(VECTOR_HEAD), names) + relaxed_fields(VECTOR_UNSIGNED)[0]
    key = Ed25519PrivateKey.from_private_bytes(VECTOR_KEY)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert base64.b64encode(public) == VECTOR_PUBLIC
    signature = SigningKey(selector="brisbane", key=key).signature(data)
    assert base64.b64encode(signature).decode() == VECTOR_SIGNATURE


def test_a_signature_is_the_same_for_the_same_instant() -> None:
    once, again = (signer("ed25519").sign(MESSAGE, datetime(2026, 1, 1, tzinfo=UTC)) for _ in "ab")
    assert once == again
