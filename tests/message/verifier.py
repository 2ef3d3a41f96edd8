"""dkimpy as the verifier of what we sign, and keys to sign with, one of each algorithm."""

from __future__ import annotations

import base64
from functools import cache
from types import SimpleNamespace

import dkim  # type: ignore[import-untyped]
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

DOMAIN = "lists.example.org"
SELECTORS = {"rsa": "s1", "ed25519": "s2"}  # by algorithm, as k= of a key record names it


@cache
def key_of(algorithm: str) -> RSAPrivateKey | Ed25519PrivateKey:
    """The key of this algorithm, one in a process."""
    return generate_private_key(65537, 2048) if algorithm == "rsa" else Ed25519PrivateKey.generate()


def pem(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    """The key as a file holds it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def record_name(algorithm: str) -> str:
    """Where the DNS has the public half of the key of this algorithm."""
    return f"{SELECTORS[algorithm]}._domainkey.{DOMAIN}"


def record(algorithm: str) -> str:
    """What the DNS has there."""
    key = key_of(algorithm).public_key()
    if algorithm == "rsa":
        public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        public = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"v=DKIM1; k={algorithm}; p={base64.b64encode(public).decode()}"


def verifies(message: bytes, algorithm: str, index: int = 0) -> bool:
    """Whether the signature at this place, from the top, is of this algorithm's key and holds."""

    def dns(name: bytes, timeout: float = 5) -> bytes:
        assert name == f"{record_name(algorithm)}.".encode()
        return record(algorithm).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dkim, "nacl", _LENT, raising=False)
        try:
            return bool(dkim.DKIM(message, minkey=1024).verify(idx=index, dnsfunc=dns))
        except dkim.DKIMException:
            return False


class BadSignature(Exception):
    """What dkimpy expects of the library that it checks Ed25519 with."""


class VerifyKey:
    """That library's key, over `cryptography`, so that it need not be installed for this."""

    def __init__(self, key: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

    def verify(self, data: bytes, signature: bytes) -> None:
        """Raise BadSignature unless it is the signature of this."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature as error:
            raise BadSignature from error


_LENT = SimpleNamespace(
    signing=SimpleNamespace(VerifyKey=VerifyKey),
    encoding=SimpleNamespace(Base64Encoder=None),
    exceptions=SimpleNamespace(ValueError=ValueError, BadSignatureError=BadSignature),
)
