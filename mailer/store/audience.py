"""What makes somebody a reader of an announcement, as parts of statements; `expansion` asks them.

Nothing here runs. The statements differ in a `Question` alone, everything else is a parameter, so
that each of them is made once. What somebody was told is read from the ledger (ADR-0006).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Label,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
)

from mailer.store import history
from mailer.store.announcement import Announcement
from mailer.store.outbox import State as RowState
from mailer.store.people import State as SubscriptionState
from mailer.store.schema import Instant, announcement, mention, outbox, registration, subscription
from mailer.store.statement import larger
from scheduler.model import Audience, Kind

NEVER_TOLD = -1  # the told_sequence of who was told nothing yet, and where it does not matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the statements differ in; the rest are parameters."""

    audience: Audience
    of_webinar: bool
    by_time: bool  # a reminder: one of another time reminds nobody of this one
    corrects: bool  # for who was told something else, whenever they subscribed


def question_of(item: Announcement) -> Question:
    """What its statements have to ask."""
    return Question(
        audience=item.audience,
        of_webinar=item.webinar_id is not None,
        by_time=item.kind is Kind.REMINDER,
        corrects=item.kind in history.CORRECTS,
    )


def parameters(item: Announcement, now: datetime) -> dict[str, object]:
    """What they are told beside that."""
    return {
        "series": item.series_id,
        "webinar": item.webinar_id,
        "notice": item.notice_id,
        "sequence": item.sequence,
        "due_at": item.due_at,
        "released_at": item.released_at,
        "expires_at": item.expires_at,
        "now": now,
    }


def subscribed() -> Select[Any]:
    """The subscriptions of the series, in the order in which they are gone through."""
    return (
        select(
            subscription.c.id,
            subscription.c.subscriber_id,
            subscription.c.since,
            subscription.c.paused_until,
        )
        .where(
            subscription.c.series_id == bindparam("series"),
            subscription.c.state == literal_column(f"'{SubscriptionState.ACTIVE}'"),
        )
        .order_by(subscription.c.id)
    )


def next_slice() -> CTE:
    """A slice of them."""
    after = subscription.c.id > bindparam("after")
    slice_ = subscribed().where(after).limit(bindparam("limit")).cte("slice")
    return slice_.prefix_with("MATERIALIZED", dialect="postgresql")


def said(people: CTE, what: str) -> ColumnElement[bool]:
    """Whether a person has said this of the webinar."""
    return exists().where(
        registration.c.webinar_id == bindparam("webinar"),
        registration.c.subscriber_id == people.c.subscriber_id,
        registration.c.state == what,
    )


def _told(people: CTE, question: Question) -> ColumnElement[bool]:
    """Whether a person has got, or will get, what the same notice says of the webinar.

    A correction that is queued when a reminder is due already, after an outage, is that reminder.
    """
    about: ColumnElement[Any] = bindparam("webinar") if question.of_webinar else null()
    due_at = bindparam("due_at", type_=Instant())
    same: ColumnElement[bool] = announcement.c.notice_id == bindparam("notice")
    if question.by_time:
        corrected = and_(
            announcement.c.kind.in_([literal_column(f"'{kind}'") for kind in history.CORRECTS]),
            announcement.c.sequence == bindparam("sequence"),
            outbox.c.queued_at >= due_at,
        )
        same = or_(and_(same, announcement.c.due_at == due_at), corrected)
    return exists().where(
        announcement.c.webinar_id == about,
        same,
        outbox.c.announcement_id == announcement.c.id,
        outbox.c.subscription_id == people.c.id,
        history.tells(announcement.c.sequence),
    )


def _told_sequence(people: CTE) -> ColumnElement[int]:
    """As of which sequence a person was told of the webinar last, by whatever mail."""
    announced = select(func.max(announcement.c.sequence)).where(
        announcement.c.webinar_id == bindparam("webinar"),
        announcement.c.kind.in_([literal_column(f"'{kind}'") for kind in history.TELLS]),
        outbox.c.announcement_id == announcement.c.id,
        outbox.c.subscription_id == people.c.id,
        history.tells(announcement.c.sequence),
    )
    mentioned = select(func.max(mention.c.sequence)).where(
        mention.c.webinar_id == bindparam("webinar"),
        mention.c.subscription_id == people.c.id,
        outbox.c.id == mention.c.outbox_id,
        or_(history.may_have_told(), outbox.c.state == RowState.QUEUED),
    )
    return larger(
        func.coalesce(announced.correlate(people).scalar_subquery(), NEVER_TOLD),
        func.coalesce(mentioned.correlate(people).scalar_subquery(), NEVER_TOLD),
    )


def owed(people: CTE, question: Question) -> ColumnElement[bool]:
    """Subscribed no later than its release, not paused, in its audience, not told yet.

    A correction is for everybody who does not stay away; a pause only puts it off, and may be ended
    at any time.
    """
    registered, declined = said(people, "registered"), said(people, "declined")
    if question.corrects:
        return ~declined
    audience = {
        Audience.REGISTERED: registered,
        Audience.UNREGISTERED: and_(~registered, ~declined),
        Audience.SUBSCRIBED: ~declined,
    }
    return and_(
        people.c.since <= bindparam("released_at", type_=Instant()),
        or_(
            people.c.paused_until.is_(None),
            people.c.paused_until <= bindparam("now", type_=Instant()),
        ),
        audience[question.audience],
        ~_told(people, question),
    )


def hears_in_time(people: CTE) -> ColumnElement[bool]:
    """Whether the pause of who is owed a correction ends before that is too late."""
    until = people.c.paused_until
    return or_(until.is_(None), until < bindparam("expires_at", type_=Instant()))


def particulars(people: CTE, question: Question) -> tuple[Label[int], Label[datetime | None]]:
    """What a correction has to know of each reader, and nothing else does."""
    never: ColumnElement[int] = literal_column(str(NEVER_TOLD), Integer())
    at_once: ColumnElement[datetime | None] = literal_column("NULL", Instant())
    if question.corrects:
        return _told_sequence(people).label("told"), people.c.paused_until.label("paused_until")
    return never.label("told"), at_once.label("paused_until")
