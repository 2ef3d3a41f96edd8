"""`/admin/SERIES/health`: whether mail leaves, how fast, what waits, and what keeps it.

The state is that of the database, so every node's pages say the same. An examination is made when
an organiser asks for it, and kept for whoever looks next; it is what `mailer check` makes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.checkup.examination import examine
from mailer.checkup.lookup import DnsResolver
from mailer.config.model import Config, Outbound, TransportKind
from mailer.desk import deeds
from mailer.desk.finding import seen, shown_findings
from mailer.desk.form import seal, sealed
from mailer.desk.organiser import at_series
from mailer.desk.place import Desk
from mailer.desk.sheet import go_to, sheet
from mailer.intake import braking
from mailer.intake.braking import Brake
from mailer.message.plaintext import safe_line
from mailer.message.shown import Shown
from mailer.store import backlog, condition, examination, journal, pace, setting, tally, trouble
from mailer.store.engine import Connection
from mailer.store.examination import Examination
from mailer.store.lately import Lately, lately
from mailer.store.outbox import Priority
from mailer.store.tally import Counts
from mailer.store.trouble import Trouble
from mailer.web import probes
from mailer.web.probes import Probe
from scheduler.pace import WarmUpDay, warm_up_day

_EXAMINE, _ACCEPT = "examine", "accept"
_DONE = ("examined", "accepted")
_LANES: Mapping[str, tuple[Priority, ...]] = {
    "answers": (Priority.ANSWER, Priority.PERSONAL),
    "bulk": (Priority.BULK, Priority.INVITATION),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """How it stands, read on one snapshot."""

    switches: Mapping[str, str]
    troubles: tuple[Trouble, ...]
    brakes: tuple[Brake, ...]
    counts: Counts
    since: Mapping[str, datetime | None]
    lately: Lately
    nodes: int
    kept_aside: int
    warm: WarmUpDay | None
    warm_used: int
    examined: Examination | None


class Health:
    """Serves the page and its two buttons."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._one_at_a_time = asyncio.Lock()

    async def show(self, request: Request) -> Response:
        """How everything stands now."""
        organiser, series = await at_series(self._desk, request)
        site = self._desk.site
        view = await site.store.read(self._view)
        probed = await probes.probe_all(site.store, site.clock.now())
        done = request.query_params.get("done", "")
        found = view.examined
        return sheet(
            self._desk,
            organiser,
            "health",
            series=series,
            zone=series.timezone,
            state=_state(view),
            troubles=tuple(map(_trouble, view.troubles)),
            brakes=tuple(map(_brake, view.brakes)),
            probes=tuple(map(_probe, probed)),
            queue=_queue(view, now=site.clock.now()),
            nodes=view.nodes,
            kept_aside=view.kept_aside,
            examined_at=found.at.isoformat() if found else "",
            findings=shown_findings(found.rows if found else ()),
            examine_seal=seal(self._desk, organiser, _EXAMINE),
            accept_seal=seal(self._desk, organiser, _ACCEPT),
            done=done if done in _DONE else "",
            out=_way_out(site.config, view),
            last=_last(view.lately),
        )

    async def examine(self, request: Request) -> Response:
        """Look at everything that mail depends on; takes some seconds."""
        organiser, series = await at_series(self._desk, request)
        await sealed(self._desk, request, organiser, _EXAMINE)
        site = self._desk.site
        async with self._one_at_a_time:
            found = [one async for one in examine(site.config, site.clock, DnsResolver())]
        now = site.clock.now()

        async def unit(connection: Connection) -> None:
            await examination.put(connection, Examination(at=now, rows=seen(found)))
            await deeds.note(connection, organiser, series, "examined the set-up", now=now)

        await site.store.write(unit)
        return go_to(f"/admin/{series.id}/health", done="examined")

    async def accept(self, request: Request) -> Response:
        """Believe that the mailboxes of a domain are gone: what was held back counts now."""
        organiser, series = await at_series(self._desk, request)
        found = await sealed(self._desk, request, organiser, _ACCEPT)
        parts, now = self._desk.parts, self._desk.site.clock.now()
        domain = found.get("domain", "")

        async def unit(connection: Connection) -> None:
            held = await braking.brakes(connection, now=now)
            if domain not in {one.domain for one in held if one.since}:
                raise HTTPException(409)
            await braking.accept(parts.intake.context(connection, series), domain)
            await deeds.note(
                connection, organiser, series, "let bounces count", now=now, detail=domain
            )

        await parts.store.write(unit)
        await parts.refusals.catch_up()
        return go_to(f"/admin/{series.id}/health", done="accepted")

    async def _view(self, connection: Connection) -> _View:
        now = self._desk.site.clock.now()
        plan = self._desk.site.config.outbound.warm_up
        warm = None if plan is None else warm_up_day(plan, now)
        return _View(
            switches=await setting.several(connection, (setting.STOPPED, setting.HELD)),
            troubles=await trouble.troubles(connection, now=now),
            brakes=await braking.brakes(connection, now=now),
            counts=await tally.counts(connection),
            since={
                lane: await backlog.oldest_due(connection, priorities, now=now)
                for lane, priorities in _LANES.items()
            },
            lately=await lately(connection),
            nodes=len(await condition.living(connection, now=now)),
            kept_aside=len(await journal.kept_aside(connection)),
            warm=warm,
            warm_used=0 if warm is None else await pace.counted(connection, day=warm.begins_at),
            examined=await examination.last(connection),
        )


