"""Holds back what bounces would do to readers while a server calls everybody unknown.

Asked only when somebody would be tested or removed. What came back stays written down and counts
when the wave is over, or when an organiser says that it is to be believed. Removes nobody itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from mailer.intake.context import Context
from mailer.log import get_logger
from mailer.message.bounce_brake import ACCEPTED_FOR, LEAST, RECOUNT_AFTER, SPAN, is_wave
from mailer.store import unjudged, wave
from mailer.store.engine import Connection
from mailer.store.wave import EVERYWHERE, Wave

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brake:
    """How a domain stands now: ``hard`` mails to it came back within a day."""

    domain: str
    hard: int
    people: int
    since: datetime | None
    accepted_until: datetime | None


async def holds(context: Context, domain: str) -> bool:
    """Whether nothing may be done now about readers at this domain; says so in the log once."""
    counted = await wave.came_back(context.connection, (domain, EVERYWHERE), now=context.now)
    many = [one for one in (domain, EVERYWHERE) if counted[one] >= LEAST]
    return any([await _holds(context, one, counted[one]) for one in many])


async def brakes(connection: Connection, *, now: datetime) -> tuple[Brake, ...]:
    """Every domain that is held now or was accepted, all of them together first."""
    kept = [one for one in await wave.known(connection) if one.since or _accepted(one, now)]
    counted = await wave.came_back(connection, [one.domain for one in kept], now=now)
    found = (_brake(one, counted[one.domain], now) for one in kept)
    return tuple(one for one in found if one.since or one.accepted_until)


async def held_at(connection: Connection, domain: str, *, now: datetime) -> tuple[Brake, ...]:
    """What holds back consequences for readers at this domain now."""
    found = await brakes(connection, now=now)
    return tuple(one for one in found if one.since and one.domain in (domain, EVERYWHERE))


async def accept(context: Context, domain: str) -> int:
    """An organiser says that the mailboxes of this domain are gone: let what was held back count.

    How many mails are looked at again; whoever carries them out is `refused.Refusals`.
    """
    found = await wave.find(context.connection, domain)
    found = found or Wave(domain=domain, people=0, counted_at=context.now - RECOUNT_AFTER)
    until = context.now + ACCEPTED_FOR
    await wave.put(context.connection, replace(found, since=None, accepted_until=until))
    began = min(found.since or context.now, context.now) - SPAN
    return await unjudged.look_again(context.connection, domain, since=began)


async def _holds(context: Context, domain: str, hard: int) -> bool:
    found = await wave.find(context.connection, domain)
    current = await _counted(context, domain, found)
    held = is_wave(hard, current.people) and not _accepted(current, context.now)
    current = replace(current, since=(current.since or context.now) if held else None)
    if current != found:
        await wave.put(context.connection, current)
    was_held = found is not None and found.since is not None
    if held and not was_held:
        _log.error(
            "a wave of bounces: nobody is tested or removed for it until it is over",
            action="bounce.held",
            domain=domain,
            hard=hard,
            people=current.people,
        )
    elif was_held and not held:
        _log.info("a wave of bounces is over", action="bounce.released", domain=domain)
    return held


async def _counted(context: Context, domain: str, found: Wave | None) -> Wave:
    if found and context.now - found.counted_at < RECOUNT_AFTER:
        return found
    people = await wave.people_at(context.connection, domain)
    if found is None:
        return Wave(domain=domain, people=people, counted_at=context.now)
    return replace(found, people=people, counted_at=context.now)


def _accepted(known: Wave, now: datetime) -> bool:
    return known.accepted_until is not None and known.accepted_until > now


def _brake(known: Wave, hard: int, now: datetime) -> Brake:
    held = is_wave(hard, known.people) and not _accepted(known, now)
    return Brake(
        domain=known.domain,
        hard=hard,
        people=known.people,
        since=known.since if held else None,
        accepted_until=known.accepted_until if _accepted(known, now) else None,
    )
