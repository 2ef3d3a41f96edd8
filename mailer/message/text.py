"""Bytes and marked-up text of a mail become plain text: charsets, RFC 2047, HTML, format=flowed.

Never raises, linear time, looks at nothing but its arguments. Text that comes out of `clean` can
stand in a header, a log or a page: no control, no NUL, no line separator, no half of a surrogate.
"""

from __future__ import annotations

import binascii
import codecs
import html
import re

_WORD = re.compile(r"=\?([^?\s]{1,64})\?([bBqQ])\?([^?\n]*)\?=")
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_REMOVED = {
    **dict.fromkeys(range(0x20)),
    **dict.fromkeys(range(0x7F, 0xA0)),
    **dict.fromkeys(map(ord, _BREAKS), " "),
}
_SURROGATE = re.compile("[\ud800-\udfff]")
# Names seen in mail that Python does not know, or knows too narrowly.
_CHARSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-8-i": "iso-8859-8",
    "utf8mb4": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
}
_MULTIBYTE = frozenset({"utf-8", "gb18030", "big5hkscs", "cp949", "cp932", "iso-2022-jp"})
# No charsets of mail: they are slow, or turn plain bytes into something else.
_REFUSED = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"})
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "br", "dd", "div", "dl", "dt", "footer"}
    | {"form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p"}
    | {"pre", "section", "table", "td", "th", "tr", "ul"}
)
_SILENT = frozenset({"head", "style", "script", "title", "template", "noscript"})
_NOT_BASE64 = bytes(
    byte
    for byte in range(256)
    if not (chr(byte).isascii() and chr(byte).isalnum()) and byte not in b"+/"
)
_ENDLESS_REFERENCE = re.compile("&#[xX]?[0-9a-fA-F]{8,};?")
# How mail programs mark what they quote: the element with all in it, or all that follows it.
_QUOTES_INSIDE = re.compile(
    "gmail_quote|yahoo_quoted|protonmail_quote|zmail_extra|moz-cite-prefix|isReplyContent",
    re.IGNORECASE,
)
_QUOTES_AFTER = re.compile(
    "divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container",
    re.IGNORECASE,
)


_SPELL_ASCII_ALIKE = frozenset({"", "us-ascii", "utf-8", "iso-8859-1", "windows-1252"})


def clean(value: str) -> str:
    """The text on one line: breaks become spaces; controls, NUL and surrogates are removed."""
    if value.isascii() and value.isprintable():  # most are, and this is asked for every line
        return value
    return _SURROGATE.sub("", value).translate(_REMOVED)


def decode_bytes(content: bytes, charset: str = "") -> str:
    """Text of these bytes: by the charset named, else UTF-8, else Windows-1252; never raises."""
    wanted = charset.strip(" \t\"'").lower()
    if wanted in _SPELL_ASCII_ALIKE and content.isascii():
        return content.decode("ascii")
    for name in (_CHARSETS.get(wanted, wanted), "utf-8"):
        try:
            codec = codecs.lookup(name) if name else None
            if codec is None or codec.name.replace("-", "_") in _REFUSED:
                continue
            return content.decode(codec.name)
        except (LookupError, ValueError):
            continue
    known = _CHARSETS.get(wanted, wanted)
    return content.decode(known if known in _MULTIBYTE else "cp1252", "replace")


def decode_words(value: str) -> str:
    """A field's text with its encoded words decoded (RFC 2047); neighbours in one charset are
    joined first, because many programs cut a character between two of them."""
    if "=?" not in value:
        if value.isascii():
            return value
        return decode_bytes(value.encode("utf-8", "surrogateescape"))
    pieces: list[tuple[str | None, bytes]] = []  # charset, None for text that was not encoded
    position = 0
    for word in _WORD.finditer(value):
        between = value[position : word.start()]
        if between and not (between.isspace() and pieces and pieces[-1][0] is not None):
            pieces.append((None, between.encode("utf-8", "surrogateescape")))
        charset = word[1].partition("*")[0].lower()
        content = _word_bytes(word[2], word[3])
        if pieces and pieces[-1][0] == charset:
            content = pieces.pop()[1] + content
        pieces.append((charset, content))
        position = word.end()
    pieces.append((None, value[position:].encode("utf-8", "surrogateescape")))
    return "".join(decode_bytes(content, charset or "") for charset, content in pieces)


