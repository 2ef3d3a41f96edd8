"""Every mail in a real browser: it fits a small phone, can be read by night, and fetches nothing.

The pictures in docs/ are made the same way; what they show is for people to look at.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from docs import palette, pictures
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import DETAILS, sample
from tests.peers import registry

RENDERER = Renderer(builtin_templates())
LARGEST_SHEET = 300_000  # bytes
SMALLEST_PHONE = 320  # CSS pixels
# Contrast of small text that the Web Content Accessibility Guidelines ask for (2.2, 1.4.3).
READABLE = 4.5

# The worst contrast of any text with what lies behind it, and what the text is.
_CONTRAST = """() => {
    const channels = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
    const light = (text) => {
        const [red, green, blue] = channels(text).slice(0, 3).map((value) => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const found = getComputedStyle(at).backgroundColor;
            if (channels(found)[3] !== 0) return found;
        }
        return "rgb(255, 255, 255)";
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let worst = [21, ""];
    while (walker.nextNode()) {
        const text = walker.currentNode.textContent.trim();
        if (!text) continue;
        const element = walker.currentNode.parentElement;
        const tones = [light(getComputedStyle(element).color), light(behind(element))].sort();
        const contrast = (Math.max(...tones) + 0.05) / (Math.min(...tones) + 0.05);
        if (contrast < worst[0]) worst = [contrast, text];
    }
    return worst;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = registry.require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page as wide as the smallest phone."""
    page = browser.new_page(viewport={"width": SMALLEST_PHONE, "height": 600})
    yield page
    page.close()


def mails(language: str) -> Iterator[tuple[str, str]]:
    """All that every kind can look like, as HTML."""
    for kind in RENDERER.kinds:
        for details in DETAILS.get(kind, ({},)):
            for web, registered in ((True, True), (False, False)):
                facts = sample(
                    kind, language=language, web=web, registered=registered, details=details
                )
                yield kind, pictures.filled(RENDERER.render(kind, facts).html)


@pytest.mark.parametrize("language", RENDERER.languages)
def test_every_mail_fits_a_small_phone_and_fetches_nothing(page: Page, language: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    wide = set()
    for kind, html in mails(language):
        page.set_content(html)
        if page.evaluate("document.documentElement.scrollWidth") > SMALLEST_PHONE:
            wide.add(kind)
    assert (wide, asked) == (set(), [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_mail_can_be_read_by_day_and_by_night(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] - one of its literals
    for kind, html in mails("en"):
        page.set_content(html)
        contrast, text = page.evaluate(_CONTRAST)
        assert contrast >= READABLE, (kind, text)


def test_arabic_is_set_from_the_right_with_its_figures_in_order(page: Page) -> None:
    page.set_content(RENDERER.render("announcement", sample("announcement", language="ar")).html)
    first, button = "document.querySelector('.sheet p')", "document.querySelector('.button')"
    assert page.evaluate(f"getComputedStyle({first}).direction") == "rtl"
    edges = page.evaluate(f"[{first}, {button}].map(one => one.getBoundingClientRect().right)")
    assert edges[0] == edges[1] > SMALLEST_PHONE / 2
    left_to_right = """() => {
        const text = document.querySelector(".clock").firstChild;
        const left = (index) => {
            const range = document.createRange();
            range.setStart(text, index);
            range.setEnd(text, index + 1);
            return range.getBoundingClientRect().left;
        };
        return [...text.textContent].map((_, index) => left(index));
    }"""
    lefts = page.evaluate(left_to_right)
    assert len(lefts) == len("13:00–14:00")
    assert lefts == sorted(lefts)


def test_a_picture_keeps_few_colours_and_its_size(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 61, "height": 20})
    page.set_content('<body style="background: #fff"><b style="color: #0b5394">A</b>')
    small = palette.few_colours(page, page.screenshot())
    assert struct.unpack(">IIBB", small[16:26]) == (61, 20, 4, 3)
    page.set_content(f'<img src="{palette.as_link(small)}">')
    page.wait_for_function("document.images[0].complete")
    assert page.evaluate("[document.images[0].naturalWidth, document.images[0].naturalHeight]") == [
        61,
        20,
    ]
    page.close()


def test_there_are_pictures_of_every_language_and_view_and_the_manual_shows_them() -> None:
    names = {f"{tag}-{view.name}.png" for tag in RENDERER.languages for view in pictures.VIEWS}
    assert {path.name for path in pictures.FOLDER.glob("*.*")} == names
    manual = (pictures.FOLDER.parent / "templates.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(pictures/([^)]+)\)", manual)) == names
    sizes = {path.name: path.stat().st_size for path in pictures.FOLDER.glob("*.*")}
    assert max(sizes.values()) <= LARGEST_SHEET, sizes


def test_a_language_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert pictures.main(["fr", "tlh", "de"]) == 2
    assert capsys.readouterr().err == "no such language: de, tlh\n"
