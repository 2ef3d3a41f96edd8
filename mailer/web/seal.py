"""The token in every form: that we made the form, what for, and not long ago (S10).

No cookie stands behind it, so a page needs none: what a form may do is bound to its own address,
and whether a browser sends it from elsewhere is told by `origin`.
"""

from __future__ import annotations

import hashlib

from itsdangerous import BadSignature, TimestampSigner

from scheduler.clock import Clock

VALID_SECONDS = 86_400
_SALT = "mailer.web.form"


class Seal:
    """Makes and checks the tokens of forms with one secret that all nodes share."""

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._signer = _Signer(secret, clock)

    def make(self, purpose: str) -> str:
        """The token for a form that does this."""
        signed = self._signer.sign(_digest(purpose)).decode("ascii")
        return signed.partition(".")[2]

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
        return int(self._clock.now().timestamp())


def _digest(purpose: str) -> str:
    """What is signed, without the link's own token in it."""
    return hashlib.sha256(purpose.encode()).hexdigest()
