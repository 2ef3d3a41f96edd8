"""Signs mails with DKIM: relaxed/relaxed, SHA-256, with an RSA key, an Ed25519 key or one of each.

Signs every field that we send, and those whose forging would matter once more than they occur, so
that none can be added (RFC 6376 §8.15). What all recipients of a mail share is worked out once.
Never limits the body (l=) and never verifies. RFC 6376 §3 and §5, RFC 8301 §3, RFC 8463 §3,
RFC 8058 §4.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mailer.message.mark import Personal
from mailer.message.relaxed import (
    Gapped,
    gap,
    relaxed_body,
    relaxed_fields,
    single_spaced,
    with_gaps,
)
from mailer.message.skeleton import Skeleton

RSA_BITS = 2048
OVERSIGNED = (
    *("From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
    *("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"),
)
SIGNED = (
    *("In-Reply-To", "References", "Content-Language", "List-Help", "List-Post", "List-Owner"),
    *("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "Feedback-ID", "X-Loop"),
)
_FOLD_AT = 76
_INSTANT, _BODY_HASH = 0, 1  # gaps of a signature field
_PADDING, _SHA256 = PKCS1v15(), hashes.SHA256()


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One private key and the name that its public half has in the DNS."""

    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey

    @classmethod
    def from_pem(cls, selector: str, pem: bytes) -> SigningKey:
        """An unencrypted PEM key; ValueError if it is no RSA of 2048 bits or Ed25519."""
        key = load_pem_private_key(pem, password=None)
        match key:
            case RSAPrivateKey() if key.key_size >= RSA_BITS:
                return cls(selector=selector, key=key)
            case Ed25519PrivateKey():
                return cls(selector=selector, key=key)
            case _:
                raise ValueError(f"a DKIM key is Ed25519 or RSA with at least {RSA_BITS} bits")

    @property
    def algorithm(self) -> str:
        """The a= of its signatures."""
        return "rsa-sha256" if isinstance(self.key, RSAPrivateKey) else "ed25519-sha256"

    def signature(self, data: bytes) -> bytes:
        """The signature of what RFC 6376 §3.7 says is signed, not yet in base64."""
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(data, _PADDING, _SHA256)
        return self.key.sign(hashlib.sha256(data).digest())  # RFC 8463 §3


class Signer:
    """Signs for one domain, with one field for each key. Any number of threads may share it."""

    def __init__(self, domain: str, keys: Mapping[str, bytes]) -> None:
        """Take PEM keys by their selectors; ValueError as of `SigningKey.from_pem`."""
        self._domain = domain
        self._keys = [SigningKey.from_pem(selector, pem) for selector, pem in keys.items()]

    @property
    def in_threads(self) -> bool:
        """Whether a signature takes so long that it belongs into a thread: RSA, about ten times as
        long as the rest of a mail, during which `cryptography` lets other threads run."""
        return any(isinstance(one.key, RSAPrivateKey) for one in self._keys)

    def prepared(self, skeleton: Skeleton) -> SignedSkeleton:
        """The skeleton with what its signatures need; ValueError for a NUL or a bare CR or LF."""
        return SignedSkeleton(skeleton, self._domain, self._keys)

    def sign(self, message: bytes, now: datetime) -> bytes:
        """The message with a DKIM-Signature field for each key before it; ValueError as above."""
        return self.prepared(Skeleton(pieces=(message,), places=())).fill({}, now)


