"""Places in a webinar: taking one, giving one up, and moving up when one is free.

Where all are taken a person waits, in the order in which they asked. Whatever frees a place gives
it to the first of them, who gets a mail that says so; what frees one elsewhere (a larger room, a
person who left or was erased) is seen by the next round.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer.intake import answering
from mailer.intake.context import Context
from mailer.log import get_logger
from mailer.store import programme, registration, seat
from mailer.store.people import Subscription
from mailer.store.registration import State
from mailer.store.webinar import WebinarRecord

MOVED_AT_ONCE = 100  # mails that one transaction queues

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seated:
    """What came of a wish for a place; ``place`` is where in the queue who waits stands, from 1."""

    state: State
    place: int = 0


async def take(context: Context, webinar: WebinarRecord, current: Subscription) -> Seated:
    """Give a person a place, or a place in the queue for one."""
    who = current.subscriber_id
    capacity = await seat.hold(context.connection, webinar.id)
    await seat.ask(context.connection, who, webinar.id, now=context.now)
    if webinar.starts_at > context.now:
        await _fill(context, webinar, capacity, besides=current)
    else:  # nobody moves up any more; who asks is there
        await seat.fill(context.connection, webinar.id, capacity, limit=1, alone=who)
    state = await registration.of(context.connection, who, webinar.id)
    if state is not State.WAITING:
        return Seated(state=State.REGISTERED)
    longer = await seat.ahead(context.connection, who, webinar.id)
    return Seated(state=State.WAITING, place=longer + 1)


async def decline(context: Context, webinar: WebinarRecord, current: Subscription) -> None:
    """Note that a person does not come; their place goes to who waits."""
    capacity = await seat.hold(context.connection, webinar.id)
    await registration.choose(
        context.connection, current.subscriber_id, webinar.id, State.DECLINED, now=context.now
    )
    if webinar.starts_at > context.now:
        await _fill(context, webinar, capacity)


async def move_up(context: Context, webinar_id: int) -> int:
    """Give the free places of a coming webinar to who waits; how many got one."""
    capacity = await seat.hold(context.connection, webinar_id)
    webinar = await programme.by_id(context.connection, webinar_id)
    if webinar is None:
        return 0
    return await _fill(context, webinar, capacity)


async def _fill(
    context: Context, webinar: WebinarRecord, capacity: int, *, besides: Subscription | None = None
) -> int:
    """Tell everybody who moved up, but who is answered anyway."""
    moved = await seat.fill(context.connection, webinar.id, capacity, limit=MOVED_AT_ONCE)
    for one in moved:
        if besides is None or one.id != besides.id:
            await answering.moved_up(context, one, webinar)
            _log.info(
                "gave a free place to who waited",
                action="seat.filled",
                webinar=webinar.id,
                subscription=one.id,
            )
    return len(moved)
