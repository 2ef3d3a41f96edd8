"""Everything that is kept of a person, for them to take along (GDPR articles 15 and 20)."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from mailer.message.address import Address
from mailer.store import journal, ledger, people, registration, suppression
from mailer.store.engine import Connection
from mailer.store.journal import Entry
from mailer.store.ledger import Mail, Person
from mailer.store.people import Consent, Subscription
from mailer.store.registration import Registration

_RECEIVED = 1_000  # mails from a person, the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    subscription: Subscription
    consents: tuple[Consent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnData:
    address: str
    person: Person | None
    subscriptions: tuple[Held, ...]
    registrations: tuple[Registration, ...]
    mails_to_you: tuple[Mail, ...]
    mails_from_you: tuple[Entry, ...]
    not_mailed_because: tuple[suppression.Entry, ...]


async def own_data(connection: Connection, address: Address, address_hash: bytes) -> OwnData:
    """All of it, on one snapshot."""
    person = await ledger.person(connection, address.key)
    current = await people.of_person(connection, address.key)
    held = [
        Held(subscription=one, consents=await people.consents(connection, one.id))
        for one in current
    ]
    chosen = await registration.listing(connection, subscriber_id=person.id) if person else ()
    return OwnData(
        address=address.mailbox,
        person=person,
        subscriptions=tuple(held),
        registrations=chosen,
        mails_to_you=await ledger.mails(connection, address.key),
        mails_from_you=await journal.of_author(connection, address.key, limit=_RECEIVED),
        not_mailed_because=await suppression.of_address(connection, address_hash),
    )


def as_json(data: OwnData) -> bytes:
    """The same as a document; instants in UTC."""
    return msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n"
