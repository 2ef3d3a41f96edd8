"""Mail in: one mail for one of our addresses, applied once, durable when `Intake.take` returns.

journal row with dedupe key → command → state and replies → commit. A second copy of the same mail
finds the journal row and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from mailer.config.model import Config, Series
from mailer.errors import StoreUnavailable
from mailer.intake.apply import apply
from mailer.intake.context import Asker, Context, Outcome
from mailer.intake.group import GroupCommit
from mailer.intake.quarantine import Quarantine, enveloped
from mailer.log import get_logger
from mailer.log.counting import Counting
from mailer.message import incoming, roundtrip
from mailer.message.address import Purpose, Recipient, is_own, own_addresses, route, series_names
from mailer.message.command import Channel, Command, Nothing
from mailer.message.header import may_be_answered
from mailer.message.incoming import Authentication, Incoming
from mailer.message.token import TokenMint
from mailer.message.wish import decide
from mailer.store import journal, people
from mailer.store.engine import Connection, Store
from scheduler.clock import Clock

ROUND_TRIP_KEPT = timedelta(hours=1)
_LARGE_OCTETS = 100_000

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What signs tokens and hashes suppressed addresses."""

    mint: TokenMint
    hash_key: bytes


class Intake:
    """Takes mails and commands for all series of a configuration."""

    def __init__(
        self,
        *,
        store: Store,
        config: Config,
        secrets: Secrets,
        clock: Clock,
        nudge: Callable[[], None],
        concerned: Callable[[int], None],
        languages: Callable[[], tuple[str, ...]],
        counting: Counting,
    ) -> None:
        self._store = store
        self._config = config
        self._secrets = secrets
        self._clock = clock
        self._nudge = nudge
        self._concerned = concerned
        self._languages = languages
        self._counting = counting
        self._own = own_addresses(config.series)
        self._group = GroupCommit[Outcome](store)
        self._quarantine = Quarantine(store, clock, keep_for=config.retention.inbound)

    @property
    def fault(self) -> str | None:
        """Why no mail may be taken until the process has started anew, None as long as it may."""
        return self._store.fault

    @property
    def disk_folder(self) -> Path | None:
        """Where mails are kept on a disk of this machine, None on a database server."""
        path = self._store.sqlite_path
        return None if path is None else path.parent

    def route(self, address: str) -> Recipient | None:
        """Whose address it is and what it asks for; None for one that is not ours."""
        return route(address, self._config.series)

    def read(self, content: bytes, *, sender: str | None) -> Incoming:
        """A mail's bytes as a value, with what this service trusts."""
        return incoming.read(
            content,
            sender=sender,
            authserv_id=self._config.inbound.authserv_id,
            own=self._own,
        )

    async def take(
        self, mail: Incoming, recipient: Recipient, *, address: str, source: str
    ) -> Outcome:
        """Apply a mail for one recipient; raises StoreUnavailable if it cannot be made durable."""
        series = self._series(recipient)
        is_ours = mail.author is not None and is_own(mail.author.key, self._config.series)
        names = series_names(series)
        command, language = _command(mail, recipient, names, is_ours=is_ours)
        arrival = journal.Arrival(
            dedupe_key=journal.dedupe_key(mail.digest, address),
            source=source,
            series_id=recipient.series,
            recipient=_redacted(address, recipient),
            author_key=mail.author.key if mail.author else "",
            message_id=mail.message_id,
            size=len(mail.content),
            command=type(command).__name__,
        )

        async def unit(connection: Connection) -> Outcome:
            context = self.context(connection, series)
            entry_id = await journal.enter(connection, arrival, context.now)
            if entry_id is None:
                return Outcome(word="seen before")
            asker = await _asker(context, mail, recipient, language)
            outcome = await apply(context, asker, command, mail)
            await journal.conclude(
                connection,
                entry_id,
                outcome=outcome.word,
                subscription_id=outcome.subscription_id,
                blob_id=outcome.blob_id or await self._kept(context, mail),
            )
            return outcome

        try:
            if len(mail.content) > _LARGE_OCTETS:  # keeping it takes longer than others may wait
                outcome = await self._store.write(unit)
            else:
                outcome = await self._group.run(unit)
        except (StoreUnavailable, MemoryError):  # no fault of the mail's
            raise
        except Exception as error:
            whole = enveloped(mail.content, sender=mail.sender, address=address)
            if not await self._quarantine.keeps(arrival, whole, error):
                raise
            return Outcome(word=journal.KEPT_ASIDE)
        self._counting.add("taken", (arrival.command,))
        _log.info(
            "took a mail",
            action="mail.taken",
            source=source,
            command=arrival.command,
            outcome=outcome.word,
            subscription=outcome.subscription_id,
        )
        if outcome.subscription_id is not None:
            self._concerned(outcome.subscription_id)
        self._nudge()
        return outcome

    async def set_aside(
        self,
        content: bytes,
        recipient: Recipient,
        *,
        sender: str | None,
        address: str,
        source: str,
        error: Exception,
    ) -> bool:
        """A mail could not even be read: whether it is kept aside now, after the last of its tries.
        ``content`` is as the sender has it, the same each time. Raises StoreUnavailable."""
        arrival = journal.Arrival(
            dedupe_key=journal.dedupe_key(sha256(b"unreadable\0" + content).digest(), address),
            source=source,
            series_id=recipient.series,
            recipient=_redacted(address, recipient),
            author_key="",
            message_id="",
            size=len(content),
            command="",
        )
        whole = enveloped(content, sender=sender, address=address)
        return await self._quarantine.keeps(arrival, whole, error)

    async def _kept(self, context: Context, mail: Incoming) -> int | None:
        """The head of a mail by which `mailer check` tries out the whole way, for a while."""
        if not roundtrip.is_own(self._secrets.mint, mail.message_id):
            return None
        until = context.now + ROUND_TRIP_KEPT
        return await journal.keep(context.connection, roundtrip.head(mail.content), until=until)

    async def command(self, series: Series, asker: Asker, command: Command) -> Outcome:
        """Apply a command that did not come by mail, in a transaction of its own."""

        async def unit(connection: Connection) -> Outcome:
            context = self.context(connection, series)
            return await apply(context, await asker.known(context), command, None)

        outcome = await self._store.write(unit)
        if outcome.subscription_id is not None:
            self._concerned(outcome.subscription_id)
        self._nudge()
        return outcome

    def context(self, connection: Connection, series: Series) -> Context:
        """The surroundings of a command in a transaction."""
        return Context(
            connection=connection,
            config=self._config,
            series=series,
            mint=self._secrets.mint,
            hash_key=self._secrets.hash_key,
            now=self._clock.now(),
            languages=self._languages,
        )

    def _series(self, recipient: Recipient) -> Series:
        if recipient.series is None:  # postmaster@: any series will do for the facts of the mail
            return self._config.series[0]
        return self._config.series_by_id(recipient.series)


