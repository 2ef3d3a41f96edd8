"""Step two: everything the service depends on is examined, and a mail goes out and comes back.

The same as `mailer check --round-trip`. The step is done when the mail came back; what else was
found is shown with what to do about it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from mailer.checkup.examination import examine
from mailer.checkup.finding import Verdict
from mailer.checkup.lookup import DnsResolver
from mailer.checkup.roundtrip import round_trip
from mailer.desk.finding import seen, shown_findings
from mailer.desk.first_run_setup import Setup, keep, step_page
from mailer.desk.place import Desk
from mailer.store import examination
from mailer.store.examination import Examination

RETURN_SECONDS = 20.0  # that a mail may take; somebody waits for the page


class Prove:
    """Shows what was found, and finds it anew."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._one_at_a_time = asyncio.Lock()

    async def show(self, setup: Setup) -> Response:
        """What the last examination found."""
        found = None
        if setup.state.examined:
            found = await self._desk.site.store.read(examination.last)
        proved = setup.state.proved_at
        return step_page(
            self._desk,
            setup,
            "prove",
            findings=shown_findings(found.rows if found else ()),
            proved_at=proved.isoformat() if proved else "",
            zone=setup.series.timezone,
        )

    async def take(self, setup: Setup, fields: Mapping[str, str]) -> Response:
        """Examine, and send a mail to ourselves; a moment, as something has to come back."""
        site = self._desk.site
        config, clock = site.config, site.clock
        async with self._one_at_a_time:
            found = [one async for one in examine(config, clock, DnsResolver())]
            back = await round_trip(config, clock, seconds=RETURN_SECONDS)
        proved = back[0].verdict is Verdict.OK
        now = clock.now()
        made = Examination(at=now, rows=seen((*found, *back)))
        await site.store.write(lambda c: examination.put(c, made))
        state = replace(setup.state, proved_at=now if proved else None, examined=True)
        await keep(site, setup, state, "examined the set-up")
        return setup.on_to("prove", "proved" if proved else "tried")
