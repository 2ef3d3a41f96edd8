"""Step five: mail to many may leave, and the link of the set-up opens nothing any more.

Nothing that is not done keeps anybody from it; it is said, and has to be meant. Who has confirmed
in step four can become the organiser of a series that has none: they are written into the
configuration, as nobody becomes one by being first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.responses import Response

from mailer.config import rewriting
from mailer.config.rewriting import Unwritable
from mailer.config.tables import is_loopback
from mailer.desk.first_run_setup import STEPS, WHO, Setup, step_page
from mailer.desk.place import Desk
from mailer.desk.sheet import cover
from mailer.errors import ConfigError
from mailer.log import get_logger
from mailer.message.shown import Shown
from mailer.store import first_run, page_deed, setting
from mailer.store.engine import Connection
from mailer.store.people import State
from mailer.web.page import shown_series

_log = get_logger(__name__)


class Live:
    """Ends the set-up."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, setup: Setup) -> Response:
        """What is done, what is not, and the button."""
        return self._page(setup)

    async def take(self, setup: Setup, fields: Mapping[str, str]) -> Response:
        """Let everything go."""
        if _undone(setup) and not fields.get("anyway"):
            return self._page(setup, status=422, unmeant=True)
        organiser, refused = self._organiser(setup), ""
        if organiser:
            refused = self._appointed(setup, organiser)
        if refused:
            return self._page(setup, status=422, refused=refused)
        site = self._desk.site
        now = site.clock.now()

        async def unit(connection: Connection) -> None:
            await first_run.end(connection)
            await page_deed.note(
                connection, series_id=setup.series.id, who=WHO, act="went live", now=now
            )
            if organiser:
                await setting.bump(connection, setting.RELOAD)

        await site.store.write(unit)
        _log.info("the first set-up is done, all mail may leave", action="first-run.ended")
        return cover(
            self._desk,
            setup.who,
            "first-done",
            series=shown_series(site, setup.series, setup.who),
            signs_in=organiser or ", ".join(setup.series.organisers),
        )

    def _organiser(self, setup: Setup) -> str:
        """Who becomes the organiser, empty if there is one or nobody has shown who they are."""
        guest = setup.guest
        if setup.series.organisers or guest is None or guest.state is not State.ACTIVE:
            return ""
        return guest.address.mailbox

    def _appointed(self, setup: Setup, organiser: str) -> str:
        """Write the organiser into the file; why not, empty if it is there."""
        config = self._desk.site.config
        stamp = f"{self._desk.site.clock.now():%Y%m%dT%H%M%SZ}"
        table = ("series", setup.series.id)
        try:
            with config.source.open(encoding="utf-8", newline="") as file:
                text = file.read()
            new = rewriting.changed(text, table, {"organisers": (organiser,)})
            rewriting.put_in_place(config.source, new, stamp=stamp, environ=os.environ)
        except (OSError, Unwritable, ConfigError) as error:
            return str(error)
        return ""

    def _page(
        self, setup: Setup, *, status: int = 200, unmeant: bool = False, refused: str = ""
    ) -> Response:
        config = self._desk.site.config
        organiser = self._organiser(setup)
        host = urlsplit(config.base_url).hostname or ""
        return step_page(
            self._desk,
            setup,
            "live",
            status=status,
            undone=tuple(Shown(name=one, url=setup.path(one)) for one in _undone(setup)),
            unmeant=unmeant,
            appoints=organiser,
            organisers=", ".join(setup.series.organisers),
            refused=refused,
            file=str(config.source),
            paste=rewriting.lines(("series", setup.series.id), {"organisers": (organiser,)})
            if refused
            else "",
            base_url=config.base_url,
            near_only=is_loopback(host),
        )


def _undone(setup: Setup) -> list[str]:
    return [one for one in STEPS[:-1] if one not in setup.finished]