def _command(
    mail: Incoming, recipient: Recipient, names: frozenset[str], *, is_ours: bool
) -> tuple[Command, str | None]:
    """What the mail asks for; one from an address of ours has come back to us (S4). A report may
    well be from our own postmaster."""
    is_report = mail.machine is not None and recipient.purpose is Purpose.BOUNCE
    if is_ours and not is_report:
        return Nothing(reason="own-address"), None
    decision = decide(mail, recipient, names)
    return decision.command, decision.language


async def _asker(
    context: Context, mail: Incoming, recipient: Recipient, language: str | None
) -> Asker:
    """Who it is from: by token if the address carries one for that, else by From."""
    answered = mail.message_id if may_be_answered(mail.message_id) else ""
    asker = Asker(
        address=mail.author,
        channel=Channel.MAIL,
        evidence=mail.message_id,
        in_reply_to=answered,
        replies_to=mail.replies_to,
        language=language,
        stated_language=mail.stated_language,
        proven=mail.authentication is Authentication.PASS,
    )
    if recipient.purpose is Purpose.PREFERENCES and recipient.token is not None:
        token = context.mint.read(Purpose.PREFERENCES, recipient.token)
        current = None if token is None else await people.by_id(context.connection, token.subject)
        if current is None or current.series_id != context.series.id:
            return Asker(address=None, channel=Channel.MAIL)
        return Asker(
            address=current.address,
            channel=Channel.MAIL,
            evidence=mail.message_id,
            in_reply_to=answered,
            language=language,
            stated_language=mail.stated_language,
            proven=True,
            subscription=current,
        )
    return await asker.known(context)


def _redacted(address: str, recipient: Recipient) -> str:
    """The address without its token, which is a secret."""
    if recipient.token is None:
        return address
    return address.lower().replace(recipient.token, "…")
