"""What surrounds every answer: a bound on bodies, a log without tokens, an end to faults."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from mailer.config.model import Templates
from mailer.message.address import Purpose
from mailer.web.guard import HEADERS, OVER_TLS, shown_path
from tests.logged import told
from tests.web.place import Place, config, opened_place


def test_the_headers_for_safety_are_these() -> None:
    """S9, S13: routes are tested for having them all, so they stand here once more."""
    assert HEADERS == {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'none'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    assert OVER_TLS == {"Strict-Transport-Security": "max-age=31536000"}


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/copyright/w/iscc", "/copyright/w/iscc"),
        ("/u/abc", "/u/…"),
        ("/c/abc/def", "/c/…"),
        ("/p/", "/p/…"),
        ("/", "/"),
        ("/" + "x" * 1000, "/" + "x" * 199),
    ],
)
def test_a_path_is_told_without_its_token(path: str, shown: str) -> None:
    assert shown_path(path) == shown


async def test_no_token_gets_into_the_log(place: Place, log: io.StringIO) -> None:
    """S13, S22: right ones, mistyped ones, and those of forms."""
    ana, webinar = await place.ana(), await place.webinar()
    tokens = [
        place.token(purpose, ana, webinar)
        for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES, Purpose.REGISTER, Purpose.JOIN)
    ]
    for token in tokens:
        for page in "cujpr":
            for shown in (token, token.upper(), token[:-1], f"{token}x"):
                await place.browser.get(f"/{page}/{shown}?{shown}")
                await place.browser.post(f"/{page}/{shown}", {"seal": shown, "x": shown})
    text = told(log).lower()
    assert text.count("page.served") == len(tokens) * 5 * 4 * 2
    for token in tokens:
        assert token[:20] not in text


async def test_a_body_without_end_is_refused(place: Place) -> None:
    ana = await place.ana()
    for path in ("/copyright/subscribe", f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}"):
        large = await place.browser.post(path, {"address": "a" * 20_000})
        assert large.status == 413
        declared = await place.browser.ask(
            "POST",
            path,
            headers={
                "Content-Length": "99999999999999999999",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        assert declared.status in {400, 413}
    assert await place.again(ana) == ana


async def test_a_body_whose_length_nobody_said_is_counted(place: Place) -> None:
    piece = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    headers = {
        "Transfer-Encoding": "chunked",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = await place.browser.ask(
        "POST", "/copyright/subscribe", body=piece * 20 + b"0\r\n\r\n", headers=headers
    )
    assert answer.status == 413


async def test_a_body_that_is_cut_changes_nothing(place: Place) -> None:
    """F39."""
    ana = await place.ana()
    token = place.token(Purpose.UNSUBSCRIBE, ana)
    _, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(
        f"POST /u/{token} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\nList-Unsub".encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await place.browser.get("/healthz")).status == 200
    assert await place.again(ana) == ana


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n",
        b"--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nx\r\n--x--\r\n",
        b"--y\r\n",
        b"--x\r\n" * 100,
        b"\x00" * 100,
        b"",
    ],
)
async def test_a_malformed_form_is_the_senders_fault(place: Place, body: bytes) -> None:
    ana = await place.ana()
    answer = await place.browser.ask(
        "POST",
        f"/u/{place.token(Purpose.UNSUBSCRIBE, ana)}",
        body=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert answer.status == 400
    assert await place.again(ana) == ana


async def test_a_fault_of_ours_is_told_once_and_shown_to_nobody(
    tmp_path: Path, log: io.StringIO
) -> None:
    folder = tmp_path / "templates"
    (folder / "web").mkdir(parents=True)
    (folder / "web" / "series.html").write_text("{{ no_such_word }}\n")
    settings = config(f"sqlite:///{tmp_path}/m.db", tmp_path, templates=Templates(folder=folder))
    async with opened_place(settings) as place:
        answer = await place.browser.get("/copyright")
        assert (answer.status, "no_such_word" in answer.text) == (500, False)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert (await place.browser.get("/copyright/subscribe")).status == 200
        text = told(log)
    assert (text.count("page.failed"), "'no_such_word' is undefined" in text) == (1, True)
