"""The organisers' pages of a small world behind a real server, and organisers who sign in."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from mailer.config.model import Config, Endpoint, Web
from mailer.desk import cookie
from mailer.desk.place import Desk
from mailer.desk.routes import annex
from mailer.message.address import Address
from mailer.parts import Parts, open_parts
from mailer.store import visit
from mailer.store.webinar import WebinarRecord
from mailer.web.opening import open_pages
from scheduler.clock import VirtualClock
from tests.peers.browser import Answer, Browser
from tests.web.place import ANYWHERE, BASE
from tests.world import NOON, SERIES, make_config, make_sqlite, scheduled

ADA = Address(key="ada@example.org", mailbox="ada@example.org")
EVE = Address(key="eve@example.org", mailbox="Eve@example.org")
MAX = Address(key="max@example.org", mailbox="max@example.org")  # of another series
OURS = replace(SERIES, organisers=("ada@example.org", "Eve@example.org"))
THEIRS = replace(
    SERIES,
    id="patents",
    title="Patent Webinars",
    address="patents@lists.example.org",
    organisers=("max@example.org",),
)
WEDNESDAY = datetime(2026, 11, 25, 13)  # noqa: DTZ001 - on the clock of the series
COOKIE = "__Host-mailer-desk"


@dataclass(frozen=True, kw_only=True)
class Desktop:
    """A browser in which somebody is signed in."""

    browser: Browser
    secret: str
    name: str = COOKIE

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.browser.get(path, cookie=f"{self.name}={self.secret}", **headers)

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """POST exactly these fields."""
        return await self.browser.post(path, fields, cookie=f"{self.name}={self.secret}", **headers)

    async def upload(
        self, path: str, fields: Mapping[str, str], *, name: str, content: bytes
    ) -> Answer:
        """POST these fields and a file, as browsers do."""
        mark = "mark-of-a-part"
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in fields.items()
        ]
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"'
        body = f"{''.join(parts)}{head}\r\nContent-Type: text/plain\r\n\r\n".encode()
        return await self.browser.ask(
            "POST",
            path,
            body=body + content + f"\r\n--{mark}--\r\n".encode(),
            headers={
                "Content-Type": f"multipart/form-data; boundary={mark}",
                "Cookie": f"{self.name}={self.secret}",
            },
        )

    async def press(
        self, page: str, action: str, fields: Mapping[str, str] | None = None
    ) -> Answer:
        """Load a page and send its form that leads to ``action``, filled in like this."""
        seal = (await self.get(page)).seal(action)
        return await self.post(action, {"seal": seal, **(fields or {})})


@dataclass
class Place:
    """An opened database and its pages, those of organisers among them."""

    parts: Parts
    clock: VirtualClock
    port: int
    desk: Desk

    @property
    def browser(self) -> Browser:
        return Browser(self.port)

    def later(self, span: timedelta) -> None:
        """Let time pass."""
        self.clock.advance_to(self.clock.now() + span)

    async def signed_in(self, who: Address = ADA, *, language: str = "en") -> Desktop:
        """Somebody who used their link just now, and reads in this language."""
        secret = cookie.new()
        await self.parts.store.write(
            lambda c: visit.begin(
                c,
                cookie.digest_of(secret),
                organiser=who.key,
                language=language,
                now=self.clock.now(),
            )
        )
        secure = self.desk.site.settings.base_url.startswith("https:")
        name = COOKIE if secure else COOKIE.removeprefix("__Host-")
        return Desktop(browser=self.browser, secret=secret, name=name)

    async def webinar(self, slug: str = "iscc", **more: object) -> WebinarRecord:
        """A webinar with registration here."""
        given = {"registration_url": "", "join_url": "https://meet.example.org/secret", **more}
        return await scheduled(self.parts, WEDNESDAY, slug, **given)


def config(url: str, folder: Path, **more: object) -> Config:
    """A configuration with pages and two organisers, and a series of somebody else."""
    web = Web(base_url=BASE, listen=ANYWHERE)
    given = {"web": web, "series": (OURS, THEIRS), **more}
    return replace(make_config(url, folder), **given)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def opened_place(settings: Config) -> AsyncIterator[Place]:
    """The pages of a configuration at noon."""
    clock = VirtualClock(NOON)
    file = Path(settings.database.url.removeprefix("sqlite:///"))
    if settings.database.url.startswith("sqlite:///") and not file.exists():
        await make_sqlite(file)
    assert settings.web is not None
    desks: list[Desk] = []

    async with open_parts(settings, clock, upgrade=True) as parts:

        def beside(site):  # type: ignore[no-untyped-def]
            desks.append(Desk(site=site, parts=parts))
            return annex(desks[0])

        async with open_pages(
            settings,
            settings.web,
            store=parts.store,
            intake=parts.intake,
            person_changes=parts.person_changes,
            secrets=parts.secrets,
            renderer=parts.drawing.renderer,
            clock=clock,
            counting=parts.counting,
            listening=lambda: {"smtp": True},
            concerned=parts.concerned,
            annex=beside,
        ) as serving:
            yield Place(parts=parts, clock=clock, port=serving[0].port, desk=desks[0])


def at_port(settings: Config, port: int) -> Config:
    """The same pages, to be seen by a real browser where they are."""
    listen = Endpoint(host="127.0.0.1", port=port)
    return replace(settings, web=Web(base_url=f"http://127.0.0.1:{port}", listen=listen))
