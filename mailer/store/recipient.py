"""Whose a row of the ledger is.

`recipient_key` says it, but an index on it for every row would make a million rows of an
announcement as many pages to write, each in another place (bench/ledger.py). So only what is
personal is found by it (ix_outbox_recipient_key), and who takes part without being subscribed
(uq_outbox_speaker); all other rows of announcements are found by the key that keeps them unique,
one look for each announcement of the person's series.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, literal_column, select, tuple_, union_all

from mailer.store.schema import announcement, outbox, subscriber, subscription


def mails_to(address_key: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Every row that is this person's."""
    found = (_personal(address_key), _taking_part(address_key), _announced(address_key))
    return outbox.c.id.in_(union_all(*found))


def _personal(address_key: str | ColumnElement[str]) -> Select[tuple[int]]:
    row = outbox.alias("personal")
    return select(row.c.id).where(
        row.c.announcement_id.is_(None), row.c.recipient_key == address_key
    )


def _taking_part(address_key: str | ColumnElement[str]) -> Select[tuple[int]]:
    row = outbox.alias("taking_part")
    return select(row.c.id).where(
        row.c.announcement_id.is_not(None),
        row.c.subscription_id.is_(None),
        row.c.recipient_key != literal_column("''"),  # as the index has it
        row.c.recipient_key == address_key,
    )


def _announced(address_key: str | ColumnElement[str]) -> Select[tuple[int]]:
    row = outbox.alias("announced")
    told = (
        select(announcement.c.id, subscription.c.id)
        .join(subscription, subscription.c.series_id == announcement.c.series_id)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber_id)
        .where(subscriber.c.address_key == address_key)
    )
    return select(row.c.id).where(
        row.c.announcement_id.is_not(None),  # as the index has it
        tuple_(row.c.announcement_id, row.c.subscription_id).in_(told),
        row.c.recipient_key == address_key,
    )
