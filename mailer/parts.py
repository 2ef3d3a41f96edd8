"""Opens everything that works on one database, in the order in which things need each other.

The daemon, every command and the simulation start here; who needs less simply uses less.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cached_property

from mailer.config.model import Config, Outbound, TransportKind
from mailer.dispatch.filling import Filling
from mailer.dispatch.loop import Dispatch
from mailer.drawing import Drawing
from mailer.errors import ConfigError, Fault
from mailer.files import key_file
from mailer.intake import alarming, zoning
from mailer.intake.delivery import Intake, Secrets
from mailer.intake.enrolling import Enrolling
from mailer.intake.importing import Importing
from mailer.intake.person import PersonChanges
from mailer.intake.refused import Refusals
from mailer.intake.rounds import Rounds
from mailer.log.counting import Counting
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sign import Signer
from mailer.message.token import TokenMint
from mailer.planner import Planner
from mailer.store import key, programme
from mailer.store.engine import Connection, Store, open_store
from mailer.store.trouble import Trouble
from mailer.store.upgrade import make_ready
from mailer.transport.maildir import MaildirTransport, make_maildir
from mailer.transport.smtp import SmtpTransport
from mailer.transport.source import Transport
from scheduler.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Parts:
    """An open database and what works on it. ``nudge`` is called when something was queued,
    ``concerned`` with a subscription that may have changed."""

    config: Config
    clock: Clock
    store: Store
    secrets: Secrets
    nudge: Callable[[], None]
    concerned: Callable[[int], None]
    counting: Counting = field(default_factory=Counting)

    @cached_property
    def intake(self) -> Intake:
        """Takes mails and commands."""
        return Intake(
            store=self.store,
            config=self.config,
            secrets=self.secrets,
            clock=self.clock,
            nudge=self.nudge,
            concerned=self.concerned,
            languages=lambda: self.drawing.renderer.languages,
            counting=self.counting,
        )

    @cached_property
    def enrolling(self) -> Enrolling:
        """Brings in people one by one."""
        return Enrolling(store=self.store, intake=self.intake)

    @cached_property
    def importing(self) -> Importing:
        """Brings in files of people."""
        return Importing(store=self.store, config=self.config, intake=self.intake, clock=self.clock)

    @cached_property
    def person_changes(self) -> PersonChanges:
        """Moves and erases people."""
        return PersonChanges(
            store=self.store,
            config=self.config,
            secrets=self.secrets,
            intake=self.intake,
            clock=self.clock,
        )

    @cached_property
    def refusals(self) -> Refusals:
        """Looks at what servers refused."""
        return Refusals(store=self.store, config=self.config, intake=self.intake, nudge=self.nudge)

    @cached_property
    def rounds(self) -> Rounds:
        """Looks after what falls due beside the programme."""
        return Rounds(
            store=self.store,
            config=self.config,
            intake=self.intake,
            clock=self.clock,
            nudge=self.nudge,
        )

    @cached_property
    def drawing(self) -> Drawing:
        """Renders announcements; the templates are read and checked now (raises TemplateFault)."""
        renderer = Renderer(builtin_templates(), self.config.templates.folder)
        return Drawing(self.config, renderer)

    @cached_property
    def planner(self) -> Planner:
        """Plans and expands announcements."""
        return Planner(
            store=self.store,
            config=self.config,
            drawing=self.drawing,
            mint=self.secrets.mint,
            clock=self.clock,
            nudge=self.nudge,
            hash_key=self.secrets.hash_key,
        )

    def dispatch(self, transport: Transport, *, node: str, jitter: Callable[[], float]) -> Dispatch:
        """Sends what is queued over a transport."""
        filling = Filling(
            store=self.store,
            config=self.config,
            drawing=self.drawing,
            mint=self.secrets.mint,
            signer=make_signer(self.config),
            clock=self.clock,
        )
        return Dispatch(
            store=self.store,
            filling=filling,
            transport=transport,
            settings=self.config.outbound,
            clock=self.clock,
            jitter=jitter,
            node=node,
            alarm=self._alarm,
            counting=self.counting,
        )

    async def _alarm(self, connection: Connection, trouble: Trouble) -> None:
        """Write to whoever looks after this machine."""
        await alarming.alarm(self.intake.context(connection, self.config.series[0]), trouble)


@contextlib.asynccontextmanager
async def open_parts(
    config: Config,
    clock: Clock,
    *,
    upgrade: bool = False,
    nudge: Callable[[], None] = lambda: None,
    concerned: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[Parts]:
    """Open the configured database, making what is missing.

    Raises SchemaTooOld without ``upgrade``, SchemaTooNew, ZonesTooOld, WrongOwner,
    StoreUnavailable; ConfigError if a file or folder that it names cannot be used.
    """
    store = open_store(config.database.url, password=config.database.password)
    try:
        await make_ready(store, upgrade=upgrade)
        own = _own_keys(config)
        _make_maildir(config)
        secrets = await store.write(lambda c: _prepare(c, config, clock, own))
        yield Parts(
            config=config,
            clock=clock,
            store=store,
            secrets=secrets,
            nudge=nudge,
            concerned=concerned,
        )
    finally:
        await store.dispose()


async def _prepare(
    connection: Connection, config: Config, clock: Clock, own: tuple[bytes, ...]
) -> Secrets:
    """Import the series and load the keys, made at the first start. Raises ZonesTooOld."""
    await zoning.refuse_older(connection)
    await programme.import_series(connection, config.series)
    keys = await key.load_or_make(connection, now=clock.now(), random=os.urandom)
    return Secrets(mint=TokenMint((*own, *keys)), hash_key=await key.oldest(connection))


def _own_keys(config: Config) -> tuple[bytes, ...]:
    """The keys of `key_file`, made at the first start; none if the database has them alone."""
    if config.key_file is None:
        return ()
    try:
        return key_file.load_or_make(config.key_file, os.urandom)
    except OSError as error:
        found, expected = error.strerror or str(error), "a file that can be read, or made"
    except ValueError as error:
        found, expected = str(error), key_file.EXPECTED
    raise _refused(config, "key_file", f"{config.key_file}: {found}", expected)


def _make_maildir(config: Config) -> None:
    if config.outbound.transport is not TransportKind.MAILDIR:
        return
    folder = config.outbound.maildir
    try:
        make_maildir(folder)
    except OSError as error:
        found = f"{folder}: {error.strerror or error}"
        raise _refused(config, "outbound.maildir", found, "a folder that can be made") from None


def _refused(config: Config, where: str, found: str, expected: str) -> ConfigError:
    return ConfigError(str(config.source), (Fault(where=where, found=found, expected=expected),))


def make_transport(settings: Outbound, *, hostname: str) -> Transport:
    """The configured way out."""
    match settings.transport:
        case TransportKind.SMTP:
            return SmtpTransport(settings, hostname=hostname)
        case TransportKind.MAILDIR:
            return MaildirTransport(settings.maildir)


def make_signer(config: Config) -> Signer | None:
    """What signs our mail, None if it is not signed here; OSError, ValueError for a bad key."""
    if config.dkim is None:
        return None
    files = config.dkim.key_files
    return Signer(config.dkim.domain, {name: file.read_bytes() for name, file in files.items()})
