"""`/healthz`, `/readyz`, `/metrics`: for load balancers and monitors; plain text, no person in it.

`/healthz` says that the process answers, `/readyz` that it can do its work, with a line for each
probe. A look at the database serves everybody who asks within a few seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mailer.errors import StoreUnavailable
from mailer.log.counting import Counting
from mailer.store.engine import Store
from mailer.web.meter import Meter
from mailer.web.metrics import Snapshot, exposition, snapshot
from mailer.web.probes import Probe, probe_all
from scheduler.clock import Clock

READY_KEPT_SECONDS = 2.0
METRICS_KEPT_SECONDS = 10.0
_UNCACHED = {"Cache-Control": "no-store"}

T = TypeVar("T")


class Health:
    """Looks after one process; ``listening`` names the listeners that should accept and whether
    each does, ``now`` is a clock for spans."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        listening: Callable[[], dict[str, bool]],
        counting: Counting,
        meter: Meter,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._clock = clock
        self._listening = listening
        self._counting = counting
        self._meter = meter
        self._now = now
        self._probes: tuple[float, tuple[Probe, ...]] | None = None
        self._snapshot: tuple[float, Snapshot] | None = None

    async def alive(self, request: Request) -> Response:
        """The event loop turns."""
        return PlainTextResponse("ok\n", headers=_UNCACHED)

    async def ready(self, request: Request) -> Response:
        """Each probe in a line; 503 if one does not hold."""
        probes = (*self._listeners(), *await self._looked())
        lines = [f"{one.name}: {'ok' if one.holds else 'FAULT'}, {one.said}\n" for one in probes]
        status = 200 if all(one.holds for one in probes) else 503
        return PlainTextResponse("".join(lines), status_code=status, headers=_UNCACHED)

    async def metrics(self, request: Request) -> Response:
        """Everything an operator alarms on, in Prometheus' text form."""
        probes = (*self._listeners(), *await self._looked())
        content = exposition(
            self._meter, self._counting, probes, await self._counted(), now=self._clock.now()
        )
        return Response(content, media_type=CONTENT_TYPE_LATEST, headers=_UNCACHED)

    def _listeners(self) -> tuple[Probe, ...]:
        return tuple(
            Probe(name=f"listener {name}", holds=holds, said="accepts" if holds else "is closed")
            for name, holds in self._listening().items()
        )

    async def _looked(self) -> tuple[Probe, ...]:
        kept = self._probes
        if kept is None or self._now() - kept[0] > READY_KEPT_SECONDS:
            kept = self._probes = (self._now(), await probe_all(self._store, self._clock.now()))
        return kept[1]

    async def _counted(self) -> Snapshot | None:
        """How things stand in the database, None while it does not tell."""
        kept = self._snapshot
        if kept is not None and self._now() - kept[0] <= METRICS_KEPT_SECONDS:
            return kept[1]
        try:
            found = await snapshot(self._store, self._clock.now())
        except StoreUnavailable:
            return None
        self._snapshot = (self._now(), found)
        return found
