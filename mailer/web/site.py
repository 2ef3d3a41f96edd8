"""What every page works with: the configuration, the store, the intake, templates and secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailer.config.model import Config, Series, Web
from mailer.intake.context import Asker
from mailer.intake.delivery import Intake, Secrets
from mailer.intake.person import PersonChanges
from mailer.message.address import Address
from mailer.message.command import Channel
from mailer.message.facts import SeriesFacts
from mailer.message.render import Renderer
from mailer.store import programme
from mailer.store.engine import Store
from mailer.store.people import Subscription
from mailer.web.meter import Meter
from mailer.web.seal import Seal
from scheduler.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Site:
    """The parts of the program that pages need; ``settings`` is the configured `[web]`,
    ``concerned`` is told of a subscription that is gone."""

    config: Config
    settings: Web
    store: Store
    intake: Intake
    person_changes: PersonChanges
    secrets: Secrets
    renderer: Renderer
    clock: Clock
    seal: Seal
    meter: Meter
    concerned: Callable[[int], None]

    def series(self, series_id: str) -> Series | None:
        """The configured series with this id."""
        return next((one for one in self.config.series if one.id == series_id), None)

    def series_at(self, request: Request) -> Series:
        """The series that the request's path names; HTTPException 404 if there is none."""
        series = self.series(request.path_params["series"])
        if series is None:
            raise HTTPException(404)
        return series

    def facts(self, series: Series) -> SeriesFacts:
        """A series as templates see it."""
        return programme.series_facts(series, base_url=self.config.base_url)


def asker(
    evidence: str,
    address: Address | None = None,
    language: str | None = None,
    *,
    holder: Subscription | None = None,
) -> Asker:
    """Somebody at a page: who typed an address, or whom a token has shown to be its ``holder``."""
    return Asker(
        address=holder.address if holder else address,
        channel=Channel.WEB,
        evidence=evidence,
        language=language,
        proven=holder is not None,
        subscription=holder,
    )
