"""Step four: the first subscriber, asked to confirm like everybody else; the page waits with them.

Nobody is subscribed from here: the mail has to be answered, or its link followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from mailer.desk.first_run_setup import Setup, keep, step_page
from mailer.desk.place import Desk
from mailer.message.address import is_own, parse_address
from mailer.message.command import Subscribe
from mailer.store import first_run, page_deed
from mailer.store.first_run import Asked
from mailer.store.people import State
from mailer.web.site import asker

WAIT_SECONDS = 3
LONGEST_ADDRESS = 320
EVIDENCE = "first set-up"


class Invite:
    """Asks somebody to confirm, and shows when they have."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, setup: Setup) -> Response:
        """The form, or how far the one who was asked is."""
        organisers = setup.series.organisers
        typed = organisers[0] if organisers else ""
        return await self._page(setup, typed)

    async def take(self, setup: Setup, fields: Mapping[str, str]) -> Response:
        """Ask whoever reads that mailbox."""
        site, series = self._desk.site, setup.series
        typed = fields.get("address", "")[:LONGEST_ADDRESS]
        address = parse_address(typed)
        if address is None or is_own(address.key, site.config.series):
            return await self._page(setup, typed, wrong=True)
        language = setup.who.language
        by = asker(EVIDENCE, address, language)
        wanted = None if language == series.language else language
        outcome = await site.intake.command(series, by, Subscribe(language=wanted))
        if outcome.subscription_id is not None:
            about = page_deed.subscription(outcome.subscription_id)
            state = replace(setup.state, invited=outcome.subscription_id)
            await keep(site, setup, state, "asked somebody to confirm", about=about)
        return setup.on_to("invite", "asked")

    async def _page(self, setup: Setup, typed: str, *, wrong: bool = False) -> Response:
        guest = setup.guest
        waits = guest is not None and guest.state is State.PENDING and not wrong
        mail = await self._mail(setup)
        return step_page(
            self._desk,
            setup,
            "invite",
            status=422 if wrong else 200,
            refresh=WAIT_SECONDS if waits else 0,
            typed=typed,
            wrong=wrong,
            waits=waits,
            guest=guest.address.mailbox if guest else "",
            guest_state=guest.state.value if guest else "",
            mail_state=mail.state if mail else "",
            reply=mail.reply if mail else "",
        )

    async def _mail(self, setup: Setup) -> Asked | None:
        """What became of the mail to the one who was asked."""
        guest = setup.guest
        if guest is None:
            return None
        return await self._desk.site.store.read(
            lambda c: first_run.newest_request(c, guest.address.key, guest.series_id)
        )
