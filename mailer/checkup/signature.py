"""The DKIM keys: whether the records in the DNS fit the keys that we sign with (RFC 6376 §3.6.1).

Reads the private key files and shows nothing of them but their public halves.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from mailer.checkup.finding import Finding, fault, note, ok, unanswered
from mailer.checkup.lookup import Resolver, Status
from mailer.checkup.policy import tags
from mailer.config.model import Dkim


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """``kind`` is k= of the record; ``forms`` every encoding of p= that means this key, the usual
    one first."""

    kind: str
    forms: tuple[bytes, ...]

    @property
    def record(self) -> str:
        """What to publish."""
        return f"v=DKIM1; k={self.kind}; p={base64.b64encode(self.forms[0]).decode()}"


def public_key(pem: bytes) -> PublicKey:
    """The public half of a signing key; ValueError if it is none."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("no private key without passphrase") from error
    match key:
        case RSAPrivateKey():
            public = key.public_key()
            whole = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            bare = public.public_bytes(Encoding.DER, PublicFormat.PKCS1)
            return PublicKey(kind="rsa", forms=(whole, bare))
        case Ed25519PrivateKey():
            raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)  # RFC 8463 §4.2
            return PublicKey(kind="ed25519", forms=(raw,))
        case _:
            raise ValueError("neither an RSA nor an Ed25519 key")


async def signature(resolver: Resolver, dkim: Dkim | None, domain: str) -> tuple[Finding, ...]:
    """Whether mail of the series' domain is signed so that receivers can verify it."""
    if dkim is None:
        return (
            note(
                "dkim",
                domain,
                "mail is not signed here",
                expected="a signature by your mail server, List-Unsubscribe-Post in its h=",
                advice="sign here with a [dkim] table, or see `mailer check --round-trip`",
            ),
        )
    rows = await asyncio.gather(
        *(
            _key_record(resolver, f"{selector}._domainkey.{dkim.domain}", file)
            for selector, file in dkim.key_files.items()
        )
    )
    unaligned = _unaligned(dkim.domain, domain)
    return (*rows, unaligned) if unaligned else tuple(rows)


async def _key_record(resolver: Resolver, subject: str, file: Path) -> Finding:
    try:
        key = public_key(file.read_bytes())
    except (OSError, ValueError) as error:
        return fault(
            "dkim",
            str(file),
            str(error),
            expected="an RSA or Ed25519 key, PEM without passphrase",
            advice="make the file readable for this user, or name another under [dkim]",
        )
    return await _published(resolver, subject, key)


def _unaligned(signed_as: str, domain: str) -> Finding | None:
    """DMARC's relaxed alignment (RFC 7489 §3.1.1), taking a name and those below it for one
    organisation's: without the list of public suffixes nobody can say it better."""
    one, other = signed_as.lower(), domain.lower()
    if one == other or one.endswith(f".{other}") or other.endswith(f".{one}"):
        return None
    labels_one, labels_other = one.split("."), other.split(".")
    if labels_one[-2:] == labels_other[-2:] and len(labels_one) > 1:
        return None
    return fault(
        "dkim",
        signed_as,
        f"mail of {domain} is signed as {signed_as}",
        expected=f"{domain} or a domain above it",
        advice=f'write domain = "{domain}" under [dkim] and publish its key',
    )


async def _published(resolver: Resolver, subject: str, key: PublicKey) -> Finding:
    answer = await resolver.look_up(subject, "TXT")
    if answer.status is Status.FAILED:
        return unanswered("dkim", subject, answer.cause)
    advice = f'publish: {subject}. TXT "{key.record}"'
    expected = "the public half of our key"
    found = [record for text in answer.values if "p" in (record := tags(text))]
    if len(found) != 1:
        count = f"{len(found)} key records" if found else "no key record"
        return fault("dkim", subject, count, expected=expected, advice=advice)
    record = found[0]
    cause = _misfit(record, key)
    if cause:
        return fault("dkim", subject, cause, expected=expected, advice=advice)
    if "y" in record.get("t", "").split(":"):
        return note(
            "dkim",
            subject,
            "the key fits, and t=y says that it is only being tried",
            expected="no t=y",
            advice="take t=y out of the record",
        )
    return ok("dkim", subject, f"the {key.kind} key fits the record")


def _misfit(record: dict[str, str], key: PublicKey) -> str | None:
    """What keeps the record from verifying our signatures."""
    kind = record.get("k", "rsa").lower()
    hashes, services = _listed(record, "h", "sha256"), _listed(record, "s", "*")
    faults = (
        (not record["p"], "a revoked key (p= is empty)"),
        (record.get("v", "DKIM1") != "DKIM1", f"v={record.get('v')}"),
        (kind != key.kind, f"a key of kind {kind}, while we sign with {key.kind}"),
        ("sha256" not in hashes, f"h={record.get('h')}, which does not take sha256"),
        (not services & {"*", "email"}, f"s={record.get('s')}, which is not for mail"),
        (_decoded(record["p"]) is None, "a p= that is not base64"),
        (_decoded(record["p"]) not in key.forms, "another key than ours"),
    )
    return next((cause for wrong, cause in faults if wrong), None)


def _listed(record: dict[str, str], tag: str, default: str) -> set[str]:
    return {one.strip().lower() for one in record.get(tag, default).split(":")}


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
