"""`/c/TOKEN`: confirms a subscription, or takes back an unsubscription. Looking changes nothing."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mailer.intake.subscribing import is_good
from mailer.message.address import Purpose
from mailer.message.command import Confirm
from mailer.store import renewal
from mailer.store.people import State
from mailer.web.form import SEAL, sealed_fields
from mailer.web.holder import Holder, holder_of
from mailer.web.page import page
from mailer.web.site import Site, asker

GONE = 410


class Confirming:
    """Serves the page behind the link of a confirmation request."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The question, with a button."""
        held = await holder_of(self._site, request, Purpose.CONFIRM)
        if held.subscription.state is State.ACTIVE:
            asked = await self._site.store.read(lambda c: renewal.waits(c, held.subscription.id))
            return self._page(held, "ask" if asked else "already")
        if not self._is_good(held):
            return self._page(held, "old", status=GONE)
        return self._page(held, "ask")

    async def take(self, request: Request) -> Response:
        """The click on the button."""
        site = self._site
        held = await holder_of(site, request, Purpose.CONFIRM)
        await sealed_fields(site, request, f"confirm {held.text}")
        outcome = await site.intake.command(
            held.series, asker(held.evidence), Confirm(token=held.text)
        )
        if outcome.subscription_id is None:
            return self._page(held, "old", status=GONE)
        return self._page(
            held, "already" if outcome.word in ("confirmed before", "stays") else "done"
        )

    def _is_good(self, held: Holder) -> bool:
        return is_good(
            held.token,
            held.subscription,
            today=self._site.clock.now().date(),
            valid_for=self._site.config.retention.pending,
        )

    def _page(self, held: Holder, stage: str, *, status: int = 200) -> Response:
        return page(
            self._site,
            held.series,
            held.who,
            "confirm",
            status=status,
            stage=stage,
            returning=held.subscription.since is not None,
            address=held.subscription.address.mailbox,
            seal_name=SEAL,
            seal=self._site.seal.make(f"confirm {held.text}"),
        )
