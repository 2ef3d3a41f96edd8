"""What `[dkim]` may say: one key, or one of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from mailer.config.model import Dkim
from tests.config.sample import Faults, Read

ONE = '[dkim]\ndomain = "Lists.example.org"\nselector = "s1"\nkey_file = "dkim.pem"\n'
TWO = ONE + 'second_selector = "S2"\nsecond_key_file = "second.pem"\n'
RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
USABLE = "an RSA key of at least 2048 bits or an Ed25519 key, PEM without passphrase"


def write_key(path: Path, key: PrivateKeyTypes, passphrase: bytes | None = None) -> None:
    how = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))


@pytest.mark.parametrize("key", [ED25519, RSA])
def test_good_signing_keys_are_taken(read: Read, tmp_path: Path, key: PrivateKeyTypes) -> None:
    path = tmp_path / "dkim.pem"
    write_key(path, key)
    dkim = read(ONE).dkim
    assert dkim == Dkim(domain="lists.example.org", selector="s1", key_file=path)
    assert dkim.key_files == {"s1": path}


@pytest.mark.parametrize("keys", [(RSA, ED25519), (ED25519, RSA)])
def test_one_key_of_each_kind_is_taken(
    read: Read, tmp_path: Path, keys: tuple[PrivateKeyTypes, PrivateKeyTypes]
) -> None:
    paths = (tmp_path / "dkim.pem", tmp_path / "second.pem")
    for path, key in zip(paths, keys, strict=True):
        write_key(path, key)
    dkim = read(TWO).dkim
    assert dkim == Dkim(
        domain="lists.example.org",
        selector="s1",
        key_file=paths[0],
        second_selector="s2",
        second_key_file=paths[1],
    )
    assert dkim.key_files == {"s1": paths[0], "s2": paths[1]}


@pytest.mark.parametrize(("key", "expected"), [(RSA, "an Ed25519 key"), (ED25519, "an RSA key")])
def test_two_keys_of_one_kind_are_refused(
    faults: Faults, tmp_path: Path, key: PrivateKeyTypes, expected: str
) -> None:
    for name in ("dkim.pem", "second.pem"):
        write_key(tmp_path / name, key)
    kind = "RSA" if key is RSA else "Ed25519"
    assert faults(TWO) == [
        f"dkim.second_key_file: found a key of kind {kind}, as in key_file, expected {expected}"
    ]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        (
            'second_selector = "s2"',
            "second_key_file: found nothing, expected a file, because second_selector is given",
        ),
        (
            'second_key_file = "second.pem"',
            "second_selector: found nothing, expected a name, because second_key_file is given",
        ),
        (
            'second_selector = "S1"\nsecond_key_file = "second.pem"',
            'second_selector: found "S1", expected another name than that of selector',
        ),
        (
            'second_selector = "s 2"\nsecond_key_file = "second.pem"',
            'second_selector: found "s 2", expected letters, digits and hyphens between dots',
        ),
        (
            'second_selector = "s2"\nsecond_key_file = 2',
            "second_key_file: found the number 2, expected text in quotes",
        ),
        (
            'second_selector = "s2"\nsecond_key_file = "weak.pem"',
            f"second_key_file: found an RSA key of 1024 bits, expected {USABLE}",
        ),
    ],
)
def test_a_second_key_has_a_name_of_its_own_and_is_usable(
    faults: Faults, tmp_path: Path, more: str, fault: str
) -> None:
    write_key(tmp_path / "dkim.pem", RSA)
    write_key(tmp_path / "second.pem", ED25519)
    write_key(tmp_path / "weak.pem", rsa.generate_private_key(65537, 1024))
    assert faults(f"{ONE}{more}\n") == [f"dkim.{fault}"]


def test_bad_signing_keys_are_named(faults: Faults, tmp_path: Path) -> None:
    path = tmp_path / "dkim.pem"
    assert faults(ONE) == [
        f"dkim.key_file: found {path}: No such file or directory, expected a file that can be read"
    ]
    bad = f", expected {USABLE}"
    write_key(path, rsa.generate_private_key(65537, 1024))
    assert faults(ONE) == [f"dkim.key_file: found an RSA key of 1024 bits{bad}"]
    write_key(path, ec.generate_private_key(ec.SECP256R1()))
    assert faults(ONE) == [f"dkim.key_file: found {path} with a key of another kind{bad}"]
    write_key(path, ED25519, b"passphrase")
    assert faults(ONE) == [f"dkim.key_file: found {path} with a passphrase{bad}"]
    path.write_text("no key")
    assert faults(ONE) == [f"dkim.key_file: found {path} without a private key{bad}"]


def test_signing_needs_domain_selector_and_key(faults: Faults) -> None:
    assert faults("[dkim]\n") == [
        f"dkim.{key}: found nothing, expected text in quotes"
        for key in ("domain", "selector", "key_file")
    ]
    named = "letters, digits and hyphens between dots"
    assert faults('[dkim]\ndomain = "a b"\nselector = "s."\nkey_file = ""\n') == [
        f'dkim.domain: found "a b", expected {named}',
        f'dkim.selector: found "s.", expected {named}',
        'dkim.key_file: found "", expected text that says something',
    ]
