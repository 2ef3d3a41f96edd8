"""Makes pictures small: what is seen in a browser, with few colours (PNG, indexed, four bits).

The browser finds the colours, as it is quick at pixels; nothing else is needed to write the file.
"""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

COLOURS = 16  # two pixels in a byte


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
