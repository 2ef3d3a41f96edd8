"""The tables. What each column is for stands in docs/data-model.md; migrations are in `migrations`.

Instants are epoch milliseconds UTC in a BIGINT on both engines (ADR-0003): small, sortable, the
same arithmetic everywhere. Wall clock is ISO text beside its zone. Ids are never used again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
    text,
)
from sqlalchemy.schema import SchemaItem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(instant: datetime) -> int:
    """An instant as it is stored; ValueError without a zone."""
    if instant.utcoffset() is None:
        raise ValueError(f"an instant needs a zone: {instant.isoformat()}")
    return (instant - _EPOCH) // _MILLISECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime kept as epoch milliseconds; naive ones are refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else milliseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MILLISECOND


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts only INTEGER PRIMARY KEY as its row id; PostgreSQL makes it an identity column.
_Id = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", _Id, primary_key=True, autoincrement=True)


def _table(name: str, *parts: SchemaItem) -> Table:
    return Table(name, metadata, *parts, sqlite_autoincrement=True)


setting = Table(
    "setting",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

token_key = _table(
    "token_key",
    _id(),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)

node = Table(
    "node",
    metadata,
    Column("id", Text, primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
)

series = Table(
    "series",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("last_number", Integer, nullable=False, server_default="0"),
    Column("edition", Integer, nullable=False, server_default="0"),
)

webinar = _table(
    "webinar",
    _id(),
    Column("series_id", Text, ForeignKey("series.id"), nullable=False),
    Column("slug", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("abstract", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False),
    Column("wall_start", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("status", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("uid", Text, nullable=False),
    Column("stamp", Instant, nullable=False),
    Column("published_at", Instant),
    Column("materials_at", Instant),
    Column("registration_url", Text, nullable=False, server_default=""),
    Column("join_url", Text, nullable=False, server_default=""),
    Column("capacity", Integer, nullable=False, server_default="0"),
    Column("speakers", Text, nullable=False, server_default="[]"),
    Column("hosts", Text, nullable=False, server_default="[]"),
    Column("links", Text, nullable=False, server_default="[]"),
    Column("materials", Text, nullable=False, server_default="[]"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("series_id", "slug"),
    UniqueConstraint("series_id", "number"),
    Index("ix_webinar_starts_at", "starts_at"),
)

# What was true of a webinar under each of its sequence numbers, for whoever was told of it then:
# `at` is when it became so, `asked` that an organiser wants a change of the text alone to be told.
webinar_facts = Table(
    "webinar_facts",
    metadata,
    Column("webinar_id", _Id, ForeignKey("webinar.id"), primary_key=True, autoincrement=False),
    Column("sequence", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("asked", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("registration_url", Text, nullable=False),
    Column("join_url", Text, nullable=False),
    Column("abstract", Text, nullable=False),
    Column("speakers", Text, nullable=False),
    Column("hosts", Text, nullable=False),
    Column("links", Text, nullable=False),
    Column("materials", Text, nullable=False),
)

subscriber = _table(
    "subscriber",
    _id(),
    Column("address_key", Text, nullable=False, unique=True),
    Column("mailbox", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("language", Text),
    Column("timezone", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

subscription = _table(
    "subscription",
    _id(),
    Column("subscriber_id", _Id, ForeignKey("subscriber.id"), nullable=False),
    Column("series_id", Text, ForeignKey("series.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("since", Instant),
    Column("requested_at", Instant, nullable=False),
    Column("confirmation_queued_at", Instant),
    Column("ended_at", Instant),
    Column("paused_until", Instant),
    UniqueConstraint("subscriber_id", "series_id"),
    Index("ix_subscription_series_state", "series_id", "state", "id"),
)

consent = _table(
    "consent",
    _id(),
    Column("subscription_id", _Id, ForeignKey("subscription.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("act", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("evidence", Text, nullable=False, server_default=""),
    Index("ix_consent_subscription_id", "subscription_id"),
)

registration = _table(
    "registration",
    _id(),
    Column("subscriber_id", _Id, ForeignKey("subscriber.id"), nullable=False),
    Column("webinar_id", _Id, ForeignKey("webinar.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("webinar_id", "subscriber_id"),
    Index("ix_registration_subscriber_id", "subscriber_id"),
)

# `scope` is a series id, or '*' for every series.
suppression = _table(
    "suppression",
    _id(),
    Column("address_hash", LargeBinary, nullable=False),
    Column("scope", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("at", Instant, nullable=False),
    UniqueConstraint("address_hash", "scope"),
)

announcement = _table(
    "announcement",
    _id(),
    Column("key", Text, nullable=False, unique=True),
    Column("series_id", Text, ForeignKey("series.id"), nullable=False),
    Column("webinar_id", _Id, ForeignKey("webinar.id")),
    Column("notice_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("subject", Text, nullable=False, server_default=""),
    Column("content", Text, nullable=False, server_default=""),
    Column("due_at", Instant, nullable=False),
    Column("released_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("expanded_to", _Id, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("paused_from", Text, nullable=False, server_default=""),
    Column("lagging", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Instant, nullable=False),
    Index("ix_announcement_state_due", "state", "due_at"),
    Index("ix_announcement_webinar_id", "webinar_id", "notice_id"),
)

# What an announcement has beside when an organiser wrote it: `writer` is who wrote its present
# version, empty for the command line. `digest` is of its text and audience, so that the same file
# is queued once.
written = Table(
    "written",
    metadata,
    Column("announcement_id", _Id, ForeignKey("announcement.id"), primary_key=True),
    Column("digest", Text, nullable=False),
    Column("writer", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("due_given", Boolean, nullable=False),
    Column("expires_given", Boolean, nullable=False),
    Index("ix_written_digest", "digest"),
)

# An organiser who was asked about one version of it; the token in the preview names this row.
approval = _table(
    "approval",
    _id(),
    Column("announcement_id", _Id, ForeignKey("announcement.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("organiser", Text, nullable=False),
    Column("may_approve", Boolean, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Index("ix_approval_announcement_id", "announcement_id"),
)

# Who did what to an announcement, and when.
deed = _table(
    "deed",
    _id(),
    Column("announcement_id", _Id, ForeignKey("announcement.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("act", Text, nullable=False),
    Index("ix_deed_announcement_id", "announcement_id"),
)

skeleton = _table(
    "skeleton",
    _id(),
    Column("announcement_id", _Id, ForeignKey("announcement.id"), nullable=False),
    Column("language", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("registered", Boolean, nullable=False),
    Column("told_sequence", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    UniqueConstraint(
        "announcement_id",
        "language",
        "zone",
        "registered",
        "told_sequence",
        name="uq_skeleton_group",
    ),
)

blob = _table(
    "blob",
    _id(),
    Column("content", LargeBinary, nullable=False),
    Column("keep_until", Instant, nullable=False),
)

outbox = _table(
    "outbox",
    _id(),
    Column("series_id", Text, nullable=False),
    Column("announcement_id", _Id, ForeignKey("announcement.id")),
    Column("subscription_id", _Id),
    Column("webinar_id", _Id),
    Column("kind", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("recipient_key", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("registered", Boolean, nullable=False, server_default=text("false")),
    Column("told_sequence", Integer, nullable=False, server_default="-1"),
    Column("message_id", Text, nullable=False),
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("data", Text, nullable=False, server_default=""),
    Column("answered", Text, nullable=False, server_default=""),
    Column("blob_id", _Id, ForeignKey("blob.id")),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("queued_at", Instant, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("lease_owner", Text),
    Column("leased_at", Instant),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("doubts", SmallInteger, nullable=False, server_default="0"),
    Column("reply_code", SmallInteger),
    Column("reply", Text, nullable=False, server_default=""),
    Column("settled_at", Instant),
)
# The claim walks this index in order and stops at its limit: its cost does not grow with the
# ledger.
Index(
    "ix_outbox_claim",
    outbox.c.priority,
    outbox.c.not_before,
    outbox.c.id,
    sqlite_where=outbox.c.state == "queued",
    postgresql_where=outbox.c.state == "queued",
)
Index(
    "ix_outbox_lease",
    outbox.c.lease_owner,
    sqlite_where=outbox.c.state == "sending",
    postgresql_where=outbox.c.state == "sending",
)
Index(
    "uq_outbox_announcement_subscription",
    outbox.c.announcement_id,
    outbox.c.subscription_id,
    unique=True,
    sqlite_where=outbox.c.announcement_id.is_not(None),
    postgresql_where=outbox.c.announcement_id.is_not(None),
)
Index(
    "ix_outbox_expires_at",
    outbox.c.expires_at,
    sqlite_where=outbox.c.state == "queued",
    postgresql_where=outbox.c.state == "queued",
)
# Few: what was put off, and why.
Index(
    "ix_outbox_reason",
    outbox.c.reason,
    sqlite_where=and_(outbox.c.state == "queued", outbox.c.reason != ""),
    postgresql_where=and_(outbox.c.state == "queued", outbox.c.reason != ""),
)
# Rows of announcements are found by the key above (`recipient`).
Index(
    "ix_outbox_recipient_key",
    outbox.c.recipient_key,
    outbox.c.id,
    sqlite_where=outbox.c.announcement_id.is_(None),
    postgresql_where=outbox.c.announcement_id.is_(None),
)

# Reminders of who takes part in a webinar and need not be subscribed: one to each of them, found by
# whose it is.
_OF_SPEAKER = and_(
    outbox.c.announcement_id.is_not(None),
    outbox.c.subscription_id.is_(None),
    outbox.c.recipient_key != "",  # as it is of all who were forgotten
)
Index(
    "uq_outbox_speaker",
    outbox.c.recipient_key,
    outbox.c.announcement_id,
    unique=True,
    sqlite_where=_OF_SPEAKER,
    postgresql_where=_OF_SPEAKER,
)

# Which webinars a mail to one person tells of, and as of which sequence. An announcement's rows
# need none: it tells all its readers the same.
mention = Table(
    "mention",
    metadata,
    Column("outbox_id", _Id, ForeignKey("outbox.id"), primary_key=True, autoincrement=False),
    Column("webinar_id", _Id, ForeignKey("webinar.id"), primary_key=True, autoincrement=False),
    Column("subscription_id", _Id, nullable=False),
    Column("sequence", Integer, nullable=False),
    Index("ix_mention_webinar_subscription", "webinar_id", "subscription_id"),
)

# Each mail that came back, once, however many reports there were. What the servers refused while
# we handed it over waits with `judged` unset until somebody looks at what it means for its reader.
bounce = _table(
    "bounce",
    _id(),
    Column("outbox_id", _Id, ForeignKey("outbox.id"), nullable=False, unique=True),
    Column("subscription_id", _Id),
    Column("at", Instant, nullable=False),
    Column("class", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("judged", Boolean, nullable=False),
    Index("ix_bounce_judged", "judged", "id"),
)

inbound = _table(
    "inbound",
    _id(),
    Column("dedupe_key", LargeBinary, nullable=False, unique=True),
    Column("received_at", Instant, nullable=False),
    Column("source", Text, nullable=False),
    Column("series_id", Text),
    Column("recipient", Text, nullable=False),
    Column("author_key", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("command", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("failures", SmallInteger, nullable=False, server_default="0"),
    Column("subscription_id", _Id),
    Column("blob_id", _Id, ForeignKey("blob.id")),
    Index("ix_inbound_received_at", "received_at"),
    Index("ix_inbound_author_key", "author_key"),
)

# What is done once and never again, whoever comes first: a report that was sent, a day's questions
# that were all asked.
errand = Table(
    "errand",
    metadata,
    Column("key", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)

# The yearly question whether somebody still wants a series' mails: how often it was `asked` since
# they last said so, and when last.
renewal = Table(
    "renewal",
    metadata,
    Column(
        "subscription_id",
        _Id,
        ForeignKey("subscription.id"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("asked", SmallInteger, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("answered_at", Instant),
)

# A link by which an organiser can sign in, once and not for long; the token in it names this row.
sign_in = _table(
    "sign_in",
    _id(),
    Column("organiser", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Index("ix_sign_in_expires_at", "expires_at"),
)

# A browser in which an organiser is signed in: known by the hash of its cookie, all that is kept.
visit = _table(
    "visit",
    _id(),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("organiser", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

# What organisers did at their pages. `about` names a row, as "webinar 7" or "subscription 12", and
# is empty for what concerns all; nothing here tells of a person.
page_deed = _table(
    "page_deed",
    _id(),
    Column("series_id", Text, ForeignKey("series.id")),
    Column("at", Instant, nullable=False),
    Column("who", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("about", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_page_deed_about", "about"),
)

# Answers given per scope and time slice; a limit is a sum over the slices of its span. A day of the
# warm-up is a slice of a scope of its own.
answer_count = Table(
    "answer_count",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("slice", Integer, primary_key=True),
    Column("n", Integer, nullable=False),
)

# People of a file on their way in. They count as taken from the instant `decided_at` is set,
# however long it then lasts to make them subscriptions; `done_to` says how far that has come.
import_batch = _table(
    "import_batch",
    _id(),
    Column("series_id", Text, ForeignKey("series.id"), nullable=False),
    Column("confirmed", Boolean, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("welcome", Boolean, nullable=False),
    Column("channel", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("done_to", _Id, nullable=False, server_default="0"),
    Column("finished", Boolean, nullable=False, server_default=text("false")),
    Column("added", Integer, nullable=False, server_default="0"),
    Column("asked", Integer, nullable=False, server_default="0"),
    Column("unchanged", Integer, nullable=False, server_default="0"),
)

# `outcome` is empty until it is known that the row stays, with the reason why: the others go.
import_row = _table(
    "import_row",
    _id(),
    Column("batch_id", _Id, ForeignKey("import_batch.id"), nullable=False),
    Column("address_key", Text, nullable=False),
    Column("mailbox", Text, nullable=False),
    Column("name", Text),
    Column("language", Text),
    Column("timezone", Text),
    Column("outcome", Text, nullable=False, server_default=""),
    UniqueConstraint("batch_id", "address_key"),
)
