"""Every table of the file but the series: from keys to values, with what each key may say.

Touches the file system only to see that a named file can be read; never the network.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from mailer.config import pacing
from mailer.config.credential import certificate_fault, read_password
from mailer.config.model import (
    Bounces,
    Database,
    Endpoint,
    Inbound,
    Limits,
    Log,
    LogFormat,
    Operator,
    Outbound,
    Retention,
    Security,
    Templates,
    TransportKind,
    Web,
)
from mailer.config.section import HIGHEST_PORT, Section, absolute, describe

LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
LEAST_MESSAGE_BYTES = 65_536  # RFC 5321 §4.5.3.1.7: no server may take less than 64 kB
DATABASE_EXPECTED = "sqlite:///FILE or postgresql://user@host/database"


def read_database(section: Section, environ: Mapping[str, str]) -> Database:
    """The database; a relative SQLite path becomes absolute."""
    default = Database()
    given = section.text("url", default.url) or default.url
    url = _database_url(section, given)
    return Database(url=url or default.url, password=read_password(section, environ))


def _database_url(section: Section, given: str) -> str | None:
    scheme, _, rest = given.partition("://")
    match scheme:
        case "sqlite":
            return _sqlite_url(section, given, rest)
        case "postgresql":
            return _postgresql_url(section, given)
        case _:
            hint = "write postgresql://" if scheme.startswith("postgres") else ""
            section.fault("url", _shown_url(given), DATABASE_EXPECTED, hint)
            return None


def _sqlite_url(section: Section, given: str, rest: str) -> str | None:
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path or ":memory:" in path:
        hint = "three slashes before a relative path, four before an absolute one"
        section.fault("url", describe(given), "sqlite:///FILE", hint)
        return None
    file = str(absolute(section.folder, path))
    if "?" in file:
        section.fault("url", describe(file), "a path without a question mark")
        return None
    return f"sqlite:///{file}"


def _postgresql_url(section: Section, given: str) -> str | None:
    parts = _split(given)
    if parts is None or not parts.path.strip("/"):
        section.fault("url", _shown_url(given), DATABASE_EXPECTED)
        return None
    if parts.password is not None or "password=" in parts.query:
        expected = "no password in it, but password_file or password_env"
        section.fault("url", "a password in the file", expected)
        return None
    return given


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        return None
    return parts


def _shown_url(url: str) -> str:
    return describe(re.sub(r"//[^@]*@", "//…@", url))


def read_inbound(section: Section) -> Inbound:
    """The listeners: both at their defaults, unless one is named."""
    default = Inbound()
    named = {"smtp", "lmtp"} & set(section.values)
    certificate, key = _certificate(section)
    return Inbound(
        smtp=section.endpoint("smtp", None if named else default.smtp),
        lmtp=section.endpoint("lmtp", None if named else default.lmtp),
        max_message_bytes=section.whole(
            "max_message_bytes", default.max_message_bytes, least=LEAST_MESSAGE_BYTES
        ),
        authserv_id=section.text("authserv_id"),
        tls_cert_file=certificate,
        tls_key_file=key,
    )


def _certificate(section: Section) -> tuple[Path | None, Path | None]:
    names = ("tls_cert_file", "tls_key_file")
    before = len(section.faults)
    certificate, key = (section.readable_file(name) for name in names)
    if len(section.faults) > before:
        return None, None
    if certificate is not None and key is not None:
        cause = certificate_fault(certificate, key)
        if cause:
            section.fault(
                names[0], cause, "a PEM certificate that fits its key, without passphrase"
            )
    elif certificate is not None or key is not None:
        given, missing = names if certificate is not None else names[::-1]
        section.fault(missing, "nothing", f"a file, because {given} is given")
    return certificate, key


def read_outbound(section: Section, environ: Mapping[str, str]) -> Outbound:
    """How mail leaves."""
    default = Outbound()
    seconds = section.span("final_dot_timeout", timedelta(seconds=default.final_dot_timeout))
    outbound = Outbound(
        transport=section.choice("transport", TransportKind.SMTP),
        maildir=section.path_to("maildir", str(default.maildir)) or section.folder / "outbox",
        host=section.text("host", default.host) or default.host,
        port=section.whole("port", default.port, least=1, most=HIGHEST_PORT),
        security=section.choice("security", default.security),
        ca_file=section.readable_file("ca_file"),
        username=section.text("username"),
        password=read_password(section, environ),
        connections=section.whole("connections", default.connections, least=1),
        messages_per_second=section.number("messages_per_second", default.messages_per_second),
        domains=pacing.read_domains(section),
        warm_up=pacing.read_warm_up(section),
        final_dot_timeout=seconds.total_seconds(),
    )
    _check_sign_in(section, outbound)
    return outbound


def _check_sign_in(section: Section, outbound: Outbound) -> None:
    named = any(section.values.get(key) for key in ("password_file", "password_env"))
    if outbound.username and not named:
        section.fault("username", "no password for it", "password_file or password_env")
    if named and not outbound.username:
        section.fault("username", "nothing", "a name, because a password is given")
    if outbound.username and outbound.security is Security.NONE and not is_loopback(outbound.host):
        section.fault("security", '"none"', '"starttls" or "tls", because a password is sent')


def read_limits(section: Section) -> Limits:
    """How many automatic answers; 0 is no limit."""
    default = Limits()
    return Limits(
        confirmations_per_address_per_day=section.whole(
            "confirmations_per_address_per_day", default.confirmations_per_address_per_day
        ),
        answers_per_address_per_day=section.whole(
            "answers_per_address_per_day", default.answers_per_address_per_day
        ),
        answers_per_domain_per_hour=section.whole(
            "answers_per_domain_per_hour", default.answers_per_domain_per_hour
        ),
        answers_per_hour=section.whole("answers_per_hour", default.answers_per_hour),
        forms_per_network_per_hour=section.whole(
            "forms_per_network_per_hour", default.forms_per_network_per_hour
        ),
    )


def read_retention(section: Section) -> Retention:
    """How long things are kept."""
    default = Retention()
    return Retention(
        inbound=section.span("inbound", default.inbound),
        ledger=section.span("ledger", default.ledger),
        pending=section.span("pending", default.pending),
    )


def read_bounces(section: Section) -> Bounces:
    """When mails that come back lead to a test of the mailbox."""
    default = Bounces()
    return Bounces(
        hard_days=section.whole("hard_days", default.hard_days, least=1),
        soft_mails=section.whole("soft_mails", default.soft_mails, least=1),
        soft_span=section.span("soft_span", default.soft_span),
    )


def read_web(section: Section) -> Web | None:
    """The pages: where they listen and where people see them."""
    default = Endpoint(host="127.0.0.1", port=8080)
    listen = section.endpoint("listen", default)
    if listen is None:
        section.fault("listen", '""', "host:port, or no [web] table for no pages")
    metrics_listen = section.endpoint("metrics_listen", None)
    given = section.required_text("base_url")
    base_url = _base_url(section, given) if given is not None else None
    proxies = tuple(
        network
        for place, text in section.texts("trusted_proxies")
        if (network := _network(section, place, text)) is not None
    )
    if base_url is None or listen is None:
        return None
    return Web(
        listen=listen,
        base_url=base_url,
        metrics_listen=metrics_listen,
        trusted_proxies=proxies,
    )


def _base_url(section: Section, given: str) -> str | None:
    parts = _split(given)
    host = parts.hostname if parts else None
    expected = "https://host, without a path"
    if parts is None or not host or parts.username is not None:
        section.fault("base_url", _shown_url(given), expected)
    elif parts.path.strip("/") or parts.query or parts.fragment or any(c in given for c in ' "<>'):
        section.fault("base_url", describe(given), expected)
    elif parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        section.fault("base_url", describe(given), expected, "http is for loopback hosts only")
    else:
        return f"{parts.scheme}://{parts.netloc.lower()}"
    return None


def _network(section: Section, place: str, text: str) -> str | None:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        section.fault(place, describe(text), "an IP address or network, like 10.0.0.0/8")
        return None


def is_loopback(host: str) -> bool:
    """Whether this name or address never leaves the machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def read_log(section: Section) -> Log:
    """What is logged, and how it is written."""
    level = section.text("level", Log().level).lower()
    if level not in LOG_LEVELS:
        section.fault("level", describe(level), f"one of {', '.join(LOG_LEVELS)}")
        level = Log().level
    return Log(level=level, format=section.choice("format", LogFormat.TEXT))


def read_operator(section: Section) -> Operator:
    """Who gets alarms and mail to postmaster."""
    given = section.text("address")
    address = section.mailbox("address", given) if given else None
    return Operator(address=address or "")


def read_templates(section: Section) -> Templates:
    """Where overriding texts lie; the folder may be made later."""
    folder = section.path_to("folder")
    if folder is not None and folder.exists() and not folder.is_dir():
        section.fault("folder", f"{folder}, which is a file", "a folder")
    return Templates(folder=folder)
