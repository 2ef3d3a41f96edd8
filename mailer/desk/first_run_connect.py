"""Step one: the mail server that takes our mail, and what the one in front must be told.

What was typed is tried at once, by the same steps as for a mail; nothing else is ever connected to.
When the server takes us it is written into the configuration, which the daemon then takes up by
itself; a file that cannot be written is shown as lines to paste.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.responses import Response

from mailer.checkup.finding import Finding, Verdict
from mailer.checkup.mailserver import mail_server
from mailer.config import rewriting, wiring
from mailer.config.model import Config, Outbound, Security, TransportKind
from mailer.config.reading import read_config
from mailer.config.rewriting import Setting, Unwritable
from mailer.config.tables import is_loopback
from mailer.desk.finding import seen, shown_findings
from mailer.desk.first_run_setup import Setup, keep, step_page
from mailer.desk.place import Desk
from mailer.errors import ConfigError
from mailer.log import get_logger
from mailer.message.shown import Shown

TABLE = ("outbound",)
PASSWORD_FILE = "smarthost.password"  # noqa: S105 - a file's name
LONGEST = 250
LONGEST_PASSWORD = 1_000
SUBMISSION_PORT = 587  # RFC 6409
HIGHEST_PORT = 65_535
WAIT_SECONDS = 2
_SAYS = ("host", "port", "security", "username")

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What the form says, as it was typed; ``wrong`` names the fields that will not do."""

    host: str
    port: str
    security: str
    username: str
    password: str
    wrong: frozenset[str] = frozenset()

    def outbound(self, present: Outbound) -> Outbound:
        """The way out that this means; nothing of it may be wrong."""
        kept = present.password if self.username == present.username else None
        return replace(
            present,
            transport=TransportKind.SMTP,
            host=self.host,
            port=int(self.port),
            security=Security(self.security),
            username=self.username,
            password=(self.password or kept) if self.username else None,
        )


