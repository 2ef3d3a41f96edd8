"""The token in every form: that we made the form, what for, and not long ago (S10).

No cookie stands behind it, so a page needs none: what a form may do is bound to its own address,
and whether a browser sends it from elsewhere is told by `origin`. Of the time it knows the hour
alone, so that a public page has the same bytes for an hour and can be kept (`kept`).
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from itsdangerous import BadSignature, TimestampSigner

from scheduler.clock import Clock

VALID_SECONDS = 86_400  # at least; to the end of the hour
HOUR_SECONDS = 3600
_SALT = "mailer.web.form"


class Seal:
    """Makes and checks the tokens of forms with one secret that all nodes share."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._clock = clock
        self._signer = _Signer(secret, clock)

    def make(self, purpose: str) -> str:
        """The token for a form that does this."""
        signed = self._signer.sign(_digest(purpose)).decode("ascii")
        return signed.partition(".")[2]

    def until(self) -> datetime:
        """The instant from which on another token is made for the same purpose."""
        return datetime.fromtimestamp(_hour(self._clock) + HOUR_SECONDS, UTC)

    def holds(self, purpose: str, token: str) -> bool:
        """Whether this is the token of such a form, and not too old."""
        try:
            self._signer.unsign(f"{_digest(purpose)}.{token}", max_age=VALID_SECONDS)
        except (BadSignature, UnicodeError):
            return False
        return True


class _Signer(TimestampSigner):
    """Compares in constant time, as itsdangerous does; the time is our clock's."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        super().__init__(secret, salt=_SALT, key_derivation="hmac", digest_method=hashlib.sha256)
        self._clock = clock

    def get_timestamp(self) -> int:
        return _hour(self._clock)


def _hour(clock: Clock) -> int:
    """The beginning of the present hour, in seconds since the epoch."""
    seconds = int(clock.now().timestamp())
    return seconds - seconds % HOUR_SECONDS


def _digest(purpose: str) -> str:
    """What is signed, without the link's own token in it."""
    return hashlib.sha256(purpose.encode()).hexdigest()