def _word_bytes(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "surrogateescape")
    return binascii.a2b_qp(raw, header=True) if encoding in "qQ" else _from_base64(raw)


def undo_encoding(content: bytes, encoding: str) -> bytes:
    """Base64 and quoted-printable undone as far as they can be read (RFC 2045 §6); all else is
    returned as it is."""
    match encoding.strip().lower():
        case "base64":
            return _from_base64(content)
        case "quoted-printable":
            return binascii.a2b_qp(content)
        case _:
            return content


def _from_base64(content: bytes) -> bytes:
    letters = content.translate(None, _NOT_BASE64)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def from_flowed(value: str, *, delsp: bool = False) -> str:
    """format=flowed undone (RFC 3676): a line that ends in a space goes on in the next one."""
    paragraphs: list[list[str]] = []
    flowing = False
    for line in value.splitlines():
        if flowing and not line.startswith(">") and line != "-- ":
            paragraphs[-1].append(line)
        else:
            paragraphs.append([line])
        flowing = line.endswith(" ") and line != "-- " and not line.startswith(">")
        if flowing and delsp:
            paragraphs[-1][-1] = line[:-1]
    return "\n".join("".join(lines) for lines in paragraphs)


_FOR_GOOD = -(10**9)  # no closing tag gets back to that depth


def from_html(value: str) -> str:
    """The words of an HTML text, a line per block; what is quoted gets a ``>`` before it."""
    return _Reduction().run(value)


class _Reduction:
    """One pass over the chunks between ``<`` signs. The standard library's parser is quadratic on
    some broken mark-up in older patch releases, so the few things needed are done here."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._silent = ""
        self._depth = 0  # of div and blockquote
        self._quoted_from: int | None = None

    def run(self, value: str) -> str:
        first, *chunks = _without_comments(value).split("<")
        self._text(first)
        for chunk in chunks:
            tag, closed, rest = chunk.partition(">")
            if closed and tag[:1] and (tag[0].isalpha() or tag[0] in "/!?"):
                self._tag(tag)
                self._text(rest)
            elif not (chunk[:1].isalpha() or chunk[:1] in {"/", "!", "?"}):
                self._text("<" + chunk)
        self._break()
        return "\n".join(self._lines)

    def _tag(self, tag: str) -> None:
        words = tag[:64].split(maxsplit=1)
        name = words[0].lower().strip("/") if words else ""
        closing = tag.startswith("/")
        if self._silent:
            if closing and name == self._silent:
                self._silent = ""
            return
        if name in _SILENT and not closing and not tag.endswith("/"):
            self._silent = name
        elif name in _BLOCKS:
            self._break()
            if name in {"div", "blockquote"}:
                self._enter(name, tag[:1000], closing)

    def _enter(self, name: str, tag: str, closing: bool) -> None:
        if closing:
            self._depth -= 1
            if self._quoted_from is not None and self._depth <= self._quoted_from:
                self._quoted_from = None
            return
        if self._quoted_from is None:
            if _QUOTES_AFTER.search(tag):
                self._quoted_from = _FOR_GOOD
            elif name == "blockquote" or _QUOTES_INSIDE.search(tag):
                self._quoted_from = self._depth
        self._depth += 1

    def _text(self, value: str) -> None:
        if not self._silent and value:
            self._line.append(value)

    def _break(self) -> None:
        text = _ENDLESS_REFERENCE.sub("", "".join(self._line))
        line = " ".join(html.unescape(text).split())
        self._line.clear()
        if line:
            self._lines.append(f"> {line}" if self._quoted_from is not None else line)


def _without_comments(value: str) -> str:
    pieces: list[str] = []
    position = 0
    while (start := value.find("<!--", position)) >= 0:
        pieces.append(value[position:start])
        end = value.find("-->", start + 4)
        if end < 0:
            return "".join(pieces)
        position = end + 3
    pieces.append(value[position:])
    return "".join(pieces)
