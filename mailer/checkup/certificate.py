"""How long the certificates last that we show to others (RFC 3207)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from mailer.checkup.finding import Finding, fault, note, ok

SOON = timedelta(days=14)


def certificate(path: Path, now: datetime) -> Finding:
    """The certificate in this file, the first if it has a chain."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError) as error:
        return fault(
            "certificate",
            str(path),
            str(error),
            expected="a certificate, PEM",
            advice="name another file under [inbound] tls_cert_file",
        )
    return lasts(str(path), found.not_valid_after_utc, now)


def lasts(subject: str, ends_at: datetime, now: datetime) -> Finding:
    """Whether a certificate is still good, and for a while yet."""
    end = f"{ends_at:%Y-%m-%d}"
    advice = "renew it; `mailer serve` reads it at its start"
    if ends_at <= now:
        return fault(
            "certificate", subject, f"ended on {end}", expected="one that is valid", advice=advice
        )
    if ends_at - now < SOON:
        return note(
            "certificate", subject, f"ends on {end}", expected="two weeks or more", advice=advice
        )
    return ok("certificate", subject, f"valid until {end}")
