"""Passwords and keys that the file names: read or looked at, never shown.

What is wrong with a key is said without any of its bytes.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mailer.config.section import Section

LEAST_RSA_BITS = 2048  # RFC 8301 §3.2: signers should use at least this
MOST_PASSWORD_BYTES = 4096  # a longer file is not a password


def read_password(section: Section, environ: Mapping[str, str]) -> str | None:
    """The password from a file or the environment; None when neither is named."""
    ways = "password_file or password_env"
    if "password" in section.values:
        section.fault("password", "a password in the file", ways)
    file, variable = section.text("password_file"), section.text("password_env")
    if file and variable:
        section.fault("password_env", "password_file as well", f"only one of {ways}")
        return None
    if variable:
        password = environ.get(variable, "")
        if not password:
            section.fault("password_env", f"no value in ${variable}", "a variable that is set")
        return password or None
    return _password_in_file(section) if file else None


def _password_in_file(section: Section) -> str | None:
    path = section.readable_file("password_file")
    if path is None:
        return None
    try:
        content = path.read_bytes()
        password = content.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        section.fault("password_file", f"{path}, which is not text", "a file with one line")
        return None
    if not password or "\n" in password or len(content) > MOST_PASSWORD_BYTES:
        section.fault("password_file", f"{path} without one line of text", "a file with one line")
        return None
    return password


def certificate_fault(certificate: Path, key: Path) -> str | None:
    """What keeps this certificate and key from serving TLS; None if nothing does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # An empty passphrase, so that an encrypted key fails here instead of asking the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or "key unreadable"
        return f"{certificate}: {str(reason).lower().replace('_', ' ')}"
    return None


def signing_key_kind(path: Path) -> str:
    """The kind of key in this file, `RSA` or `Ed25519` (RFC 6376, RFC 8463); ValueError with what
    keeps it from signing mail."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except TypeError:
        raise ValueError(f"{path} with a passphrase") from None
    except (ValueError, UnsupportedAlgorithm, OSError):
        raise ValueError(f"{path} without a private key") from None
    match key:
        case Ed25519PrivateKey():
            return "Ed25519"
        case RSAPrivateKey() if key.key_size >= LEAST_RSA_BITS:
            return "RSA"
        case RSAPrivateKey():
            raise ValueError(f"an RSA key of {key.key_size} bits")
        case _:
            raise ValueError(f"{path} with a key of another kind")
