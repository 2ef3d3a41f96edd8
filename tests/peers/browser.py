"""A small HTTP client that sends exactly what a test says and shows exactly what came back."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer; field names in lower case, those that stand twice joined by a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8")

    @property
    def words(self) -> str:
        """What a reader sees of a page, in one line."""
        shown = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", self.text)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())

    def hidden(self, name: str) -> str:
        """The value of the first hidden field of that name."""
        found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', self.text)
        assert found, f"no hidden {name} in {self.text}"
        return html.unescape(found[1])

    def seal(self, action: str) -> str:
        """The token of the first form that leads to ``action``."""
        form = re.search(
            rf'(?s)<form [^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', self.text
        )
        assert form, f"no form leads to {action} in {self.text}"
        found = re.search(r'<input type="hidden" name="seal" value="([^"]*)"', form[1])
        assert found, f"no seal in {form[1]}"
        return html.unescape(found[1])


class Browser:
    """Asks one server, over a new connection each time."""

    def __init__(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._host = host
        self._port = port

    async def get(self, path: str, **headers: str) -> Answer:
        """GET a path; `accept_language` becomes Accept-Language."""
        return await self.ask("GET", path, headers=_names(headers))

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """POST a form as browsers do."""
        return await self.ask(
            "POST",
            path,
            body=urlencode(fields).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded", **_names(headers)},
        )

    async def ask(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Any request."""
        fields = {"Host": "webinars.example.org", "Connection": "close", **(headers or {})}
        if method == "POST" and "Transfer-Encoding" not in fields:
            fields.setdefault("Content-Length", str(len(body)))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
                return _read(await reader.read())
            finally:
                writer.close()


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").title(): value for name, value in headers.items()}


def _read(content: bytes) -> Answer:
    head, _, body = content.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    if headers.get("transfer-encoding") == "chunked":
        body = _joined(body)
    return Answer(status=int(lines[0].split(" ")[1]), headers=headers, body=body)


def _joined(body: bytes) -> bytes:
    content = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        content, body = content + rest[:length], rest[length + 2 :]
        if not length:
            break
    return content
