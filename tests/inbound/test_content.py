"""Where a mail's content ends, whatever pieces it comes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.inbound.content import Content, longest_line

PIECES = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"..", b"x", b"\r\n\r\n"])
)


def received(pieces: list[bytes]) -> tuple[bytes, bytes] | None:
    """What came before the end, and what after it; None if there is no end."""
    content = Content()
    for number, piece in enumerate(pieces):
        rest = content.feed(piece)
        if rest is not None:
            return content.whole(), rest + b"".join(pieces[number + 1 :])
    return None


def by_lines(data: bytes) -> tuple[bytes, bytes] | None:
    """The same, told the slow way: RFC 5321 line by line."""
    lines, left = [], data
    while b"\r\n" in left:
        line, _, left = left.partition(b"\r\n")
        if line == b".":
            return b"".join(lines), left
        lines.append(line.removeprefix(b".") + b"\r\n")
    return None


@given(PIECES, st.integers(1, 5))
def test_any_cut_gives_what_the_lines_say(pieces: list[bytes], size: int) -> None:
    data = b"".join(pieces) + b"\r\n.\r\nQUIT\r\n"
    cut = [data[start : start + size] for start in range(0, len(data), size)]
    assert received(cut) == received([data]) == by_lines(data)


@pytest.mark.parametrize(
    ("data", "content", "rest"),
    [
        (b".\r\n", b"", b""),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"a\r\n.\r\nMAIL", b"a\r\n", b"MAIL"),
        (b"..\r\n.\r\n", b".\r\n", b""),
        (b".a\r\n...b\r\n.\r\n", b"a\r\n..b\r\n", b""),
        (b"a\n.\n.\r\n\r\n.\r\n", b"a\n.\n.\r\n\r\n", b""),
    ],
)
def test_the_end_and_the_dots(data: bytes, content: bytes, rest: bytes) -> None:
    assert received([data]) == (content, rest)
    assert received([bytes([octet]) for octet in data]) == (content, rest)


def test_what_is_forgotten_still_ends() -> None:
    content = Content()
    assert content.feed(b"a" * 100) is None
    content.forget()
    assert content.feed(b"\r\n.") is None
    assert content.feed(b"\r\nNOOP") == b"NOOP"
    assert (content.whole(), content.octets) == (b"", 105)


def test_the_longest_line_counts_its_end() -> None:
    assert longest_line(b"") == 0
    assert longest_line(b"abc\r\nabcdef\r\na\r\n") == 8
    assert longest_line(b"a\r\nabcdef") == 6
