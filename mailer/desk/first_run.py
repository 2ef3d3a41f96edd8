"""`/admin/first/TOKEN`: from nothing to the first confirmed subscriber, in five steps.

The link is printed by `mailer init` and nobody else has it; of its secret only a digest is kept,
and it opens nothing once the set-up is done or too old. Each step is a page with a form, can be
entered again, and says what came of it. Looking changes nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.desk.first_run_connect import Connect
from mailer.desk.first_run_invite import Invite
from mailer.desk.first_run_live import Live
from mailer.desk.first_run_prove import Prove
from mailer.desk.first_run_setup import STEPS, Setup
from mailer.desk.first_run_webinar import FirstWebinar
from mailer.desk.place import Desk
from mailer.log import get_logger
from mailer.store import first_run
from mailer.web.form import sealed_fields
from mailer.web.visitor import visitor

_log = get_logger(__name__)


class Step(Protocol):
    """One step of the set-up."""

    async def show(self, setup: Setup) -> Response:
        """Its page."""
        ...

    async def take(self, setup: Setup, fields: Mapping[str, str]) -> Response:
        """What its form sends."""
        ...


class FirstRun:
    """Serves the steps."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._steps: Mapping[str, Step] = dict(
            zip(
                STEPS,
                (Connect(desk), Prove(desk), FirstWebinar(desk), Invite(desk), Live(desk)),
                strict=True,
            )
        )

    async def begin(self, request: Request) -> Response:
        """On to the first step that is not done."""
        setup = await self._setup(request)
        return setup.on_to(setup.next_step)

    async def show(self, request: Request) -> Response:
        """One step."""
        step = self._step(request)
        return await step.show(await self._setup(request))

    async def take(self, request: Request) -> Response:
        """One step's form."""
        step, setup = self._step(request), await self._setup(request)
        name = request.path_params["step"]
        found = await sealed_fields(self._desk.site, request, setup.purpose(name))
        _log.info("a step of the first set-up", action="first-run.step", step=name)
        return await step.take(setup, found)

    def _step(self, request: Request) -> Step:
        found = self._steps.get(request.path_params["step"])
        if found is None:
            raise HTTPException(404)
        return found

    async def _setup(self, request: Request) -> Setup:
        """What the link opens; HTTPException 404 for any other."""
        site, token = self._desk.site, request.path_params["token"]
        state = await site.store.read(first_run.current)
        digest = first_run.digest_of(token)
        if (
            state is None
            or not hmac.compare_digest(state.digest, digest)
            or state.until <= site.clock.now()
        ):
            raise HTTPException(404)
        series = site.config.series[0]
        who = visitor(request, site.renderer, series)
        asked = request.query_params.get("done", "")
        return await Setup.look(site, token=token, state=state, series=series, who=who, done=asked)
