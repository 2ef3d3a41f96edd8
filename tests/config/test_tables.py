"""What each table may say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from mailer.config.model import Bounces, Endpoint, Outbound, Web
from mailer.config.section import parse_endpoint
from mailer.config.tables import is_loopback
from tests.config.sample import Faults, Read


def write_key(path: Path, key: PrivateKeyTypes, passphrase: bytes | None = None) -> None:
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (
            "mysql://x/y",
            '"mysql://x/y", expected sqlite:///FILE or postgresql://user@host/database',
        ),
        (
            "postgres://u:pw@h/d",
            '"postgres://…@h/d", expected sqlite:///FILE or postgresql://user@host/database'
            " (write postgresql://)",
        ),
        (
            "postgresql://u:pw@h/d",
            "a password in the file, expected no password in it, but password_file or password_env",
        ),
        (
            "postgresql://u@h",
            '"postgresql://…@h", expected sqlite:///FILE or postgresql://user@host/database',
        ),
        (
            "sqlite://x.db",
            '"sqlite://x.db", expected sqlite:///FILE'
            " (three slashes before a relative path, four before an absolute one)",
        ),
    ],
)
def test_a_database_url_must_hold(faults: Faults, url: str, fault: str) -> None:
    assert faults(f'[database]\nurl = "{url}"\n') == [f"database.url: found {fault}"]


@pytest.mark.parametrize(
    "url", ["postgresql://u@h:5432/d?sslmode=require", "sqlite:////srv/mailer.db"]
)
def test_a_complete_url_is_kept(read: Read, url: str) -> None:
    assert read(f'[database]\nurl = "{url}"\n').database.url == url


def test_a_password_comes_from_a_file_or_the_environment(read: Read, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("pass word\n")
    by_file = read('[database]\npassword_file = "secret"\n')
    by_variable = read('[database]\npassword_env = "PW"\n', environ={"PW": "pass word"})
    assert (by_file.database.password, by_variable.database.password) == ("pass word",) * 2


def test_a_password_by_no_other_way(faults: Faults, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("pw")
    (tmp_path / "empty").write_text("\n")
    database = "[database]\n"
    assert faults(database + 'password = "hunter2"\n') == [
        "database.password: found a password in the file, expected password_file or password_env"
    ]
    assert faults(database + 'password_file = "secret"\npassword_env = "PW"\n') == [
        "database.password_env: found password_file as well,"
        " expected only one of password_file or password_env"
    ]
    assert faults(database + 'password_env = "PW"\n') == [
        "database.password_env: found no value in $PW, expected a variable that is set"
    ]
    assert faults(database + 'password_file = "none"\n') == [
        f"database.password_file: found {tmp_path}/none: No such file or directory,"
        " expected a file that can be read"
    ]
    assert faults(database + 'password_file = "empty"\n') == [
        f"database.password_file: found {tmp_path}/empty without one line of text,"
        " expected a file with one line"
    ]


def test_outbound_is_read(read: Read, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("secret")
    outbound = read(
        '[outbound]\nhost = "mx.example.org"\nport = 587\nusername = "me"\npassword_file = "pw"\n'
        'connections = 3\nmessages_per_second = 2\nfinal_dot_timeout = "90s"\n'
    ).outbound
    assert outbound == Outbound(
        maildir=tmp_path / "outbox",
        host="mx.example.org",
        port=587,
        username="me",
        password="secret",
        connections=3,
        messages_per_second=2.0,
        final_dot_timeout=90.0,
    )


def test_signing_in_needs_name_password_and_a_safe_line(faults: Faults, tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("secret")
    assert faults('[outbound]\nusername = "me"\n') == [
        "outbound.username: found no password for it, expected password_file or password_env"
    ]
    assert faults('[outbound]\npassword_file = "pw"\n') == [
        "outbound.username: found nothing, expected a name, because a password is given"
    ]
    text = '[outbound]\nusername = "me"\npassword_file = "pw"\nsecurity = "none"\n'
    assert faults(text + 'host = "mx.example.org"\n') == [
        'outbound.security: found "none", expected "starttls" or "tls", because a password is sent'
    ]
    assert faults(text) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("connections = 0", "connections: found the number 0, expected a whole number from 1"),
        (
            "messages_per_second = -1",
            "messages_per_second: found the number -1, expected a number from 0",
        ),
        (
            "messages_per_second = nan",
            "messages_per_second: found the number nan, expected a number from 0",
        ),
        (
            'security = "startls"',
            'security: found "startls", expected one of none, starttls, tls'
            ' (did you mean "starttls"?)',
        ),
        (
            'final_dot_timeout = "0s"',
            'final_dot_timeout: found "0s", expected a span longer than nothing',
        ),
        (
            'final_dot_timeout = "ten"',
            'final_dot_timeout: found "ten",'
            " expected a number and a unit, like 90s, 15m, 1h, 14d or 2w",
        ),
        (
            'host = "a\\nb"',
            "host: found the character U+000A, expected text of one line",
        ),
    ],
)  # fmt: skip
def test_outbound_values_have_bounds(faults: Faults, line: str, fault: str) -> None:
    assert faults(f"[outbound]\n{line}\n") == [f"outbound.{fault}"]


def test_limits_are_not_negative(faults: Faults, read: Read) -> None:
    assert faults("[limits]\nanswers_per_hour = -1\n") == [
        "limits.answers_per_hour: found the number -1, expected a whole number from 0"
    ]
    assert read("[limits]\nanswers_per_hour = 0\n").limits.answers_per_hour == 0


def test_what_bounces_lead_to_is_read(read: Read) -> None:
    text = '[bounces]\nhard_days = 3\nsoft_mails = 7\nsoft_span = "6w"\n'
    assert read(text).bounces == Bounces(hard_days=3, soft_mails=7, soft_span=timedelta(weeks=6))
    assert read("").bounces == Bounces(hard_days=2, soft_mails=5, soft_span=timedelta(days=30))


def test_nobody_is_tested_for_no_bounce(faults: Faults) -> None:
    assert faults('[bounces]\nhard_days = 0\nsoft_mails = 0\nsoft_span = "0d"\n') == [
        "bounces.hard_days: found the number 0, expected a whole number from 1",
        "bounces.soft_mails: found the number 0, expected a whole number from 1",
        'bounces.soft_span: found "0d", expected a span longer than nothing',
    ]


def test_retention_is_read(read: Read) -> None:
    assert read('[retention]\npending = "2w"\n').retention.pending == timedelta(days=14)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("127.0.0.1:25", Endpoint(host="127.0.0.1", port=25)),
        ("[::1]:0", Endpoint(host="::1", port=0)),
        ("mx.example.org:65535", Endpoint(host="mx.example.org", port=65535)),
    ],
)
def test_an_endpoint_is_host_and_port(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text", ["25", ":25", "::1:25", "host", "host:", "h:65536", "h:-1", "a/b:1"]
)
def test_anything_else_is_no_endpoint(text: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        parse_endpoint(text)


def write_certificate(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lists.example.org")])
    day = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(Encoding.PEM))


def test_a_certificate_comes_with_its_key(read: Read, faults: Faults, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_certificate(certificate_file, key)
    write_key(key_file, key)
    both = '[inbound]\ntls_cert_file = "cert.pem"\ntls_key_file = "key.pem"\n'
    inbound = read(both).inbound
    assert (inbound.tls_cert_file, inbound.tls_key_file) == (certificate_file, key_file)
    assert faults('[inbound]\ntls_cert_file = "cert.pem"\n') == [
        "inbound.tls_key_file: found nothing, expected a file, because tls_cert_file is given"
    ]
    assert faults('[inbound]\ntls_key_file = "key.pem"\n') == [
        "inbound.tls_cert_file: found nothing, expected a file, because tls_key_file is given"
    ]
    write_key(key_file, ec.generate_private_key(ec.SECP256R1()))
    expected = "expected a PEM certificate that fits its key, without passphrase"
    assert faults(both) == [
        f"inbound.tls_cert_file: found {certificate_file}: key values mismatch, {expected}"
    ]
    write_key(key_file, key, b"passphrase")
    assert [line.rpartition(", expected")[0] for line in faults(both)] == [
        f"inbound.tls_cert_file: found {certificate_file}: key unreadable"
    ]


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ("https://Webinars.example.org/", "https://webinars.example.org"),
        ("https://webinars.example.org:8443", "https://webinars.example.org:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_pages_are_seen_at_https_or_on_this_machine(read: Read, given: str, base_url: str) -> None:
    web = read(f'[web]\nbase_url = "{given}"\ntrusted_proxies = ["10.1.2.3/8"]\n').web
    assert web == Web(base_url=base_url, trusted_proxies=("10.0.0.0/8",))


@pytest.mark.parametrize(
    "given",
    [
        "http://webinars.example.org",
        "http://127.0.0.1.example.org",
        "https://x.example.org/path",
        "https://x.example.org/?a",
        "https://u@x.example.org",
        "ftp://x.example.org",
        "https://",
        "x.example.org",
        "https://[",
        "https://x:port",
    ],
)
def test_pages_are_seen_nowhere_else(faults: Faults, given: str) -> None:
    lines = faults(f'[web]\nbase_url = "{given}"\n')
    assert [line.split(": found")[0] for line in lines] == ["web.base_url"]


def test_web_faults_are_told(faults: Faults) -> None:
    assert faults('[web]\nlisten = ""\ntrusted_proxies = ["here", 1]\n') == [
        'web.listen: found "", expected host:port, or no [web] table for no pages',
        "web.base_url: found nothing, expected text in quotes",
        "web.trusted_proxies[2]: found the number 1, expected text in quotes",
        'web.trusted_proxies[1]: found "here", expected an IP address or network, like 10.0.0.0/8',
    ]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.9.9.9", True),
        ("[::1]", True),
        ("LOCALHOST", True),
        ("a.localhost", True),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_known(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_log_operator_and_templates_are_checked(faults: Faults, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    text = (
        '[log]\nlevel = "loud"\nformat = "xml"\n[operator]\naddress = "x"\n'
        '[templates]\nfolder = "file"\n'
    )
    assert faults(text) == [
        'log.level: found "loud", expected one of debug, info, warning, error, critical',
        'log.format: found "xml", expected one of text, json',
        'operator.address: found "x", expected an e-mail address like organiser@example.org',
        f"templates.folder: found {tmp_path}/file, which is a file, expected a folder",
    ]
