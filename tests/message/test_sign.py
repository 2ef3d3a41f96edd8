"""Signatures, checked by dkimpy and against the test vector of RFC 8463."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace

import dkim  # type: ignore[import-untyped]
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
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
from mailer.message.sign import OVERSIGNED, Signer, body_hash, canonical_field, signing_input
from tests.examples import examples
from tests.message.sample import NOW, SERIES, VALUES

DOMAIN = "lists.example.org"
HEADERS = headers_for(series=SERIES, kind="k", subject="Über", language="en", date=NOW)
MESSAGE = compose(headers=HEADERS, text="Hello\n\nYou\n", html="<p>Hello</p>").fill(VALUES)
ALGORITHMS = ["rsa", "ed25519"]


@cache
def key_of(algorithm: str) -> RSAPrivateKey | Ed25519PrivateKey:
    return generate_rsa(65537, 2048) if algorithm == "rsa" else Ed25519PrivateKey.generate()


def pem(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def signer(algorithm: str) -> Signer:
    return Signer(DOMAIN, "s1", pem(key_of(algorithm)))


def record(algorithm: str) -> bytes:
    key = key_of(algorithm).public_key()
    if algorithm == "rsa":
        public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        public = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return b"v=DKIM1; k=" + algorithm.encode() + b"; p=" + base64.b64encode(public)


class BadSignature(Exception):
    """What dkimpy expects of the library that it checks Ed25519 with."""


class VerifyKey:
    """That library's key, over `cryptography`, so that it need not be installed for this."""

    def __init__(self, key: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

    def verify(self, data: bytes, signature: bytes) -> None:
        try:
            self._key.verify(signature, data)
        except InvalidSignature as error:
            raise BadSignature from error


@pytest.fixture(autouse=True)
def _lend_dkimpy_ed25519(monkeypatch: pytest.MonkeyPatch) -> None:
    lent = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=VerifyKey),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(ValueError=ValueError, BadSignatureError=BadSignature),
    )
    monkeypatch.setattr(dkim, "nacl", lent, raising=False)


def verifies(message: bytes, algorithm: str, index: int = 0) -> bool:
    def dns(name: bytes, timeout: float = 5) -> bytes:
        assert name == b"s1._domainkey.lists.example.org."
        return record(algorithm)

    try:
        return bool(dkim.DKIM(message, minkey=1024).verify(idx=index, dnsfunc=dns))
    except dkim.DKIMException:
        return False


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


def test_the_field_says_what_is_signed() -> None:
    signed = signer("rsa").sign(MESSAGE, NOW)
    field = signed[: len(signed) - len(MESSAGE)].decode()
    assert max(map(len, field.split("\r\n"))) <= 78
    tags = dict(tag.split("=", 1) for tag in re.sub(r"\s", "", field.partition(":")[2]).split(";"))
    names = tags.pop("h").split(":")
    assert len(base64.b64decode(tags.pop("b"))) == 256
    assert tags == {
        "v": "1",
        "a": "rsa-sha256",
        "c": "relaxed/relaxed",
        "d": DOMAIN,
        "s": "s1",
        "t": str(int(NOW.timestamp())),
        "bh": base64.b64encode(body_hash(MESSAGE.partition(b"\r\n\r\n")[2])).decode(),
    }
    sent = [name for name, _ in HEADERS] + ["MIME-Version", "Content-Type"]
    assert sorted(names) == sorted([*sent, *OVERSIGNED])


def test_both_algorithms_can_sign_one_mail() -> None:
    signed = signer("rsa").sign(signer("ed25519").sign(MESSAGE, NOW), NOW)
    assert verifies(signed, "rsa", 0)
    assert verifies(signed, "ed25519", 1)


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


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"", b""),
        (b"\r\n\r\n", b""),
        (b" \t\r\n", b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),
        (b"a", b"a\r\n"),
        (b"a \t", b"a\r\n"),
        (b"a\r\n\r\nb\r\n", b"a\r\n\r\nb\r\n"),
    ],
)
def test_body_in_relaxed_form(body: bytes, canonical: bytes) -> None:
    assert body_hash(body) == hashlib.sha256(canonical).digest()


@pytest.mark.parametrize(
    ("field", "canonical"),
    [
        (b"A: X", b"a:X"),
        (b"B : Y\t\r\n\tZ  ", b"b:Y Z"),
        (b"C:", b"c:"),
        (b"SUBJect: AbC:d", b"subject:AbC:d"),
    ],
)
def test_field_in_relaxed_form(field: bytes, canonical: bytes) -> None:
    assert canonical_field(field) == canonical


@pytest.mark.parametrize("bad", [b"A: b\n\nc", b"A: b\r\n\r\nc\rd", b"A: b\r\r\n\r\n", b"\n"])
def test_a_bare_line_end_is_not_signed(bad: bytes) -> None:
    with pytest.raises(ValueError, match="bare"):
        signer("ed25519").sign(bad, NOW)


def test_weak_and_unknown_keys_are_refused() -> None:
    elliptic = generate_private_key(SECP256R1())
    others = [
        pem(generate_rsa(65537, 1024)),
        elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ]
    for other in others:
        with pytest.raises(ValueError, match="2048"):
            Signer(DOMAIN, "s1", other)
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own words
        Signer(DOMAIN, "s1", b"no key")


# RFC 8463 appendix A: key, mail and signature.
VECTOR_KEY = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
VECTOR_PUBLIC = b"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
VECTOR_BODY = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n\r\n"
VECTOR_FIELDS = (
    b"From: Joe SixPack <joe@football.example.com>",
    b"To: Suzie Q <suzie@shopping.example.net>",
    b"Subject: Is dinner ready?",
    b"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
    b"Message-ID: <20030712040037.46341.5F8J@football.example.com>",
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
    assert base64.b64encode(body_hash(VECTOR_BODY)) == (
        b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
    )
    names = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"]
    data = signing_input([canonical_field(f) for f in VECTOR_FIELDS], names, VECTOR_UNSIGNED)
    key = Ed25519PrivateKey.from_private_bytes(VECTOR_KEY)
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert base64.b64encode(public) == VECTOR_PUBLIC
    signature = key.sign(hashlib.sha256(data).digest())
    assert base64.b64encode(signature).decode() == VECTOR_SIGNATURE


def test_a_signature_is_the_same_for_the_same_instant() -> None:
    once, again = (signer("ed25519").sign(MESSAGE, datetime(2026, 1, 1, tzinfo=UTC)) for _ in "ab")
    assert once == again
