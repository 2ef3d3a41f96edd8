"""The `[dkim]` table: one key that mail is signed with, or one of each kind.

Looks at the key files, and says what is wrong with one without any of its bytes. RFC 6376 §3.1
(selectors), RFC 8301 §3.2 and RFC 8463 (keys).
"""

from __future__ import annotations

import re
from pathlib import Path

from mailer.config.credential import signing_key_kind
from mailer.config.model import Dkim
from mailer.config.section import Section, describe

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)
_SECOND = ("second_selector", "second_key_file")


def read_dkim(section: Section) -> Dkim | None:
    """How mail is signed; the keys must be usable."""
    domain, selector = section.required_text("domain"), section.required_text("selector")
    second_selector = section.text("second_selector")
    for key, value in (
        ("domain", domain),
        ("selector", selector),
        ("second_selector", second_selector),
    ):
        if value and _DNS_NAME.fullmatch(value) is None:
            section.fault(key, describe(value), "letters, digits and hyphens between dots")
    key_file = section.readable_file("key_file") if section.required_text("key_file") else None
    second_key_file = section.readable_file("second_key_file")
    _check_keys(section, key_file, second_key_file)
    _check_second(section, selector or "", second_selector)
    if domain is None or selector is None or key_file is None:
        return None
    return Dkim(
        domain=domain.lower(),
        selector=selector.lower(),
        key_file=key_file,
        second_selector=second_selector.lower(),
        second_key_file=second_key_file,
    )


def _check_keys(section: Section, first: Path | None, second: Path | None) -> None:
    """Each key can sign mail, and the second is of the other kind."""
    kinds = [
        _kind(section, name, path) if path else ""
        for name, path in (("key_file", first), ("second_key_file", second))
    ]
    if kinds[0] and kinds[0] == kinds[1]:
        expected = "an Ed25519 key" if kinds[0] == "RSA" else "an RSA key"
        found = f"a key of kind {kinds[1]}, as in key_file"
        section.fault("second_key_file", found, expected)


def _kind(section: Section, name: str, path: Path) -> str:
    try:
        return signing_key_kind(path)
    except ValueError as error:
        expected = "an RSA key of at least 2048 bits or an Ed25519 key, PEM without passphrase"
        section.fault(name, str(error), expected)
        return ""


def _check_second(section: Section, selector: str, second: str) -> None:
    """A second key has a name, which is its own, and neither comes without the other."""
    given = [name for name in _SECOND if section.values.get(name)]
    if len(given) == 1:
        missing, what = (_SECOND[1], "a file") if given[0] == _SECOND[0] else (_SECOND[0], "a name")
        section.fault(missing, "nothing", f"{what}, because {given[0]} is given")
    if second and second.lower() == selector.lower():
        section.fault("second_selector", describe(second), "another name than that of selector")
