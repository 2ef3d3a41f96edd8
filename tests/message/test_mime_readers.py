"""Three readers of mail take ours for the same: Python's, postal-mime and mailparser (M3, M4)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailer.message.compose import Attachment, compose
from mailer.message.header import headers_for
from tests.message.sample import NOW, SERIES, VALUES
from tests.message.test_compose import HEADERS, HTML, TEXT, invitation, parsed
from tests.peers.mime_readers import Found, by_mailparser, by_postal_mime

HARD = (
    ".\n..\nFrom the first line\n-- \n=3D =\n" + "long " * 300 + "\n"
    "Zoë 📅 مرحبا بالعالم 你好，世界 Привет\n\u2028 \u00a0 end of it\nhttps://example.org/?a=1&b=%20\n"
)
SLIDES = Attachment(
    name="Folien zum Vortrag – 你好.pdf", media_type="application/pdf", content=b"%PDF\0"
)


def mails() -> list[bytes]:
    """With each kind of calendar, and in what is hard to carry."""
    found = [
        compose(
            headers=HEADERS,
            text=TEXT,
            html=HTML,
            calendar=None if method is None else invitation(method),
        )
        for method in (None, "PUBLISH", "REQUEST", "CANCEL")
    ]
    for language in ("ar", "zh"):
        subject = f"Zoë 📅 مرحبا 你好，世界 {'long ' * 30}end"
        headers = headers_for(
            series=SERIES, kind="announcement", subject=subject, language=language, date=NOW
        )
        html = f"<p>{HARD}</p>\n"
        found.append(compose(headers=headers, text=HARD, html=html, attachments=[SLIDES]))
    return [one.fill(VALUES) for one in found]


def by_python(mail: EmailMessage) -> Found:
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    files = [part for part in mail.walk() if part.get_content_maintype() in {"text", "application"}]
    return {
        "subject": mail["Subject"],
        "text": text.get_content().replace("\r\n", "\n").rstrip(),
        "html": html.get_content().replace("\r\n", "\n").rstrip(),
        "files": [
            [
                part.get_content_type(),
                part.get_filename() or "",
                base64.b64encode(octets(part)).decode(),
            ]
            for part in files
            if part not in (text, html)
        ],
    }


def octets(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.replace(b"\r\n", b"\n")


@pytest.mark.slow
@pytest.mark.parametrize("read", [by_postal_mime, by_mailparser])
def test_another_reader_finds_the_same(
    run_folder: Path, read: Callable[[Path, list[bytes]], list[Found]]
) -> None:
    assert read(run_folder, mails()) == [by_python(parsed(mail)) for mail in mails()]
