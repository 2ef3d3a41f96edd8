"""Draws every kind of mail in every language as mail programs show it: docs/pictures/*.png.

`python3 dev.py pictures [LANGUAGE...]` runs it. The mails are rendered from `mailer.message.sample`
and photographed in a headless Chromium, on a phone by day and by night and on a desk; one sheet for
each language and view. Nothing is fetched. A sheet keeps few colours, so that it stays small.
"""

from __future__ import annotations

import base64
import struct
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from mailer.message.mark import PATTERN, Personal
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import sample
from tools import peer

FOLDER = Path(__file__).resolve().parent / "pictures"
TOKEN = "k7qzj4m2v5x3n6p8r2t4w6y7ab"  # noqa: S105 - stands for one in the pictures
GAP = 16  # pixels between two pictures
COLOURS = 16  # two pixels in a byte


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
    View(name="phone-light", width=360, scale=0.7, scheme="light", columns=7),
    View(name="phone-dark", width=360, scale=0.7, scheme="dark", columns=7),
    View(name="desk", width=680, scale=0.65, scheme="light", columns=4),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One mail as seen. ``height`` in pixels of the mail; ``png`` is the file."""

    kind: str
    height: int
    png: bytes


def main(wanted: Sequence[str]) -> int:
    """Draw the sheets of these languages, or of all; 2 if there is no such language."""
    renderer = Renderer(builtin_templates())
    unknown = set(wanted) - set(renderer.languages)
    if unknown:
        print(f"no such language: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    program = peer.find("chromium")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not work for root; it sees our own pages only.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for language in wanted or renderer.languages:
            for view in VIEWS:
                path = FOLDER / f"{language}-{view.name}.png"
                path.write_bytes(sheet(browser, renderer, language, view))
                print(f"{path.name}: {path.stat().st_size // 1000} kB", flush=True)
        browser.close()
    return 0


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


def as_link(png: bytes) -> str:
    """A picture as an address that holds all of it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


# In the page, because a browser is quick at pixels: the commonest colours that are not too near to
# each other become the palette; each pixel takes the nearest of them.
_INDEXED = """async ([source, most]) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const data = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
    const counts = new Map();
    for (const pixel of data) counts.set(pixel, (counts.get(pixel) || 0) + 1);
    const common = [...counts].sort((one, other) => other[1] - one[1]).map(([pixel]) => pixel);
    const far = (one, other) => [0, 8, 16].reduce(
        (sum, shift) => sum + ((one >> shift & 255) - (other >> shift & 255)) ** 2, 0);
    const palette = [];
    for (const pixel of common)  // backgrounds first, however near
        if (palette.length < most / 2 && palette.every((known) => far(known, pixel) > 60))
            palette.push(pixel);
    for (let room = 900; palette.length < most && room >= 1; room /= 2)
        for (const pixel of common)
            if (palette.length < most && palette.every((known) => far(known, pixel) > room))
                palette.push(pixel);
    const nearest = new Map(common.map((pixel) => [pixel, palette.reduce(
        (best, known, index) => far(known, pixel) < far(palette[best], pixel) ? index : best, 0)]));
    const row = Math.ceil(image.width / 2);
    const packed = new Uint8Array(row * image.height);
    for (let at = 0, y = 0; y < image.height; y++)
        for (let x = 0; x < image.width; x++, at++)
            packed[y * row + (x >> 1)] |= nearest.get(data[at]) << (x & 1 ? 0 : 4);
    let text = "";
    for (let start = 0; start < packed.length; start += 32768)
        text += String.fromCharCode(...packed.subarray(start, start + 32768));
    return [image.width, image.height, palette, btoa(text)];
}"""


def few_colours(page: Page, png: bytes) -> bytes:
    """The same picture with at most `COLOURS` colours (PNG, indexed, four bits)."""
    width, height, palette, packed = page.evaluate(_INDEXED, [as_link(png), COLOURS])
    rows = base64.b64decode(packed)
    step = (width + 1) // 2
    lines = b"".join(b"\0" + rows[at : at + step] for at in range(0, len(rows), step))
    colours = b"".join((colour & 0xFFFFFF).to_bytes(3, "little") for colour in palette)
    header = struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", colours), (b"IDAT", zlib.compress(lines, 9)))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, (*chunks, (b"IEND", b""))))


def _chunk(part: tuple[bytes, bytes]) -> bytes:
    kind, content = part
    size, check = struct.pack(">I", len(content)), struct.pack(">I", zlib.crc32(kind + content))
    return size + kind + content + check


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
