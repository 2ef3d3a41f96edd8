"""Language, time zone, pause: what a subscriber prefers.

A From line alone does not change anybody's preferences: unproven wishes are answered with a mail
that only the owner of the mailbox gets, and replying to it does what was asked.
"""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale, UnknownLocaleError

from mailer.intake import answering
from mailer.intake.context import Asker, Context, Outcome
from mailer.message.command import Pause, SetLanguage, SetTimezone
from mailer.store import people, withdrawal
from mailer.store.people import State, Subscription
from scheduler.recurrence import to_utc


async def language(context: Context, asker: Asker, command: SetLanguage) -> Outcome:
    """Write to them in another language from now on."""
    subscriber, refused = await _may_change(context, asker, f"language {command.language}")
    if subscriber is None:
        return refused
    tag = _language_tag(command.language, context.languages())
    if tag is None:
        return await _answer(context, asker, "reply-language", ok=False, value=command.language)
    await people.prefer(context.connection, subscriber.subscriber_id, now=context.now, language=tag)
    asker = await Asker(
        address=asker.address,
        channel=asker.channel,
        in_reply_to=asker.in_reply_to,
        language=tag,
        proven=asker.proven,
    ).known(context)
    return await _answer(context, asker, "reply-language", ok=True, value=tag)


async def timezone(context: Context, asker: Asker, command: SetTimezone) -> Outcome:
    """Tell times in their zone too from now on."""
    subscriber, refused = await _may_change(context, asker, f"timezone {command.zone}")
    if subscriber is None:
        return refused
    zone = _zone_name(command.zone)
    if zone is None:
        return await _answer(context, asker, "reply-timezone", ok=False, value=command.zone)
    await people.prefer(
        context.connection, subscriber.subscriber_id, now=context.now, timezone=zone
    )
    return await _answer(context, await asker.known(context), "reply-timezone", ok=True, value=zone)


async def pause(context: Context, asker: Asker, command: Pause) -> Outcome:
    """Send nothing of the programme until a day."""
    wanted = command.until.isoformat() if command.until else ""
    subscriber, refused = await _may_change(context, asker, f"pause {wanted}".rstrip())
    if subscriber is None:
        return refused
    until = None if command.until is None else _midnight(context, subscriber, command)
    if until is None or until <= context.now:
        return await _answer(context, asker, "reply-pause", ok=False, value=wanted)
    await people.pause(context.connection, subscriber.id, until=until)
    await withdrawal.put_off_corrections(context.connection, subscriber.id, until=until)
    return await _answer(context, asker, "reply-pause", ok=True, value=wanted)


async def resume(context: Context, asker: Asker) -> Outcome:
    """End a pause."""
    subscriber, refused = await _may_change(context, asker, "resume")
    if subscriber is None:
        return refused
    await people.pause(context.connection, subscriber.id, until=None)
    await withdrawal.put_off_corrections(context.connection, subscriber.id, until=context.now)
    return await _answer(context, asker, "reply-resume", ok=True, value="")


async def _may_change(
    context: Context, asker: Asker, wish: str
) -> tuple[Subscription | None, Outcome]:
    """The subscription that may be changed, or what became of the wish instead."""
    current = asker.subscription
    if current is None or current.state is not State.ACTIVE:
        await answering.reply(context, asker, "reply-not-subscribed")
        return None, Outcome(word="not subscribed")
    if asker.proven:
        return current, Outcome(word="")
    return None, await answering.ask_to_prove(context, asker, current, wish)


async def _answer(
    context: Context, asker: Asker, template: str, *, ok: bool, value: str
) -> Outcome:
    await answering.reply(context, asker, template, detail={"ok": ok, "value": value})
    subscription_id = asker.subscription.id if asker.subscription else None
    return Outcome(word="changed" if ok else "not understood", subscription_id=subscription_id)


def _midnight(context: Context, subscriber: Subscription, command: Pause) -> datetime:
    assert command.until is not None
    zone = subscriber.timezone or context.series.timezone
    return to_utc(datetime.combine(command.until, time()), zone)


def _language_tag(text: str, available: tuple[str, ...]) -> str | None:
    """A language as a tag like ``fr`` or ``fr-ch``; None for what Babel does not know and for what
    no mail is written in."""
    try:
        locale = Locale.parse(text.strip(), sep="-" if "-" in text else "_")
    except (UnknownLocaleError, ValueError):
        return None
    tag = "-".join(part.lower() for part in (locale.language, locale.territory or "") if part)
    return tag if tag in available or locale.language in available else None


def _zone_name(text: str) -> str | None:
    wanted = text.strip().replace(" ", "_").casefold()
    names = {name.casefold(): name for name in available_timezones()}
    found = names.get(wanted)
    return None if found is None else str(ZoneInfo(found))
