"""Texts that connect us to the machine: Postfix maps, a systemd unit, and a first configuration.

Pure: it writes nothing and looks at nothing. Postfix refuses at RCPT what we would refuse there, so
that no mail is accepted only to be bounced (RFC 5321 §6.1, STANDARDS S3).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mailer.config.clash import PLAIN_WORDS, TOKEN_WORDS
from mailer.config.model import Config, Endpoint, Security, TransportKind
from mailer.config.series import PAGE_NAMES

TRANSPORT_MAP = "/etc/postfix/mailer-transport"
RECIPIENT_MAP = "/etc/postfix/mailer-recipients"
PIPE_SERVICE = "mailer"
WEB_PORT = 8080
STOP_SECONDS = 35  # a clean stop takes at most 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What `mailer init` asks for. An empty ``organiser`` means none yet; ``host`` and what follows
    are the mail server's, which may be another machine; an empty ``base_url`` means no pages."""

    title: str
    address: str
    timezone: str
    organiser: str = ""
    transport: TransportKind = TransportKind.SMTP
    host: str = "127.0.0.1"
    port: int = 25
    security: Security = Security.NONE
    username: str = ""
    password_file: str = ""
    base_url: str = ""


def postfix_main_cf(config: Config) -> str:
    """Lines for Postfix's main.cf (3.0 or later), for domains that have no other mailboxes here."""
    domains = _domains(config)
    lines = (
        "# Webinar mailer. Where a setting exists already, add to it.",
        f"relay_domains = {' '.join(domains)}",
        f"transport_maps = texthash:{TRANSPORT_MAP}",
        "# webinars+help@ and webinars-help@ belong to webinars@.",
        "recipient_delimiter = +-",
        *(_refused_by_map() if config.inbound.lmtp is None else _refused_by_asking(domains)),
        "# What is too large for the mailer is refused here as well.",
        f"message_size_limit = {config.inbound.max_message_bytes}",
    )
    return "\n".join(lines) + "\n"


def _refused_by_asking(domains: list[str]) -> tuple[str, ...]:
    verified = ", ".join(f"{{ {domain} = reject_unverified_recipient }}" for domain in domains)
    return (
        "# Ask the mailer itself whether it takes an address, while the sender still waits.",
        f"smtpd_recipient_restrictions = check_recipient_access inline:{{ {verified} }}",
        "unverified_recipient_reject_code = 550",
        "# A recipient that was unknown may be known a minute later.",
        "address_verify_negative_expire_time = 60s",
        "address_verify_negative_refresh_time = 30s",
    )


def _refused_by_map() -> tuple[str, ...]:
    return (
        "# Only addresses of ours; others are refused while the sender still waits.",
        f"relay_recipient_maps = regexp:{RECIPIENT_MAP}",
        "# One recipient each time the command runs.",
        f"{PIPE_SERVICE}_destination_recipient_limit = 1",
    )


def postfix_transport_map(config: Config) -> str:
    """The file that main.cf names as transport map: which domain goes to us, and how."""
    lmtp = config.inbound.lmtp
    target = f"{PIPE_SERVICE}:" if lmtp is None else f"lmtp:inet:{_reachable(lmtp)}"
    return "".join(f"{domain}\t{target}\n" for domain in _domains(config))


def postfix_master_cf(config_path: Path, executable: Path, user: str) -> str:
    """The service for master.cf that hands mail to `mailer receive`, for use without LMTP."""
    # `--from=` in one word, so that no sender can be taken for an option; an empty one is `<>`.
    return (
        f"{PIPE_SERVICE} unix - n n - 4 pipe\n"
        f"  flags=Rq user={user} null_sender=\n"
        f"  argv={_pipe_word(executable)} --config {_pipe_word(config_path)} receive"
        " --from=${sender} --to=${recipient}\n"
    )


def postfix_recipient_map(config: Config) -> str:
    """A regexp table of every address that we take, for use without LMTP."""
    plain = "|".join(sorted(PLAIN_WORDS))
    token = "|".join(sorted(TOKEN_WORDS))
    lines = [
        f"/^{_regexp(name)}([+-]({plain}|({token})[+-][a-z2-7]{{26}}))?@{_regexp(domain)}$/ ok"
        for name, domain in _names(config)
    ]
    lines += [f"/^postmaster@{_regexp(domain)}$/ ok" for domain in _domains(config)]
    return "\n".join(lines) + "\n"


def _domains(config: Config) -> list[str]:
    return sorted({series.address.rpartition("@")[2].lower() for series in config.series})


