"""Markdown that organisers write, as safe HTML and as plain text that reads well.

Both come from the same tokens, so that they say the same. No raw HTML passes, no image is loaded
(it becomes a link), links lead to http, https and mailto only; what is left goes through an
allow-list. What is longer than `LIMIT` or nests or brackets beyond reason is shown as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

LIMIT = 32_000  # characters
_OPENERS = 2_000  # characters that may open an inline span; the parser looks far ahead for each
_SCHEMES = frozenset({"http", "https", "mailto"})
_TAGS = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "blockquote", "code", "pre", "hr", "h3"}
_ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "ol": {"start"}}
_HEADING = "h3"  # a heading inside a mail's own headings
_RULE = "-" * 20
_SPAN_OPENER = re.compile(r"[\[\]`*_<&]")


def to_html(markdown: str) -> str:
    """The text as HTML for the inside of a page; every link absolute, nothing active in it."""
    if _beyond_reason(markdown):
        return "".join(f"<p>{escape(block)}</p>\n" for block in _paragraphs(markdown))
    tokens = _parsed(markdown)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=set(_SCHEMES), link_rel=None
    ).strip()


def to_text(markdown: str) -> str:
    """The text without its marks: paragraphs unwrapped, lists with dashes or numbers, quotes with
    ``>``, links as ``title <url>``."""
    if _beyond_reason(markdown):
        return "\n\n".join(_paragraphs(markdown))
    return _Writer().write(_parsed(markdown))


def link_is_safe(url: str) -> bool:
    """True for an absolute http, https or mailto link without a character that could end it."""
    if re.search(r"[\s\x00-\x1f\x7f<>\"\\^`{|}]", url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.casefold() in _SCHEMES and bool(parts.netloc or parts.scheme == "mailto")


def _beyond_reason(markdown: str) -> bool:
    return len(markdown) > LIMIT or len(_SPAN_OPENER.findall(markdown)) > _OPENERS


def _paragraphs(text: str) -> list[str]:
    return [block.strip() for block in text.split("\n\n") if block.strip()]


def _parsed(markdown: str) -> list[Token]:
    tokens = _MARKDOWN.parse(markdown)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = _HEADING
        if token.type == "inline" and token.children:
            token.children = list(_without_images(token.children))
    return tokens


def _without_images(children: Sequence[Token]) -> Iterator[Token]:
    """Nothing is fetched when a mail is read: an image is a link with its description."""
    for token in children:
        if token.type != "image":
            yield token
            continue
        source = str(token.attrs.get("src", ""))
        yield Token("link_open", "a", 1, attrs={"href": source})
        yield Token("text", "", 0, content=token.content or source)
        yield Token("link_close", "a", -1)


@dataclass(slots=True)
class _Prefix:
    """What stands before the lines of a quote or list item; ``first`` before its first line."""

    first: str
    rest: str


class _Writer:
    """Plain text from block tokens: a stack of line prefixes, one block after the other."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._prefixes: list[_Prefix] = []
        self._above: list[_Prefix] = []  # the prefixes of the block before
        self._counters: list[int | None] = []  # of the open lists; None: not numbered
        self._tight = False  # the next block follows the one before without a blank line
        self._list_begins = False  # it opens an outermost list

    def write(self, tokens: Sequence[Token]) -> str:
        for token in tokens:
            self._take(token)
        return "\n".join(self._out)

    def _take(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._open_list(None)
            case "ordered_list_open":
                self._open_list(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                self._counters.pop()
            case "list_item_open":
                self._open_item()
            case "blockquote_open":
                self._prefixes.append(_Prefix("> ", "> "))
            case "list_item_close" | "blockquote_close":
                self._prefixes.pop()
            case "paragraph_open":
                self._tight = token.hidden
            case "inline":
                self._add(_inline_text(token.children or []))
            case "fence" | "code_block":
                code = token.content.rstrip("\n").split("\n")
                self._add("\n".join("    " + line for line in code))
            case "hr":
                self._add(_RULE)
            case _:
                pass

    def _open_list(self, number: int | None) -> None:
        self._list_begins = not self._counters
        self._counters.append(number)

    def _open_item(self) -> None:
        number = self._counters[-1]
        bullet = "- " if number is None else f"{number}. "
        if number is not None:
            self._counters[-1] = number + 1
        self._prefixes.append(_Prefix(bullet, " " * len(bullet)))

    def _add(self, text: str) -> None:
        if self._out and (self._list_begins or not self._tight):
            self._out.append(self._blank_line())
        first = "".join(prefix.first for prefix in self._prefixes)
        rest = "".join(prefix.rest for prefix in self._prefixes)
        lines = text.split("\n")
        self._out.extend((first + lines[0], *(rest + line for line in lines[1:])))
        for prefix in self._prefixes:
            prefix.first = prefix.rest
        self._above = list(self._prefixes)
        self._tight = self._list_begins = False

    def _blank_line(self) -> str:
        """Quotes go on through a blank line if both blocks around it stand in them."""
        common = [p for p, above in zip(self._prefixes, self._above, strict=False) if p is above]
        return "".join(prefix.rest for prefix in common).rstrip()


def _inline_text(children: Sequence[Token]) -> str:
    parts: list[str] = []
    links: list[tuple[int, str]] = []  # where the open link's text begins, and where it leads
    for token in children:
        match token.type:
            case "link_open":
                links.append((len(parts), str(token.attrs.get("href", ""))))
            case "link_close":
                begin, url = links.pop()
                title = "".join(parts[begin:])
                parts[begin:] = [_link_text(title, url)]
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case _:
                parts.append(token.content)
    return "".join(parts)


def _link_text(title: str, url: str) -> str:
    shown = url.removeprefix("mailto:")
    return f"<{shown}>" if title in {url, shown, ""} else f"{title} <{shown}>"


def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20})
    parser.validateLink = link_is_safe  # type: ignore[method-assign]
    return parser


_MARKDOWN = _markdown()
