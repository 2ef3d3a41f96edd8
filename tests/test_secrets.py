"""Secrets cannot be guessed, and are not compared in a way that tells how much of them was right
(S13)."""

from __future__ import annotations

import ast
import re
from base64 import b32decode, urlsafe_b64decode
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from mailer.cli import init
from mailer.desk import cookie
from mailer.message.address import LETTERS, Purpose
from mailer.message.token import TokenMint

ROOT = Path(__file__).resolve().parent.parent / "mailer"
LEAST_OCTETS = 16  # 128 bits
SECRET = re.compile(
    r"(?:.*_)?(?:secret|token|digest|password|cookie|seal|hash|mac|signature|key_text)s?"
)
# Comparisons of what is none: why each may be done the short way.
HARMLESS = {
    ("desk/first_run_setup.py", "present.digest != state.digest"),  # both are our own, kept
    ("message/phrase.py", "token == '('"),  # a word of a text
    ("message/token.py", "_spell(block) != token"),  # how it is written, not what it says
    ("store/suppression.py", "suppression.c.address_hash == address_hash"),  # of an address
    ("store/suppression.py", "suppression.c.address_hash == bindparam('who')"),
    ("store/written.py", "written.c.digest == draft.digest"),  # of a text, for finding it again
    ("store/written.py", "written.c.digest == digest"),
    ("store/visit.py", "visit.c.digest == digest"),  # of a random secret: nothing to approach it by
}


def compared() -> Iterator[tuple[str, str]]:
    """Every comparison for equality that names something secret, by file."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Compare):
                continue
            equals = any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops)
            if equals and any(map(_is_secret, (node.left, *node.comparators))):
                yield path.relative_to(ROOT).as_posix(), ast.unparse(node)


def _is_secret(node: ast.expr) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return bool(SECRET.fullmatch(name))
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return bool(SECRET.fullmatch(name))
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return bool(SECRET.fullmatch(name)) or name.startswith("digest")
        case _:
            return False


def test_no_secret_is_compared_the_short_way() -> None:
    found = set(compared())
    assert found - HARMLESS == set()
    assert HARMLESS - found == set()  # what is gone is not excused any more


def test_tokens_have_128_bits_and_show_nothing_of_what_they_say() -> None:
    """Of neighbouring people, so that all but the key is the same or one apart."""
    mint, day = TokenMint([b"k" * 32]), date(2026, 10, 28)
    made = mint.mint_many(Purpose.UNSUBSCRIBE, range(4_000), 0, day)
    blocks = [b32decode(one.upper() + "======") for one in made]
    assert (len(set(made)), {len(one) for one in made}) == (4_000, {LETTERS})
    assert {len(one) for one in blocks} == {LEAST_OCTETS}
    for bit in range(8 * LEAST_OCTETS):
        ones = sum(one[bit // 8] >> bit % 8 & 1 for one in blocks)
        assert abs(ones - 2_000) < 200, bit  # six times the spread of a coin
    assert max(Counter(one[:2] for one in made).values()) < 20  # four of each are expected


@pytest.mark.parametrize("make", [cookie.new, init._secret])
def test_what_is_drawn_has_128_bits(make) -> None:  # type: ignore[no-untyped-def]
    made = {make() for _ in range(1_000)}
    assert len(made) == 1_000
    octets = [_octets(one) for one in made]
    assert min(map(len, octets)) >= LEAST_OCTETS
    ones = [sum(one[bit // 8] >> bit % 8 & 1 for one in octets) for bit in range(128)]
    assert max(abs(one - 500) for one in ones) < 100  # six times the spread of a coin


def _octets(text: str) -> bytes:
    """Of base32 or base64 as we write them."""
    if re.fullmatch(r"[a-z2-7]+", text):
        return b32decode(text.upper() + "=" * (-len(text) % 8))
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