def _names(config: Config) -> list[tuple[str, str]]:
    names = []
    for series in config.series:
        local, _, domain = series.address.lower().rpartition("@")
        names += [(name, domain) for name in dict.fromkeys((local, series.short)) if name]
    return names


def _reachable(endpoint: Endpoint) -> str:
    """Where a neighbour on the same machine reaches this listener."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(endpoint.host, endpoint.host)  # noqa: S104
    return f"[{host}]:{endpoint.port}" if ":" in host else f"{host}:{endpoint.port}"


def _regexp(text: str) -> str:
    return re.sub(r"([^A-Za-z0-9_-])", r"\\\1", text)


def _pipe_word(path: Path) -> str:
    text = str(path).replace("$", "$$")
    return f"{{ {text} }}" if " " in text else text


def systemd_unit(config_path: Path, executable: Path, user: str) -> str:
    """A unit for the daemon that may write beside its configuration and nowhere else."""
    config, program = str(config_path), str(executable)
    at_home = config_path.is_relative_to("/home") or config_path.is_relative_to("/root")
    return f"""\
[Unit]
Description=Webinar mailing list
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
User={user}
ExecStart={_unit_word(program)} --config {_unit_word(config)} serve
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
# 2 says that the configuration does not hold: trying again would not help.
RestartPreventExitStatus=2
TimeoutStopSec={STOP_SECONDS}
UMask=0077
# Where a SQLite database and a Maildir beside the configuration are written. For ports below
# 1024 add: AmbientCapabilities=CAP_NET_BIND_SERVICE, in CapabilityBoundingSet too.
ReadWritePaths={_unit_word(str(config_path.parent))}
CapabilityBoundingSet=
LockPersonality=yes
NoNewPrivileges=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome={"no" if at_home else "yes"}
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""


def _unit_word(text: str) -> str:
    """One word of a unit file: specifiers and variables taken literally, quoted if need be."""
    literal = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{literal}"' if re.search(r"[\s'\"\\;]", text) else literal


def default_config_text(answers: Answers) -> str:
    """A short configuration with comments, for `mailer init`; every other key has its default."""
    domain = answers.address.rpartition("@")[2]
    organisers = f"[{toml_text(answers.organiser)}]" if answers.organiser else "[]"
    return f"""\
# Configuration of the webinar mailer. Every other key, with its default and what it means, is in
# config.example.toml. Paths are relative to this file.

[database]
url = "sqlite:///mailer.db"

[inbound]
smtp = "127.0.0.1:2525"
lmtp = "127.0.0.1:2424"    # for a mail server in front

[outbound]
transport = {toml_text(answers.transport):<14} # "smtp", or "maildir": every mail becomes a file
maildir = "outbox"
host = {toml_text(answers.host)}
port = {answers.port}
security = {toml_text(answers.security):<15} # "none", "starttls" or "tls"
{_sign_in(answers)}
# [dkim]                   # when the mail server does not sign
# domain = {toml_text(domain)}
# selector = "s1"
# key_file = "dkim.pem"    # RSA or Ed25519; a second key can be of the other kind

{_pages(answers)}
[series.{series_id(answers.address)}]
title = {toml_text(answers.title)}
address = {toml_text(answers.address)}
timezone = {toml_text(answers.timezone)}
organisers = {organisers}
language = "en"
imprint = ""               # who sends this, postal address, privacy link
"""


def _pages(answers: Answers) -> str:
    if not answers.base_url:
        return """\
# [web]                    # pages; everything works by mail without them
# listen = "127.0.0.1:8080"
# base_url = "https://webinars.example.org"
"""
    parts = urlsplit(answers.base_url)
    near = parts.scheme == "http"  # the pages themselves, with no web server before them
    listen = f"127.0.0.1:{(parts.port or 80) if near else WEB_PORT}"
    return f"""\
[web]
listen = {toml_text(listen):<18} # behind a web server that speaks TLS
base_url = {toml_text(answers.base_url)}
"""


def _sign_in(answers: Answers) -> str:
    if not answers.username:
        return ""
    name, file = toml_text(answers.username), toml_text(answers.password_file)
    return f"username = {name}\npassword_file = {file}\n"


def series_id(address: str) -> str:
    """An id for the series at this address, made of its local part."""
    local = address.partition("@")[0].lower()
    words = re.sub(r"[^a-z0-9]+", "-", local).strip("-")[:40].strip("-")
    return f"series-{words}".strip("-") if len(words) < 2 or words in PAGE_NAMES else words


def toml_text(text: str) -> str:
    """A TOML basic string. JSON's escapes are TOML's, but for U+007F."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
