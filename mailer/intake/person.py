"""A person as a whole, in every series: another address, or nothing left of them.

Each is one transaction. Tokens in the mails that a person has hold the ids of their subscriptions,
so that they still work after a change of address and mean nothing after `forget`.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer.config.model import Config
from mailer.errors import PersonRefused
from mailer.intake import inviting
from mailer.intake.context import Asker, hash_address
from mailer.intake.delivery import Intake, Secrets
from mailer.intake.enrolling import ORGANISER
from mailer.message.address import Address
from mailer.store import enrolment, erasure, people, setting, suppression
from mailer.store.engine import Connection, Store
from mailer.store.erasure import Erased
from mailer.store.people import Act, State, Subscription
from mailer.store.suppression import EVERYWHERE
from scheduler.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """``following`` counts queued mails that go to the new address; ``asked`` are the series where
    the person had not confirmed yet, and is asked again under it."""

    subscriptions: tuple[Subscription, ...]
    following: int
    asked: tuple[str, ...]


class PersonChanges:
    """What organisers change of a person."""

    def __init__(
        self, *, store: Store, config: Config, secrets: Secrets, intake: Intake, clock: Clock
    ) -> None:
        self._store = store
        self._config = config
        self._hash_key = secrets.hash_key
        self._intake = intake
        self._clock = clock

    async def change(self, old: Address, new: Address, *, by: Asker = ORGANISER) -> Changed:
        """Move a person to another address; raises PersonRefused if that cannot be."""
        return await self._store.write(lambda c: self._change(c, old, new, by))

    async def _change(
        self, connection: Connection, old: Address, new: Address, by: Asker
    ) -> Changed:
        current = await people.of_person(connection, old.key)
        if not current:
            raise PersonRefused(f"{old.mailbox} is not subscribed to anything")
        if new.key != old.key:
            await self._refuse_taken(connection, new, current)
        now = self._clock.now()
        if new.key != old.key:
            await erasure.call_off_confirmations(connection, old.key, now=now)
        following = await erasure.readdress(
            connection, current[0].subscriber_id, old.key, new, now=now
        )
        if new.key != old.key:
            await suppression.carry_over(
                connection, old_hash=self._hash(old), new_hash=self._hash(new)
            )
        evidence = f"from {old.mailbox} to {new.mailbox}"
        for one in current:
            await people.note_consent(
                connection,
                one.id,
                act=Act.MOVED,
                channel=by.channel,
                evidence=f"{evidence} {by.evidence}".rstrip(),
                now=now,
            )
        asked = await self._ask_again(connection, new) if new.key != old.key else ()
        await setting.bump(connection)
        moved = await people.of_person(connection, new.key)
        return Changed(subscriptions=moved, following=following, asked=asked)

    async def _refuse_taken(
        self, connection: Connection, new: Address, current: tuple[Subscription, ...]
    ) -> None:
        taken = await people.of_person(connection, new.key)
        if taken:
            states = ", ".join(f"{one.state} in {one.series_id}" for one in taken)
            raise PersonRefused(
                f"{new.mailbox} is known already ({states}): "
                "`mailer subscriber remove` the old address instead, or `forget` the new one first"
            )
        series = {one.series_id for one in current}
        for entry in await suppression.of_address(connection, self._hash(new)):
            if entry.scope == EVERYWHERE or entry.scope in series:
                raise PersonRefused(
                    f"{new.mailbox} must not be mailed ({entry.reason}, {entry.at:%Y-%m-%d}): "
                    "only its owner can lift that, by subscribing"
                )

    async def _ask_again(self, connection: Connection, new: Address) -> tuple[str, ...]:
        """Who has not confirmed yet does so from the new address: the question that is out went to
        somebody else's mailbox."""
        asked = []
        for one in await people.of_person(connection, new.key):
            known = one.series_id in {series.id for series in self._config.series}
            if one.state is not State.PENDING or not known:
                continue
            series = self._config.series_by_id(one.series_id)
            context = self._intake.context(connection, series)
            again = await enrolment.ask_anew(connection, one.id, now=context.now)
            await inviting.ask(context, [again])
            asked.append(series.id)
        return tuple(asked)

    async def forget(self, address: Address) -> Erased:
        """Erase a person everywhere; imports leave the address out, by a hash that names nobody."""
        forwards = await self._store.read(
            lambda c: erasure.forwarded(c, sorted({address.mailbox, address.key}))
        )

        async def unit(connection: Connection) -> Erased:
            now = self._clock.now()
            erased = await erasure.forget(connection, address.key, forwards=forwards, now=now)
            await suppression.forget(connection, self._hash(address), now=now)
            await setting.bump(connection)
            return erased

        return await self._store.write(unit)

    def _hash(self, address: Address) -> bytes:
        return hash_address(self._hash_key, address)
