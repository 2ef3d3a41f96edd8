"""docs/data-model.md tells of every table, and of every column that `forget` empties."""

from __future__ import annotations

from pathlib import Path

from mailer.store.schema import bounce, inbound, metadata, outbox

PAGE = (Path(__file__).parents[2] / "docs" / "data-model.md").read_text(encoding="utf-8")


def test_every_table_is_told_of() -> None:
    assert [name for name in metadata.tables if f"`{name}`" not in PAGE] == []


def test_the_nulled_columns_exist() -> None:
    named = {
        "outbox": ("recipient", "recipient_key", "data", "reply", "subscription_id", "blob_id"),
        "bounce": ("detail", "subscription_id"),
        "inbound": ("author_key", "message_id", "blob_id", "subscription_id"),
    }
    for table in (outbox, inbound, bounce):
        for column in named[table.name]:
            assert column in table.c
            assert f"`{column}`" in PAGE
