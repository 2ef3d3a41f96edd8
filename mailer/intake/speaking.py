"""Who takes part in a webinar and gets its reminders without being subscribed, and how they end it.

Their mails offer one thing that is theirs: no more of them. It holds for the whole series, as it
does for a subscriber who leaves, until they subscribe themselves.
"""

from __future__ import annotations

from mailer.intake.context import Context, Outcome, hash_address
from mailer.message.address import Address, parse_address
from mailer.store import history, speaking, suppression
from mailer.store.engine import Connection
from mailer.store.suppression import Reason
from mailer.store.webinar import WebinarRecord
from scheduler.model import Kind

NOBODY = 0  # in the place of a subscription: the token's context is a row of the ledger


def named(webinar: WebinarRecord) -> dict[str, Address]:
    """Who takes part and has an address, each once, by the key of that."""
    found: dict[str, Address] = {}
    for one in (*webinar.speakers, *webinar.hosts):
        address = parse_address(one.address) if one.address else None
        if address is not None:
            found.setdefault(address.key, address)
    return found


async def addresses(
    connection: Connection, webinar: WebinarRecord, kind: Kind, *, hash_key: bytes
) -> tuple[Address, ...]:
    """Who may get a mailing of this kind for taking part. What corrects is for who was told before,
    too, and is named no more: they wait for the webinar at the old time."""
    found = named(webinar)
    if kind in history.CORRECTS:
        once_told = {one.key: one for one in await speaking.once_told(connection, webinar.id)}
        found = {**once_told, **found}
    hashes = {hash_address(hash_key, address): address for address in found.values()}
    barred = await suppression.among(connection, tuple(hashes), series_id=webinar.series_id)
    return tuple(address for hashed, address in hashes.items() if hashed not in barred)


async def stop(context: Context, row_id: int) -> Outcome:
    """They want no more: what waits is called off, and nothing of the series is sent any more."""
    found = await speaking.part(context.connection, row_id)
    if found is None or found.series_id != context.series.id:
        return Outcome(word="unknown token")
    await speaking.call_off(
        context.connection,
        found.address.key,
        found.series_id,
        reason=Reason.LEFT,
        now=context.now,
    )
    await suppression.add(
        context.connection,
        address_hash=context.address_hash(found.address),
        scope=found.series_id,
        reason=Reason.LEFT,
        now=context.now,
    )
    return Outcome(word="speaker left")
