"""Signs mails with DKIM: relaxed/relaxed, SHA-256, with an RSA or an Ed25519 key.

Signs every field that we send, and those whose forging would matter once more than they occur, so
that none can be added (RFC 6376 §8.15). Never limits the body (l=) and never verifies. RFC 6376 §3
and §5, RFC 8301 §3, RFC 8463 §3, RFC 8058 §4.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

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
_SPACE = re.compile(rb"[ \t]{2,}|\t")
_FIELD_SPACE = re.compile(rb"[ \t\r\n]+")
_FIELD_END = re.compile(rb"\r\n(?![ \t])")


class Signer:
    """Signs for one domain with one key."""

    def __init__(self, domain: str, selector: str, private_key_pem: bytes) -> None:
        """Take an unencrypted PEM key; ValueError if it is no RSA of 2048 bits or Ed25519."""
        key = load_pem_private_key(private_key_pem, password=None)
        match key:
            case RSAPrivateKey() if key.key_size >= RSA_BITS:
                self._algorithm = "rsa-sha256"
            case Ed25519PrivateKey():
                self._algorithm = "ed25519-sha256"
            case _:
                raise ValueError(f"a DKIM key is Ed25519 or RSA with at least {RSA_BITS} bits")
        self._key = key
        self._domain = domain
        self._selector = selector

    def sign(self, message: bytes, now: datetime) -> bytes:
        """The message with one DKIM-Signature field before it; ValueError for a bare CR or LF."""
        if not message.count(b"\r\n") == message.count(b"\r") == message.count(b"\n"):
            raise ValueError("a message with a bare CR or LF cannot be signed")
        head, _, body = message.partition(b"\r\n\r\n")
        fields = [canonical_field(field) for field in _FIELD_END.split(head) if field]
        names = _signed_names([field.partition(b":")[0].decode("latin-1") for field in fields])
        tags = (
            f"v=1; a={self._algorithm}; c=relaxed/relaxed; t={int(now.timestamp())};",
            f"d={self._domain}; s={self._selector};",
            f"bh={_base64(body_hash(body))};",
            *_folded_names(names),
            "b=",
        )
        unsigned = ("DKIM-Signature: " + "\r\n ".join(tags)).encode("ascii")
        signature = _base64(self._signature(signing_input(fields, names, unsigned)))
        return unsigned + _folded_signature(signature) + b"\r\n" + message

    def _signature(self, data: bytes) -> bytes:
        match self._key:
            case RSAPrivateKey():
                return self._key.sign(data, PKCS1v15(), hashes.SHA256())
            case Ed25519PrivateKey():
                return self._key.sign(hashlib.sha256(data).digest())  # RFC 8463 §3


def canonical_field(field: bytes) -> bytes:
    """One header field, without its last CRLF, in relaxed form (RFC 6376 §3.4.2)."""
    name, _, value = field.partition(b":")
    return name.strip(b" \t").lower() + b":" + _FIELD_SPACE.sub(b" ", value).strip(b" ")


def body_hash(body: bytes) -> bytes:
    """SHA-256 of the body in relaxed form (RFC 6376 §3.4.4)."""
    # A last CRLF for a last line without one: then its trailing space is found as well.
    body = _SPACE.sub(b" ", body + b"\r\n").replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return hashlib.sha256(body + b"\r\n" if body else b"").digest()


def signing_input(fields: list[bytes], names: list[str], unsigned: bytes) -> bytes:
    """What is signed: the named canonical fields, each name from the bottom up, then the signature
    field with an empty ``b=`` (RFC 6376 §3.7 and §5.4.2)."""
    left: dict[bytes, list[bytes]] = {}
    for field in fields:
        left.setdefault(field.partition(b":")[0], []).append(field + b"\r\n")
    chosen = (left.get(name.lower().encode("ascii"), []) for name in names)
    return b"".join(found.pop() for found in chosen if found) + canonical_field(unsigned)


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


def _folded_signature(signature: str) -> bytes:
    first = _FOLD_AT - len(" b=")
    lines = [signature[:first]]
    lines += [signature[at : at + _FOLD_AT] for at in range(first, len(signature), _FOLD_AT)]
    return "\r\n ".join(lines).encode("ascii")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
