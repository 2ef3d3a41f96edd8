"""Draws every kind of mail in every language as mail programs show it: docs/pictures/*.png.

`python3 dev.py pictures [LANGUAGE...]` runs it, with `pages` for the pages alone, which
`docs.page_pictures` draws. The mails are rendered from `mailer.message.sample` and photographed in
a headless Chromium, on a phone by day and by night and on a desk; one sheet for each language and
view. Nothing is fetched. A sheet keeps few colours, so that it stays small.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from docs.page_pictures import draw_pages
from docs.palette import as_link, few_colours
from mailer.message.mark import PATTERN, Personal
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import sample
from tools import peer

FOLDER = Path(__file__).resolve().parent / "pictures"
TOKEN = "k7qzj4m2v5x3n6p8r2t4w6y7ab"  # noqa: S105 - stands for one in the pictures
PAGES = "pages"  # the word for them among the languages
GAP = 16  # pixels between two pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a mail is looked at. ``width`` in CSS pixels; ``scale`` is how many pixels of the picture
    one of them takes, just enough to be read; a sheet has so many columns."""

    name: str
    width: int
    scale: float
    scheme: Literal["light", "dark"]
    columns: int

    @property
    def drawn(self) -> int:
        """The width of a mail in the picture."""
        return round(self.width * self.scale)


VIEWS = (
    View(name="phone-light", width=360, scale=0.65, scheme="light", columns=7),
    View(name="phone-dark", width=360, scale=0.65, scheme="dark", columns=7),
    View(name="desk", width=680, scale=0.6, scheme="light", columns=4),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One mail as seen. ``height`` in pixels of the mail; ``png`` is the file."""

    kind: str
    height: int
    png: bytes


def main(wanted: Sequence[str]) -> int:
    """Draw the sheets of these languages, the pages, or all; 2 if there is no such thing."""
    renderer = Renderer(builtin_templates())
    unknown = set(wanted) - {*renderer.languages, PAGES}
    if unknown:
        print(f"no such language: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    draw_mails(renderer, [tag for tag in renderer.languages if not wanted or tag in wanted])
    if not wanted or PAGES in wanted:
        draw_pages()
    return 0


def draw_mails(renderer: Renderer, languages: Sequence[str]) -> None:
    """The sheets of these languages."""
    program = peer.find("chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not work for root; it sees our own pages only.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for language in languages:
            for view in VIEWS:
                path = FOLDER / f"{language}-{view.name}.png"
                path.write_bytes(sheet(browser, renderer, language, view))
                print(f"{path.name}: {path.stat().st_size // 1000} kB", flush=True)
        browser.close()


def sheet(browser: Browser, renderer: Renderer, language: str, view: View) -> bytes:
    """All kinds of mail in one language, as one picture."""
    pictures = list(photographs(browser, renderer, language, view))
    width = (view.drawn + GAP) * view.columns + GAP
    page = browser.new_page(viewport={"width": width, "height": 200}, offline=True)
    page.set_content(arranged(pictures, view))
    page.wait_for_function("[...document.images].every(image => image.complete)")
    seen = page.screenshot(full_page=True)
    small = few_colours(page, seen)
    page.close()
    return small


def photographs(
    browser: Browser, renderer: Renderer, language: str, view: View
) -> Iterator[Picture]:
    """Each kind of mail in one language."""
    page = browser.new_page(
        viewport={"width": view.width, "height": 200},
        device_scale_factor=view.scale,
        color_scheme=view.scheme,
        offline=True,
    )
    for kind in renderer.kinds:
        yield photograph(page, renderer, kind, language)
    page.close()


def photograph(page: Page, renderer: Renderer, kind: str, language: str) -> Picture:
    """One mail, from its first line to its last."""
    mail = renderer.render(kind, sample(kind, language=language))
    page.set_content(filled(mail.html))
    height = page.evaluate("document.documentElement.scrollHeight")
    return Picture(kind=kind, height=height, png=page.screenshot(full_page=True))


def filled(text: str) -> str:
    """With something in the personal places."""
    values = {Personal.ADDRESS.value: "reader@example.org"}
    return PATTERN.sub(lambda found: values.get(found[1], TOKEN), text)


def arranged(pictures: Sequence[Picture], view: View) -> str:
    """The sheet: each picture below its kind, in the column that is shortest so far."""
    columns: list[list[Picture]] = [[] for _ in range(view.columns)]
    for picture in pictures:
        shortest = min(columns, key=lambda column: sum(one.height + 3 * GAP for one in column))
        shortest.append(picture)
    made = "".join(f"<div>{''.join(map(_figure, column))}</div>" for column in columns)
    return f"""<!doctype html><meta charset="utf-8"><style>
        body {{ margin: {GAP}px; display: flex; gap: {GAP}px; background: #c5cbd3; }}
        div {{ width: {view.drawn}px; }}
        figure {{ margin: 0 0 {GAP}px; }}
        figcaption {{ font: 600 14px sans-serif; margin: 0 0 4px; color: #1f2933; }}
        img {{ display: block; width: 100%; }}
    </style>{made}"""


def _figure(picture: Picture) -> str:
    caption = f"<figcaption>{picture.kind}</figcaption>"
    return f'<figure>{caption}<img src="{as_link(picture.png)}"></figure>'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
