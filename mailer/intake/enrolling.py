"""People whom an organiser brings in, and ending a subscription for somebody.

Each is asked to confirm, unless the organiser says how they consented. Suppressed addresses stay
out, active ones are left alone. Files of people are for `importing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailer.config.model import Series
from mailer.files.people_csv import PersonRow
from mailer.intake import inviting, subscribing
from mailer.intake.context import Asker, Context, Outcome
from mailer.intake.delivery import Intake
from mailer.message.address import Address
from mailer.message.command import Channel
from mailer.store import enrolment, people, setting, suppression
from mailer.store.engine import Connection, Store
from mailer.store.enrolment import Standing
from mailer.store.people import State
from mailer.store.staging import Terms
from mailer.store.suppression import Reason

# What a change by an organiser is signed with who does not say who they are.
ORGANISER = Asker(address=None, channel=Channel.COMMAND_LINE, proven=True)


class Fate(StrEnum):
    """What became of one person."""

    ADDED = "added"
    ASKED = "asked"
    UNCHANGED = "unchanged"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """``why`` tells an unchanged or suppressed person's reason."""

    fate: Fate
    why: str = ""


async def judge(context: Context, wanted: Sequence[PersonRow], terms: Terms) -> dict[str, Taken]:
    """What the terms make of each of these people, by key. Changes nothing."""
    hashes = {one.address.key: context.address_hash(one.address) for one in wanted}
    barred = await suppression.among(
        context.connection, list(hashes.values()), series_id=context.series.id
    )
    standings = await enrolment.standings(context.connection, context.series.id, list(hashes))
    return {
        key: _fate(standings.get(key), barred.get(address_hash), confirmed=terms.confirmed)
        for key, address_hash in hashes.items()
    }


def _fate(standing: Standing | None, barred: Reason | None, *, confirmed: bool) -> Taken:
    if barred is not None:
        return Taken(fate=Fate.SUPPRESSED, why=barred)
    if standing is not None and standing.state is State.ACTIVE:
        return Taken(fate=Fate.UNCHANGED, why="subscribed already")
    if confirmed:
        return Taken(fate=Fate.ADDED)
    if standing is not None and standing.state is State.PENDING and standing.asked:
        return Taken(fate=Fate.UNCHANGED, why="asked to confirm before")
    return Taken(fate=Fate.ASKED)


async def admit(context: Context, wanted: Sequence[PersonRow], terms: Terms) -> dict[str, Taken]:
    """Bring these people in as far as the terms allow, in the caller's transaction."""
    taken = await judge(context, wanted, terms)
    coming = [one for one in wanted if taken[one.address.key].fate in (Fate.ADDED, Fate.ASKED)]
    enrolled = await enrolment.enrol(
        context.connection,
        coming,
        series_id=context.series.id,
        confirmed=terms.confirmed,
        channel=terms.channel,
        evidence=terms.evidence,
        now=context.now,
    )
    if not terms.confirmed:
        await inviting.ask(context, enrolled)
    elif terms.welcome:
        await inviting.welcome(context, enrolled)
    changed = {one.address.key for one in enrolled}
    meanwhile = Taken(fate=Fate.UNCHANGED, why="changed by somebody else at this moment")
    return taken | {one.address.key: meanwhile for one in coming if one.address.key not in changed}


class Enrolling:
    """Brings people in, in transactions of its own."""

    def __init__(self, *, store: Store, intake: Intake) -> None:
        self._store = store
        self._intake = intake

    async def add(self, series: Series, person: PersonRow, terms: Terms) -> Taken:
        """Bring one person in."""

        async def unit(connection: Connection) -> Taken:
            context = self._intake.context(connection, series)
            taken = await admit(context, [person], terms)
            await setting.bump(connection)
            return taken[person.address.key]

        return await self._store.write(unit)

    async def remove(self, series: Series, address: Address, *, by: Asker = ORGANISER) -> Outcome:
        """End somebody's subscription for them; no mail, and imports leave them alone."""

        async def unit(connection: Connection) -> Outcome:
            context = self._intake.context(connection, series)
            current = await people.find(connection, series.id, address.key)
            if current is None:
                return Outcome(word="unknown")
            if current.state not in (State.ACTIVE, State.PENDING):
                return Outcome(word=f"{current.state} before", subscription_id=current.id)
            await subscribing.end(
                context, by, current, state=State.UNSUBSCRIBED, reason=Reason.REMOVED
            )
            await setting.bump(connection)
            return Outcome(word="removed", subscription_id=current.id)

        return await self._store.write(unit)