def _state(view: _View) -> str:
    """Whether mail leaves, in one word; what a person has done comes before what a server has."""
    if setting.STOPPED in view.switches:
        return "stopped"
    if not view.nodes:
        return "nobody"
    if view.troubles:
        return "alarm" if view.troubles[0].alarm else "away"
    return "held" if setting.HELD in view.switches else "moves"


def _trouble(one: Trouble) -> Shown:
    return Shown(
        since=one.since.isoformat(),
        phase=one.phase,
        said=safe_line(" ".join(filter(None, (str(one.code or ""), one.cause)))),
        alarm=one.alarm,
    )


def _brake(one: Brake) -> Shown:
    return Shown(
        domain=one.domain,
        everywhere=one.domain == "*",
        hard=one.hard,
        people=one.people,
        since=one.since.isoformat() if one.since else "",
        until=one.accepted_until.isoformat() if one.accepted_until else "",
    )


def _probe(one: Probe) -> Shown:
    return Shown(name=one.name, holds=one.holds, said=safe_line(one.said))


def _queue(view: _View, *, now: datetime) -> Shown:
    """How many rows are in each state, and how many minutes the oldest of each lane waits."""
    waits = {
        lane: -1 if since is None else int((now - since).total_seconds()) // 60
        for lane, since in view.since.items()
    }
    return Shown(**asdict(view.counts), **{f"{lane}_wait": found for lane, found in waits.items()})


def _way_out(config: Config, view: _View) -> Shown:
    """Where mail goes, and how fast it may."""
    outbound = config.outbound
    smtp = outbound.transport is TransportKind.SMTP
    server = f"{outbound.host}:{outbound.port}" if smtp else str(outbound.maildir)
    return Shown(
        server=server,
        smtp=smtp,
        security=outbound.security.value,
        signed_in=bool(outbound.username),
        connections=outbound.connections,
        pace=f"{outbound.messages_per_second:g}" if outbound.messages_per_second else "",
        domains=tuple(_domain(name, rate) for name, rate in _limited(outbound)),
        warm_limit=view.warm.limit if view.warm else 0,
        warm_used=view.warm_used,
    )


def _limited(outbound: Outbound) -> list[tuple[str, float]]:
    return sorted((name, rate) for name, rate in outbound.domains.items() if rate)


def _domain(name: str, rate: float) -> Shown:
    return Shown(name=name, everywhere=name == "*", rate=f"{rate * 60:g}")


def _last(found: Lately) -> Shown:
    return Shown(
        sent=found.sent_at.isoformat() if found.sent_at else "",
        received=found.received_at.isoformat() if found.received_at else "",
        came_back=found.came_back_at.isoformat() if found.came_back_at else "",
    )
