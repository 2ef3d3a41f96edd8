"""What every verb gets: the transaction, the series, the time; and who is asking."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from mailer.config.model import Config, Series
from mailer.message.address import Address
from mailer.message.command import Channel
from mailer.message.facts import Facts, SeriesFacts, WebinarFacts
from mailer.message.token import TokenMint
from mailer.store import people, programme
from mailer.store.engine import Connection
from mailer.store.people import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One command's surroundings. ``hash_key`` is the secret that hashes suppressed addresses;
    ``languages`` says which ones mails can be written in."""

    connection: Connection
    config: Config
    series: Series
    mint: TokenMint
    hash_key: bytes
    now: datetime
    languages: Callable[[], tuple[str, ...]]

    @property
    def base_url(self) -> str:
        """Where the pages are, empty without web."""
        return self.config.base_url

    def series_facts(self) -> SeriesFacts:
        """The series as templates see it."""
        return programme.series_facts(self.series, base_url=self.base_url)

    def address_hash(self, address: Address) -> bytes:
        """The keyed hash under which an address is suppressed or counted."""
        return hash_address(self.hash_key, address)

    async def next_webinars(
        self, limit: int, *, registered: bool = False
    ) -> tuple[WebinarFacts, ...]:
        """The coming webinars as templates see them."""
        records = await programme.upcoming(
            self.connection, self.series.id, now=self.now, limit=limit
        )
        return tuple(
            record.facts(base_url=self.base_url, registered=registered) for record in records
        )


def hash_address(hash_key: bytes, address: Address) -> bytes:
    """A keyed hash of who an address is; the same for every spelling of it."""
    return hashlib.blake2b(address.key.encode(), key=hash_key, digest_size=16).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who a command is from. ``proven`` when a token, trusted authentication or the command line
    shows it; ``evidence`` is kept with a consent; ``in_reply_to`` is the
    well-formed Message-ID that an answer refers to, empty if there is none; ``language`` is the one
    they wrote in, ``stated_language`` what the header of their mail says, which may be a program's
    menus."""

    address: Address | None
    channel: Channel
    evidence: str = ""
    in_reply_to: str = ""
    replies_to: tuple[str, ...] = ()
    language: str | None = None
    stated_language: str | None = None
    proven: bool = False
    subscription: Subscription | None = None

    async def known(self, context: Context) -> Asker:
        """The same with their subscription to the series looked up."""
        if self.address is None:
            return self
        found = await people.find(context.connection, context.series.id, self.address.key)
        return replace(self, subscription=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a command: a stable word for journal, log and exit codes."""

    word: str
    subscription_id: int | None = None
    blob_id: int | None = None  # under which the mail itself is kept


def reader_language(context: Context, asker: Asker) -> str:
    """The language to answer in: as just written, as preferred, as stated, as the series has it."""
    preferred = asker.subscription.language if asker.subscription else None
    return asker.language or preferred or asker.stated_language or context.series.language


def facts_for(
    context: Context,
    asker: Asker,
    *,
    webinars: tuple[WebinarFacts, ...] = (),
    webinar: WebinarFacts | None = None,
    registered: bool = False,
    detail: dict[str, str | int | bool] | None = None,
) -> Facts:
    """Facts for a mail to one person, in their language and zone."""
    preferred = asker.subscription.timezone if asker.subscription else None
    return Facts(
        series=context.series_facts(),
        language=reader_language(context, asker),
        zone=preferred or context.series.timezone,
        webinar=webinar,
        webinars=webinars,
        registered=registered,
        detail=detail or {},
    )
