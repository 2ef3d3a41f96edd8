"""The pages of a small world behind a real server, and somebody who looks at them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mailer.config.model import Config, Endpoint, Web
from mailer.message.address import Address, Purpose
from mailer.parts import Parts, open_parts
from mailer.store import people, registration
from mailer.store.people import Subscription
from mailer.store.registration import State as Choice
from mailer.store.webinar import WebinarRecord
from mailer.web.health import Health
from mailer.web.meter import Meter
from mailer.web.opening import open_pages
from mailer.web.seal import Seal
from mailer.web.site import Site
from scheduler.clock import VirtualClock
from tests.peers.browser import Browser
from tests.world import ANA, BOB, NOON, SERIES, make_config, make_sqlite, scheduled, subscribed

BASE = "https://webinars.example.org"
ANYWHERE = Endpoint(host="127.0.0.1", port=0)
WEDNESDAY = datetime(2026, 11, 25, 13)  # noqa: DTZ001 - on the clock of the series


@dataclass
class Place:
    """An opened database, its pages, and somebody who looks at them."""

    parts: Parts
    clock: VirtualClock
    ports: Mapping[str, int]

    @property
    def port(self) -> int:
        """Where the pages are."""
        return self.ports["web"]

    @property
    def browser(self) -> Browser:
        return Browser(self.port)

    def token(
        self, purpose: Purpose, subscription: Subscription, webinar: WebinarRecord | None = None
    ) -> str:
        """A token as our mails carry it."""
        context = webinar.id if webinar else 0
        if purpose is Purpose.CONFIRM:
            context = subscription.generation
        day = self.clock.now().date()
        return self.parts.secrets.mint.mint(
            purpose, subject=subscription.id, context=context, day=day
        )

    async def ana(self) -> Subscription:
        """A subscriber."""
        return await subscribed(self.parts, ANA)

    async def bob(self, address: Address = BOB) -> Subscription:
        """Somebody who has not confirmed yet."""
        return await self.parts.store.write(
            lambda c: people.ask(
                c, series_id=SERIES.id, address=address, language=None, now=self.clock.now()
            )
        )

    async def again(self, subscription: Subscription) -> Subscription:
        """The same as it stands now."""
        found = await self.parts.store.read(lambda c: people.by_id(c, subscription.id))
        assert found is not None
        return found

    async def choice(self, subscription: Subscription, webinar: WebinarRecord) -> Choice | None:
        """What they said of a webinar."""
        return await self.parts.store.read(
            lambda c: registration.of(c, subscription.subscriber_id, webinar.id)
        )

    async def webinar(self, slug: str = "iscc", **more: object) -> WebinarRecord:
        """A webinar with registration here."""
        given = {"registration_url": "", "join_url": "https://meet.example.org/secret", **more}
        return await scheduled(self.parts, WEDNESDAY, slug, **given)


def config(url: str, folder: Path, **more: object) -> Config:
    """A configuration with pages."""
    web = Web(base_url=BASE, listen=ANYWHERE)
    return replace(make_config(url, folder), **{"web": web, **more})  # type: ignore[arg-type]


def site_of(place: Place) -> Site:
    """A site on the place's database, beside the one that is served."""
    parts = place.parts
    assert parts.config.web is not None
    return Site(
        config=parts.config,
        settings=parts.config.web,
        store=parts.store,
        intake=parts.intake,
        person_changes=parts.person_changes,
        secrets=parts.secrets,
        renderer=parts.drawing.renderer,
        clock=place.clock,
        seal=Seal(parts.secrets.hash_key, place.clock),
        meter=Meter(),
        concerned=parts.concerned,
    )


def health_of(place: Place) -> Health:
    """What looks after it."""
    return Health(
        place.parts.store,
        place.clock,
        listening=dict,
        counting=place.parts.counting,
        meter=Meter(),
        now=time.monotonic,
    )


@contextlib.asynccontextmanager
async def opened_place(settings: Config) -> AsyncIterator[Place]:
    """The pages of a configuration at noon."""
    clock = VirtualClock(NOON)
    file = Path(settings.database.url.removeprefix("sqlite:///"))
    if settings.database.url.startswith("sqlite:///") and not file.exists():
        await make_sqlite(file)
    assert settings.web is not None
    async with (
        open_parts(settings, clock, upgrade=True) as parts,
        open_pages(
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
        ) as serving,
    ):
        ports = {one.name: one.port for one in serving}
        yield Place(parts=parts, clock=clock, ports=ports)
