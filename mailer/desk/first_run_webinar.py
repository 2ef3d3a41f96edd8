"""Step three: the first webinar, with what it cannot do without. The rest is for the programme."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from starlette.responses import Response

from mailer.desk import webinar_form
from mailer.desk.first_run_setup import WHO, Setup, step_page
from mailer.desk.place import Desk
from mailer.errors import ChangeRefused
from mailer.intake import editing
from mailer.message.presentable import presented
from mailer.message.shown import Shown
from mailer.store import page_deed, programme
from mailer.store.engine import Connection

FIELDS = ("title", "starts", "duration", "join_url", "registration_url")
_USUAL_LENGTH = "1h"
_LISTED = 5


class FirstWebinar:
    """Puts a webinar into the programme."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, setup: Setup) -> Response:
        """The form, and what is there already."""
        usual = webinar_form.blank(setup.series, None).texts["duration"]
        blank = {**dict.fromkeys(FIELDS, ""), "duration": usual or _USUAL_LENGTH}
        return await self._page(setup, blank)

    async def take(self, setup: Setup, fields: Mapping[str, str]) -> Response:
        """Add it, if everything about it can be."""
        site = self._desk.site
        given = {name: fields.get(name, "") for name in FIELDS}
        form = webinar_form.typed(given)
        reading = webinar_form.read(form, setup.series, asked=FIELDS)
        entrance = given["join_url"] or given["registration_url"]
        wrong = reading.wrong if entrance else {*reading.wrong, "join_url"}
        now, draft = site.clock.now(), reading.draft
        if draft is None or wrong:
            return await self._page(setup, given, wrong=wrong)

        async def unit(connection: Connection) -> None:
            edited = await editing.add(connection, setup.series, draft, now=now)
            await page_deed.note(
                connection,
                series_id=setup.series.id,
                who=WHO,
                act="added a webinar",
                about=page_deed.webinar(edited.record.id),
                now=now,
            )

        try:
            await site.store.write(unit)
        except ChangeRefused:  # the same title at the same time: it is there
            return await self._page(setup, given, wrong=("twice",))
        return setup.on_to("webinar", "added")

    async def _page(
        self, setup: Setup, given: Mapping[str, str], *, wrong: Collection[str] = ()
    ) -> Response:
        site = self._desk.site
        now = site.clock.now()
        records = await site.store.read(
            lambda c: programme.upcoming(c, setup.series.id, now=now, limit=_LISTED)
        )
        facts = (
            presented(one.facts(base_url=site.config.base_url, registered=False)) for one in records
        )
        return step_page(
            self._desk,
            setup,
            "webinar",
            status=422 if wrong else 200,
            typed=Shown(**given),
            wrong=Shown(**{name: name in wrong for name in (*FIELDS, "twice")}),
            zone=setup.series.timezone,
            webinars=tuple(Shown(webinar=one) for one in facts),
        )