class SignedSkeleton:
    """Mails that differ in their personal places alone: header and body are put into relaxed form
    once, and the body is hashed once up to its first place."""

    def __init__(self, skeleton: Skeleton, domain: str, keys: Iterable[SigningKey]) -> None:
        if any(b"\0" in piece for piece in skeleton.pieces):
            raise ValueError("a message with a NUL cannot be signed")
        message = with_gaps(skeleton.pieces)
        if not message.count(b"\r\n") == message.count(b"\r") == message.count(b"\n"):
            raise ValueError("a message with a bare CR or LF cannot be signed")
        head, _, body = message.partition(b"\r\n\r\n")
        fields = relaxed_fields(head)
        names = _signed_names([field.partition(b":")[0].decode("latin-1") for field in fields])
        self.skeleton = skeleton
        self._head = Gapped.cut(signed_fields(fields, names))
        self._signatures = [_SignatureField(key, domain, names) for key in keys]
        whole = Gapped.cut(relaxed_body(body))
        self._hash = hashlib.sha256(whole.parts[0])
        self._body = Gapped(parts=(b"", *whole.parts[1:]), numbers=whole.numbers)

    def fill(self, values: Mapping[Personal, str], now: datetime) -> bytes:
        """The whole mail for one person, signed; ValueError as of `Skeleton.fill`."""
        octets = self.skeleton.octets(values)
        relaxed = [single_spaced(one) if b"  " in one else one for one in octets]
        digest = self._hash.copy()
        digest.update(self._body.filled(relaxed))
        facts = (b"%d" % now.timestamp(), _base64(digest.digest()))
        head = self._head.filled(relaxed)
        fields = [signature.filled(head, facts) for signature in self._signatures]
        return b"".join(fields) + self.skeleton.joined(octets)


class _SignatureField:
    """One DKIM-Signature field, but for its t=, bh= and b=."""

    __slots__ = ("_key", "_relaxed", "_written")

    def __init__(self, key: SigningKey, domain: str, names: list[str]) -> None:
        tags = (
            b"v=1; a=%s; c=relaxed/relaxed; t=%s;" % (key.algorithm.encode(), gap(_INSTANT)),
            f"d={domain}; s={key.selector};".encode("ascii"),
            b"bh=%s;" % gap(_BODY_HASH),
            *(line.encode("ascii") for line in _folded_names(names)),
            b"b=",
        )
        unsigned = b"DKIM-Signature: " + b"\r\n ".join(tags)
        (relaxed,) = relaxed_fields(unsigned)
        self._key = key
        self._written = Gapped.cut(unsigned)
        self._relaxed = Gapped.cut(relaxed)

    def filled(self, head: bytes, facts: tuple[bytes, bytes]) -> bytes:
        """The field with its CRLF. ``head`` is what is signed before it: the canonical fields."""
        signature = self._key.signature(head + self._relaxed.filled(facts))
        return self._written.filled(facts) + _folded_signature(_base64(signature)) + b"\r\n"


def signed_fields(fields: list[bytes], names: list[str]) -> bytes:
    """The named canonical fields as they are signed, each name from the bottom up; a name without
    a field left is nothing (RFC 6376 §5.4.2)."""
    left: dict[bytes, list[bytes]] = {}
    for field in fields:
        left.setdefault(field.partition(b":")[0], []).append(field + b"\r\n")
    chosen = (left.get(name.lower().encode("ascii"), []) for name in names)
    return b"".join(found.pop() for found in chosen if found)


def _signed_names(present: list[str]) -> list[str]:
    """The h= list: each of our fields as often as it occurs, the important ones once more."""
    names = [name for name in OVERSIGNED + SIGNED for _ in range(present.count(name.lower()))]
    return [*names, *OVERSIGNED]


def _folded_names(names: list[str]) -> list[str]:
    lines = ["h="]
    for at, name in enumerate(names):
        word = f"{name}{';' if at == len(names) - 1 else ':'}"
        if len(lines[-1]) + len(word) > _FOLD_AT:
            lines.append("")
        lines[-1] += word
    return lines


def _folded_signature(signature: bytes) -> bytes:
    first = _FOLD_AT - len(" b=")
    lines = [signature[:first]]
    lines += [signature[at : at + _FOLD_AT] for at in range(first, len(signature), _FOLD_AT)]
    return b"\r\n ".join(lines)


def _base64(octets: bytes) -> bytes:
    return b2a_base64(octets, newline=False)
