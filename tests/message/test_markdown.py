"""Tests of Markdown as HTML and as text."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.message.markdown import LIMIT, link_is_safe, to_html, to_text
from tests.examples import examples
from tests.vectors import VECTORS

ALLOWED = {
    "p",
    "br",
    "strong",
    "em",
    "a",
    "ul",
    "ol",
    "li",
    "blockquote",
    "code",
    "pre",
    "hr",
    "h3",
}
XSS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>*{background:url(//evil.example.org)}</style>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "[x](//evil.example.org)",
    "[x](/relative)",
    "![x](https://evil.example.org/pixel.gif)",
    "![x](javascript:alert(1))",
    '[x](https://example.org/"onmouseover="alert(1))',
    '[x](https://example.org "\\" onmouseover=alert(1) x=\\"")',
    '<https://example.org/"onclick=alert(1)>',
    "<javascript:alert(1)>",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```"onclick="alert(1)\nx\n```',
    "[a]: javascript:alert(1)\n\n[a]",
)


class _Reader(HTMLParser):
    """What a page is made of: elements, attributes, and whether anything else came."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.other = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.extend((name, value or "") for name, value in attrs)

    def handle_comment(self, data: str) -> None:
        self.other = True

    def handle_decl(self, decl: str) -> None:
        self.other = True

    def unknown_decl(self, data: str) -> None:
        self.other = True


def _assert_harmless(page: str) -> None:
    read = _Reader(page)
    assert read.tags <= ALLOWED
    assert not read.other
    for name, value in read.attributes:
        assert name in {"href", "start"}
        assert name == "start" or link_is_safe(value)


@pytest.mark.parametrize("attack", XSS)
def test_nothing_active_passes(attack: str) -> None:
    _assert_harmless(to_html(attack))


@given(st.text(alphabet="<>\"'&#;:/\\[]()!`*_~- \n\tahrefjvscipt1.", max_size=200))
@settings(max_examples=examples(200), deadline=None)
def test_no_text_makes_active_html_and_none_raises(text: str) -> None:
    _assert_harmless(to_html(text))
    to_text(text)


@given(st.text(max_size=300))
@settings(max_examples=examples(100), deadline=None)
def test_any_text_is_taken(text: str) -> None:
    _assert_harmless(to_html(text))
    to_text(text)


MIXED = """# Title *here*

A **bold** word and [a link](https://example.org/a?b=1&c=2).
Same paragraph\\
next line, <https://example.org>, <mailto:a@example.org>, ![a picture](https://example.org/p.png).

- one
- two
  - deep
  - deeper
- three

3. drei
4. vier

> quoted
>
> - inside

```
code  <x>
  more
```

---

The end.
"""


def test_text_reads_well() -> None:
    assert (
        to_text(MIXED)
        == """\
Title here

A bold word and a link <https://example.org/a?b=1&c=2>. Same paragraph
next line, <https://example.org>, <a@example.org>, a picture <https://example.org/p.png>.

- one
- two
  - deep
  - deeper
- three

3. drei
4. vier

> quoted
>
> - inside

    code  <x>
      more

--------------------

The end."""
    )


def test_html_holds_the_same() -> None:
    assert (
        to_html(MIXED)
        == """\
<h3>Title <em>here</em></h3>
<p>A <strong>bold</strong> word and <a href="https://example.org/a?b=1&amp;c=2">a link</a>.
Same paragraph<br>
next line, <a href="https://example.org">https://example.org</a>, <a href="mailto:a@example.org">\
mailto:a@example.org</a>, <a href="https://example.org/p.png">a picture</a>.</p>
<ul>
<li>one</li>
<li>two
<ul>
<li>deep</li>
<li>deeper</li>
</ul>
</li>
<li>three</li>
</ul>
<ol start="3">
<li>drei</li>
<li>vier</li>
</ol>
<blockquote>
<p>quoted</p>
<ul>
<li>inside</li>
</ul>
</blockquote>
<pre><code>code  &lt;x&gt;
  more
</code></pre>
<hr>
<p>The end.</p>"""
    )


def test_loose_lists_keep_their_blank_lines() -> None:
    assert to_text("- one\n\n  more\n\n- two") == "- one\n\n  more\n\n- two"


def test_quotes_and_lists_inside_each_other_keep_their_signs() -> None:
    assert to_text("- > a\n  > b\n- 1. x") == "- > a b\n- 1. x"


def test_raw_html_is_shown_as_typed() -> None:
    assert to_html("a <b>c</b>") == "<p>a &lt;b&gt;c&lt;/b&gt;</p>"
    assert to_text("a <b>c</b>") == "a <b>c</b>"


@pytest.mark.parametrize("text", ["*" + "a" * LIMIT + "*\n\nb", "[" * 3000 + "\n\nb"])
def test_text_beyond_reason_is_shown_as_typed(text: str) -> None:
    first = text.split("\n", maxsplit=1)[0]
    assert to_html(text) == f"<p>{first}</p>\n<p>b</p>\n"
    assert to_text(text) == text


@pytest.mark.parametrize("vector", VECTORS)
def test_no_vector_becomes_an_element_in_any_text(vector: str) -> None:
    """S9: as Markdown, and beyond reason, where it is shown as typed."""
    for text in (vector, f"**{vector}**", f"[{vector}]({vector})", f"`{vector}`", f"> {vector}"):
        _assert_harmless(to_html(text))
        _assert_harmless(to_html("[" * 3000 + text))


@pytest.mark.parametrize(
    "nesting", ["> " * 15_000, "- " * 15_000, "".join(" " * n + "- a\n" for n in range(200))]
)
def test_deep_nesting_is_taken(nesting: str) -> None:
    _assert_harmless(to_html(nesting))
    to_text(nesting)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/a?b=c#d", True),
        ("HTTP://example.org", True),
        ("mailto:a@example.org", True),
        ("javascript:alert(1)", False),
        ("https:evil", False),
        ("//example.org", False),
        ("/a", False),
        ("", False),
        ("https://example.org/ x", False),
        ('https://example.org/"', False),
        ("https://example.org/\n", False),
        ("https://[bad", False),
        ("ftp://example.org", False),
    ],
)
def test_only_whole_links_to_web_and_mail_are_safe(url: str, safe: bool) -> None:
    assert link_is_safe(url) is safe