class Connect:
    """Takes and tries the mail server."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, setup: Setup) -> Response:
        """The form, as the configuration has it; with a word while a new one is taken up."""
        waits = not self._is_taken_up()
        return self._page(setup, _as_configured(self._desk.site.config), waits=waits)

    async def take(self, setup: Setup, fields: Mapping[str, str]) -> Response:
        """Try the server; if it takes us, write it down and let the daemon take it up."""
        site = self._desk.site
        typed = _typed(fields, site.config.outbound)
        if typed.wrong:
            return self._page(setup, typed, status=422)
        outbound = typed.outbound(site.config.outbound)
        hostname = setup.series.address.rpartition("@")[2]
        findings = await mail_server(outbound, hostname=hostname, now=site.clock.now())
        if any(one.verdict is Verdict.FAULT for one in findings):
            return self._page(setup, typed, status=422, findings=findings)
        server = f"{outbound.host}:{outbound.port}"
        refused = self._written(typed)
        if refused:
            return self._page(setup, typed, status=422, findings=findings, refused=refused)
        state = replace(setup.state, server=server, proved_at=None, examined=False)
        await keep(site, setup, state, "connected the mail server", reload=True)
        return setup.on_to("connect", "connected")

    def _written(self, typed: Typed) -> str:
        """Put it into the file; why not, empty if it is there."""
        config = self._desk.site.config
        stamp = f"{self._desk.site.clock.now():%Y%m%dT%H%M%SZ}"
        try:
            values = dict(_values(typed))
            gone = ["username", "password_file", "password_env"] if not typed.username else []
            if typed.password:
                values["password_file"] = _put_password(config, typed.password, stamp)
                gone = ["password_env"]
            with config.source.open(encoding="utf-8", newline="") as file:
                text = file.read()
            new = rewriting.changed(text, TABLE, values, without=gone)
            rewriting.put_in_place(config.source, new, stamp=stamp, environ=os.environ)
        except (OSError, Unwritable, ConfigError) as error:
            _log.warning(
                "the configuration cannot be written",
                action="first-run.unwritten",
                cause=str(error),
            )
            return error.strerror or str(error) if isinstance(error, OSError) else str(error)
        return ""

    def _is_taken_up(self) -> bool:
        """Whether the running daemon has the way out that the file names."""
        config = self._desk.site.config
        try:
            return read_config(config.source, os.environ).outbound == config.outbound
        except ConfigError:
            return True  # there is nothing to wait for: `mailer check` says what is wrong

    def _page(
        self,
        setup: Setup,
        typed: Typed,
        *,
        status: int = 200,
        findings: tuple[Finding, ...] = (),
        refused: str = "",
        waits: bool = False,
    ) -> Response:
        config = self._desk.site.config
        return step_page(
            self._desk,
            setup,
            "connect",
            status=status,
            refresh=WAIT_SECONDS if waits else 0,
            waits=waits,
            typed=Shown(**{name: getattr(typed, name) for name in _SAYS}),
            has_password=config.outbound.password is not None,
            wrong=Shown(**{name: name in typed.wrong for name in (*_SAYS, "password")}),
            securities=tuple(
                Shown(value=one, current=one == typed.security) for one in reversed(Security)
            ),
            findings=shown_findings(seen(findings)),
            refused=refused,
            file=str(config.source),
            paste=rewriting.lines(TABLE, _pasted(typed)) if refused else "",
            listens=tuple(_listens(config)),
            main_cf=wiring.postfix_main_cf(config),
            transport_map=wiring.postfix_transport_map(config),
        )


def _typed(fields: Mapping[str, str], present: Outbound) -> Typed:
    typed = Typed(
        host=fields.get("host", "")[:LONGEST].strip(),
        port=fields.get("port", "")[:LONGEST].strip(),
        security=fields.get("security", "")[:LONGEST],
        username=fields.get("username", "")[:LONGEST],
        password=fields.get("password", "")[:LONGEST_PASSWORD],
    )
    return replace(typed, wrong=frozenset(_wrong(typed, present)))


def _wrong(typed: Typed, present: Outbound) -> list[str]:
    found = []
    if not typed.host or any(sign in typed.host for sign in " /@<>\"'\\"):
        found.append("host")
    if not typed.port.isdecimal() or not 0 < int(typed.port[:6]) <= HIGHEST_PORT:
        found.append("port")
    if typed.security not in list(Security):
        found.append("security")
    kept = present.password is not None and typed.username == present.username
    if typed.username and not typed.password and not kept:
        found.append("password")
    if typed.password and not typed.username:
        found.append("username")
    if typed.username and typed.security == Security.NONE and not is_loopback(typed.host):
        found.append("security")
    return found


def _as_configured(config: Config) -> Typed:
    """What to begin with; a Maildir has no server, so there the usual one is offered."""
    outbound = config.outbound
    if outbound.transport is TransportKind.MAILDIR:
        return Typed(
            host="",
            port=str(SUBMISSION_PORT),
            security=Security.STARTTLS,
            username="",
            password="",
        )
    return Typed(
        host=outbound.host,
        port=str(outbound.port),
        security=outbound.security,
        username=outbound.username,
        password="",
    )


def _values(typed: Typed) -> Mapping[str, Setting]:
    values: dict[str, Setting] = {
        "transport": TransportKind.SMTP.value,
        "host": typed.host,
        "port": int(typed.port),
        "security": typed.security,
    }
    return {**values, "username": typed.username} if typed.username else values


def _pasted(typed: Typed) -> Mapping[str, Setting]:
    """The same for a person, with the file that the password is to be in."""
    values = _values(typed)
    return {**values, "password_file": PASSWORD_FILE} if typed.username else values


def _put_password(config: Config, password: str, stamp: str) -> str:
    """Write the password into a file of its own beside the configuration; the file's name."""
    folder = config.source.parent
    taken = (folder / PASSWORD_FILE).exists()
    name = f"smarthost.{stamp}.password" if taken else PASSWORD_FILE
    rewriting.put_secret(folder / name, password)
    return name


def _listens(config: Config) -> list[Shown]:
    named = {"LMTP": config.inbound.lmtp, "SMTP": config.inbound.smtp}
    return [
        Shown(name=name, place=f"{one.host}:{one.port}")
        for name, one in named.items()
        if one is not None
    ]
