"""Tokens: what stands for a person and one purpose in an address or a link.

A token is ONE block of AES-128, a pseudo-random permutation of 16 bytes: subject (6 bytes), context
(4), day of issue (2), zeros (4), encrypted under a key that only its purpose has (HKDF-SHA256, RFC
5869). It needs no table and no room for a MAC: each of the 2**128 blocks decrypts to something, and
only one of them says "this person, this context, this day". Whoever does not have the key hits that
one with a probability of 2**-128 per guess, and changing one bit of a token they own gives a block
as random as any other guess. The four zeros refuse nearly all of those before the database is
asked; the caller checks subject, context and age, which refuses the rest. As no secret value is
compared with what came in, there is no comparison to time.

Written in base32 without padding (RFC 4648 §6), lower case, because mail servers fold the case of
local parts: 26 letters, one canonical spelling each.
"""

from __future__ import annotations

import re
from base64 import b32decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mailer.message.address import Purpose

BLOCK = 16
EPOCH = date(2020, 1, 1)
SUBJECTS = 2**48
CONTEXTS = 2**32
DAYS = 2**16
_ZEROS = bytes(4)
_SPELLING = re.compile(r"[a-z2-7]{26}")

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 §6, in lower case
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_THIRTY = 2**30 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token says: the row it is about, which webinar or which consent, when it was made."""

    subject: int
    context: int
    day: date


class TokenMint:
    """Makes and reads tokens. The first key makes them; all keys read them, so a key can be changed
    while mail with older tokens is still in people's mailboxes."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """``keys`` are master secrets of at least 16 bytes, newest first; ValueError otherwise."""
        if not keys or any(len(key) < BLOCK for key in keys):
            raise ValueError("tokens need at least one key, and each needs at least 16 bytes")
        self._ciphers: Mapping[Purpose, tuple[Cipher[ECB], ...]] = {
            purpose: tuple(_cipher(key, purpose) for key in keys) for purpose in Purpose
        }
        # Whole blocks leave nothing behind in ECB, so one context serves for good.
        self._makers = {
            purpose: ciphers[0].encryptor() for purpose, ciphers in self._ciphers.items()
        }

    def mint(self, purpose: Purpose, *, subject: int, context: int = 0, day: date) -> str:
        """The token for one subject; ValueError where a number does not fit its place."""
        days = (day - EPOCH).days
        if not (0 <= subject < SUBJECTS and 0 <= context < CONTEXTS and 0 <= days < DAYS):
            raise ValueError("subject, context or day does not fit a token")
        plain = (subject << 80 | context << 48 | days << 32).to_bytes(BLOCK, "big")
        return _spell(self._makers[purpose].update(plain))

    def mint_many(
        self, purpose: Purpose, subjects: Sequence[int], context: int, day: date
    ) -> list[str]:
        """The tokens for all these subjects, in their order; one cipher call for all of them."""
        days = (day - EPOCH).days
        if not (0 <= context < CONTEXTS and 0 <= days < DAYS):
            raise ValueError("context or day does not fit a token")
        if subjects and not (min(subjects) >= 0 and max(subjects) < SUBJECTS):
            raise ValueError("subject does not fit a token")
        tail = context.to_bytes(4, "big") + days.to_bytes(2, "big") + _ZEROS
        plain = b"".join(subject.to_bytes(6, "big") + tail for subject in subjects)
        blocks = self._makers[purpose].update(plain)
        return [_spell(blocks[at : at + BLOCK]) for at in range(0, len(blocks), BLOCK)]

    def read(self, purpose: Purpose, token: str) -> Token | None:
        """What the token says, or None if it was not made here for this purpose. Upper case is
        read as lower case; no other spelling of the same bits is taken."""
        token = token.lower()
        if not _SPELLING.fullmatch(token):
            return None
        block = b32decode(token.upper() + "======")
        if _spell(block) != token:  # the last letter carries two bits of no meaning
            return None
        for cipher in self._ciphers[purpose]:
            plain = cipher.decryptor().update(block)
            if plain[12:] == _ZEROS:
                return Token(
                    subject=int.from_bytes(plain[:6], "big"),
                    context=int.from_bytes(plain[6:10], "big"),
                    day=EPOCH + timedelta(days=int.from_bytes(plain[10:12], "big")),
                )
        return None


def _cipher(key: bytes, purpose: Purpose) -> Cipher[ECB]:
    info = b"mailer token " + purpose.value.encode("ascii")
    derived = HKDF(algorithm=SHA256(), length=BLOCK, salt=None, info=info).derive(key)
    # One block per message is the one case where ECB is nothing but the block cipher itself.
    return Cipher(AES(derived), ECB())  # noqa: S305 - one block is all there is (ADR-0002)


def _spell(block: bytes) -> str:
    """A block in base32, two letters at a time; the last letter ends in two zero bits. Thirty bits
    are the most that Python handles without ado."""
    pairs, bits = _PAIRS, int.from_bytes(block, "big") << 2
    a, b, c, d = bits >> 100, bits >> 70 & _THIRTY, bits >> 40 & _THIRTY, bits >> 10 & _THIRTY
    return (
        f"{pairs[a >> 20]}{pairs[a >> 10 & 1023]}{pairs[a & 1023]}"
        f"{pairs[b >> 20]}{pairs[b >> 10 & 1023]}{pairs[b & 1023]}"
        f"{pairs[c >> 20]}{pairs[c >> 10 & 1023]}{pairs[c & 1023]}"
        f"{pairs[d >> 20]}{pairs[d >> 10 & 1023]}{pairs[d & 1023]}{pairs[bits & 1023]}"
    )
