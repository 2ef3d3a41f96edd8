"""What can be configured, as frozen values with their defaults.

The single list of keys: reading, `config.example.toml` and the nearest-key hints are checked
against these fields. Spans are seconds unless they are an `Offset` (wall-clock days).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from scheduler.model import Notice
from scheduler.pace import WarmUp


class TransportKind(StrEnum):
    SMTP = "smtp"
    MAILDIR = "maildir"


class Security(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class Approval(StrEnum):
    ORGANISER = "organiser"
    OTHER = "other"


class Report(StrEnum):
    """What organisers are mailed without asking; what needs somebody at once is mailed always."""

    WEEK = "week"
    DELIVERY = "delivery"
    REGISTRATIONS = "registrations"


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to listen; port 0 lets the system choose."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    url: str = "sqlite:///mailer.db"  # path already made absolute by reading
    password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """Listeners. If neither is named both stand at their defaults; if one is, only that one."""

    smtp: Endpoint | None = Endpoint(host="127.0.0.1", port=2525)
    lmtp: Endpoint | None = Endpoint(host="127.0.0.1", port=2424)
    max_message_bytes: int = 10_485_760
    authserv_id: str = ""
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """``domains`` are the most mails a second to each, 0 for no limit; `*` is every other one."""

    transport: TransportKind = TransportKind.SMTP
    maildir: Path = Path("outbox")
    host: str = "127.0.0.1"
    port: int = 25
    security: Security = Security.STARTTLS
    ca_file: Path | None = None
    username: str = ""
    password: str | None = None
    connections: int = 10
    messages_per_second: float = 0.0
    domains: Mapping[str, float] = field(default_factory=dict)
    warm_up: WarmUp | None = None
    final_dot_timeout: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Automatic answers, and forms from one network; 0 switches a limit off."""

    confirmations_per_address_per_day: int = 3
    answers_per_address_per_day: int = 10
    answers_per_domain_per_hour: int = 1000
    answers_per_hour: int = 20000
    forms_per_network_per_hour: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    inbound: timedelta = timedelta(days=30)
    ledger: timedelta = timedelta(days=730)
    pending: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounces:
    """When a mailbox is tested because mails to it come back."""

    hard_days: int = 2
    soft_mails: int = 5
    soft_span: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dkim:
    """How mail is signed. A second key is of the other kind, RSA or Ed25519; both sign then."""

    domain: str
    selector: str
    key_file: Path
    second_selector: str = ""
    second_key_file: Path | None = None

    @property
    def key_files(self) -> dict[str, Path]:
        """The one or two keys by their selectors."""
        found = {self.selector: self.key_file}
        if self.second_key_file is not None:
            found[self.second_selector] = self.second_key_file
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    base_url: str
    listen: Endpoint = Endpoint(host="127.0.0.1", port=8080)
    metrics_listen: Endpoint | None = None  # None: with the pages
    trusted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    level: str = "info"
    format: LogFormat = LogFormat.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """The series' rhythm: an RFC 5545 rule over wall-clock starts in the series' zone."""

    rrule: str
    start: datetime
    duration: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series. ``id`` is the key of its table; ``short`` replaces the local part in token
    addresses when the address's own is longer than 24 octets."""

    id: str
    title: str
    address: str
    timezone: str
    short: str = ""
    organisers: tuple[str, ...] = ()
    language: str = "en"
    slots: Slots | None = None
    settle: timedelta = timedelta(minutes=15)
    approval: Approval = Approval.ORGANISER
    reports: tuple[Report, ...] = tuple(Report)
    yearly_question: bool = False
    imprint: str = ""
    notices: tuple[Notice, ...] = ()  # reading fills the four default rules when absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration. ``source`` is the file it came from; paths are absolute."""

    source: Path
    series: tuple[Series, ...]
    database: Database = field(default_factory=Database)
    inbound: Inbound = field(default_factory=Inbound)
    outbound: Outbound = field(default_factory=Outbound)
    limits: Limits = field(default_factory=Limits)
    retention: Retention = field(default_factory=Retention)
    bounces: Bounces = field(default_factory=Bounces)
    dkim: Dkim | None = None
    web: Web | None = None
    log: Log = field(default_factory=Log)
    operator: Operator = field(default_factory=Operator)
    templates: Templates = field(default_factory=Templates)
    key_file: Path | None = None

    @property
    def base_url(self) -> str:
        """Where the pages are, empty without web: no mail may name a page that is not there."""
        return self.web.base_url if self.web else ""

    @property
    def own_links(self) -> bool:
        """Whether registered people are told a link of their own, which leads to wherever the place
        is at that moment."""
        return bool(self.base_url)

    def series_by_id(self, series_id: str) -> Series:
        """The series with this id; KeyError if there is none."""
        for series in self.series:
            if series.id == series_id:
                return series
        raise KeyError(series_id)
