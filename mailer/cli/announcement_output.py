"""Announcements and what became of them, as text for people and as JSON values. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime, timedelta

from mailer.cli.frame import stamp
from mailer.config.model import Series
from mailer.files.draft import printable
from mailer.proof import Proof
from mailer.store.announcement import Announcement, State
from mailer.store.delivery import Delivery, Failure
from mailer.store.progress import Progress
from mailer.store.whole import Whole
from mailer.store.written import Written
from scheduler.recurrence import to_wall

CLASSES = {
    "hard": "no such mailbox",
    "soft": "for the time being",
    "block": "refused by policy",
    "full": "mailbox full",
    "unknown": "no clear reason",
}
_RULE = "-" * 60
_NO_MORE = (State.DONE, State.EXPIRED, State.CANCELLED, State.FAILED)


def countdown(due_at: datetime, state: str, now: datetime) -> str:
    """How long until something that waits goes out, empty for what has ended."""
    if state in _NO_MORE:
        return ""
    left = due_at - now
    if left <= timedelta():
        return "due" if state == State.WAITING else "now"
    minutes = left // timedelta(minutes=1)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"in {days} d {hours} h"
    return f"in {hours} h {minutes % 60} min" if hours else f"in {minutes} min"


def listed(one: Progress, approvers: tuple[str, ...], now: datetime) -> Mapping[str, object]:
    """An announcement in `announcement list --json`."""
    plain = {field.name: getattr(one, field.name) for field in fields(one)}
    left = max(int((one.due_at - now).total_seconds()), 0)
    waits = one.state == State.WAITING
    return {
        **plain,
        "seconds_left": None if one.state in _NO_MORE else left,
        "waits_for": list(approvers) if waits else [],
    }


def line(one: Progress, approvers: tuple[str, ...], now: datetime) -> str:
    """An announcement in `announcement list`."""
    whom = f" (waits for {' or '.join(approvers) or 'approval'})"
    return (
        f"{one.id:>5}  {stamp(one.due_at)}  {countdown(one.due_at, one.state, now):<12} "
        f"{one.state:<9} {one.sent}/{one.total}  {printable(one.subject)}"
        f"{whom if one.state == State.WAITING else ''}"
    )


def queued(
    item: Written, recipients: int, already: bool, approvers: tuple[str, ...]
) -> dict[str, object]:
    """What was queued, as JSON has it."""
    return {
        "id": item.id,
        "state": item.state,
        "due_at": item.due_at,
        "recipients": recipients,
        "expires_at": item.expires_at,
        "already": already,
        "waits_for": list(approvers) if item.state is State.WAITING else [],
    }


def told_of(
    item: Written, series: Series, recipients: int, approvers: tuple[str, ...], now: datetime
) -> Iterator[str]:
    """What becomes of it now."""
    if item.state is State.WAITING:
        whom = " or ".join(approvers)
        asked = f"{whom}, asked by mail" if whom else "an organiser (`mailer announcement approve`)"
        yield f"Announcement {item.id} waits for the approval of {asked}."
    elif item.state is State.PLANNED:
        yield f"Announcement {item.id} is planned."
    else:
        yield f"Announcement {item.id} is {item.state}."
        return
    if item.due_given or item.state is not State.WAITING:
        yield f"It goes out {moment(item.due_at, series)}, {_soon(item, now)}"
    else:
        yield "It goes out as soon as it is approved,"
    yield f"to {_people(recipients)} as of now; they are counted again when it goes out."
    yield f"`mailer announcement cancel {item.id}` stops it."


def _soon(item: Written, now: datetime) -> str:
    left = countdown(item.due_at, item.state, now)
    return "at once," if left in ("now", "due") else f"{left},"


def previewed(made: Proof, series: Series) -> Iterator[str]:
    """A preview on a terminal: what goes out, when, to how many, and its text."""
    draft = made.draft
    yield f"Subject:     {printable(draft.subject)}"
    at = moment(draft.due_at, series) if draft.due_given else "as soon as it is approved"
    yield f"Goes out:    {at}"
    yield f"Not after:   {moment(draft.expires_at, series)}"
    yield (
        f"Recipients:  {made.recipients} {draft.audience} now, counted again when it goes out; "
        f"the frame in {', '.join(made.languages)}"
    )
    yield _RULE
    yield from (printable(text) for text in made.copy.text.rstrip().splitlines())
    yield _RULE


def preview_json(made: Proof) -> dict[str, object]:
    """A preview as JSON has it."""
    draft = made.draft
    return {
        "subject": draft.subject,
        "due_at": draft.due_at,
        "expires_at": draft.expires_at,
        "audience": draft.audience,
        "recipients": made.recipients,
        "languages": list(made.languages),
        "text": made.copy.text,
        "html": made.copy.html,
    }


def shown_json(found: Whole) -> dict[str, object]:
    """An announcement in `announcement show --json`."""
    item, text = found.item, found.text
    plain: dict[str, object] = {field.name: getattr(item, field.name) for field in fields(item)}
    if text is not None:
        plain |= {"subject": text.subject, "content": text.content, "writer": text.writer}
    return {
        **plain,
        "waits_for": list(found.approvers) if item.state is State.WAITING else [],
        "deeds": found.deeds,
        "outcome": delivery_report(found.delivery),
    }


def delivery_report(delivery: Delivery) -> dict[str, object]:
    """The report as JSON has it: counts by state, and every reason with an example."""
    return {
        "states": delivery.states,
        "came_back": delivery.came_back,
        "complained": delivery.complained,
        "left": delivery.left,
        "reasons": [
            {
                "state": one.state,
                "reason": one.reason,
                "class": one.cls,
                "status": one.status or None,
                "count": one.count,
                "example": one.example,
            }
            for one in delivery.failures
        ],
    }


def shown(found: Whole) -> Iterator[str]:
    """An announcement in `announcement show`: how far it is, who did what, and its text."""
    yield from progress(found)
    if found.deeds:
        yield ""
    for one in found.deeds:
        yield f"{stamp(one.at)}  {one.act} by {printable(one.who)}"
    if found.text is not None:
        yield ""
        yield f"Subject: {printable(found.text.subject)}"
        yield ""
        yield from map(printable, found.text.content.split("\n"))


def progress(found: Whole) -> Iterator[str]:
    """Its times and state, how many have it, and why not all."""
    item = found.item
    yield f"{item.kind} to {item.audience}, {item.state} {item.reason}".rstrip()
    if item.state is State.WAITING:
        yield f"waits for the approval of {' or '.join(found.approvers) or 'an organiser'}"
    yield f"due {stamp(item.due_at)}, not after {stamp(item.expires_at)}"
    yield from _delivered(item, found.delivery)


def _delivered(found: Announcement, delivery: Delivery) -> Iterator[str]:
    counted = ", ".join(
        f"{count} {field.name.replace('_', ' ')}"
        for field in fields(delivery.states)
        if (count := getattr(delivery.states, field.name))
    )
    yield f"{found.total} recipients so far" + (f": {counted}" if counted else "")
    if delivery.came_back:
        yield f"{delivery.came_back} of those sent came back"
    if delivery.complained or delivery.left:
        yield f"{delivery.complained} complained and {delivery.left} left within a week of it"
    if delivery.failures:
        yield ""
        yield "Why not all have it:"
    for one in delivery.failures:
        yield from _reason(one)


def _reason(one: Failure) -> Iterator[str]:
    state = "came back" if one.state == "sent" else one.state
    why = ", ".join(filter(None, (one.reason, one.cls and CLASSES[one.cls], one.status)))
    yield f"{one.count:>7}  {state}" + (f": {why}" if why else "")
    if one.example:
        yield f"         for example: {printable(one.example)}"


def moment(instant: datetime, series: Series) -> str:
    """An instant by the clock of a series: ``Wed 2026-11-25 09:00 (Europe/Zurich)``."""
    return f"{to_wall(instant, series.timezone):%a %Y-%m-%d %H:%M} ({series.timezone})"


def _people(count: int) -> str:
    return f"{count} {'person' if count == 1 else 'people'}"
