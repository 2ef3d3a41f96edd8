"""What `mailer init` has to know: given as options, else asked for, else at its default.

A wrong answer is told with the nearest right one and asked again; a wrong option ends the command.
Questions go to stderr, so that stdout stays free for --json. Looks at this machine, changes
nothing.
"""

from __future__ import annotations

import difflib
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from mailer.cli.frame import USAGE, fail
from mailer.config.mailbox import normal_mailbox
from mailer.config.model import Security, TransportKind
from mailer.config.section import Section
from mailer.config.series import LONGEST_LOCAL
from mailer.config.tables import is_loopback, read_web
from mailer.config.wiring import Answers
from mailer.errors import Fault
from scheduler.recurrence import zone_names

TITLE = "Webinars"
LOCAL_PART = "webinars"
SAMPLE_DOMAIN = "lists.example.org"
SUBMISSION_PORT = 587  # RFC 6409
SUBMISSIONS_PORT = 465  # RFC 8314: TLS from the first byte
LIKENESS = 0.78  # below that a hint misleads
_PRIVATE_ENDS = (".local", ".localdomain", ".internal", ".lan", ".home", ".arpa", ".localhost")
NEAR = "http://127.0.0.1:8080"  # pages that this machine alone can see, to begin with
_NO_PAGES = "none"
_NAME_SECONDS = 1.0  # a slow name server must not keep a newcomer waiting
_UTC_NAMES = frozenset({"Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu"})
_WAYS = {
    "local": "the mail server on this machine",
    "smarthost": "another mail server, with or without sign-in",
    "maildir": "nowhere yet: every mail becomes a file, for trying out",
}

Given = Mapping[str, str | Path | bool | None]
Reading = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """Everything init was told. ``password`` is for the smarthost, empty without one."""

    answers: Answers
    password: str = ""
    sample: bool = False


def wishes(given: Given, *, ask: bool) -> Wishes:
    """Read the options and, with ``ask``, ask for the rest. Ends with 2 for an option that is
    wrong."""
    asker = _Asker(given, ask=ask)
    title = asker.text("title", "Title of the series", TITLE, read_title)
    address = asker.text(
        "address", "Its address", f"{LOCAL_PART}@{host_domain() or SAMPLE_DOMAIN}", read_address
    )
    zone = asker.text("timezone", "Its time zone", machine_zone() or "UTC", read_zone)
    organiser = asker.text(
        "organiser", "Your address, as organiser (empty: later)", "", read_organiser
    )
    server, password = _server(asker)
    base_url = asker.text(
        "web", "Where people will see the pages (none: no pages)", _NO_PAGES, read_base_url
    )
    sample = asker.yes("sample", "Import a sample programme to look at?")
    answers = Answers(
        title=title,
        address=address,
        timezone=zone,
        organiser=organiser,
        transport=server.transport,
        host=server.host,
        port=server.port,
        security=server.security,
        username=server.username,
        password_file=server.password_file,
        base_url=base_url,
    )
    return Wishes(answers=answers, password=password, sample=sample)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    transport: TransportKind
    host: str = "127.0.0.1"
    port: int = 25
    security: Security = Security.NONE
    username: str = ""
    password_file: str = ""


class _Asker:
    """One way to every answer: the option, else the question, else the default."""

    def __init__(self, given: Given, *, ask: bool) -> None:
        self.given = given
        self.ask = ask

    def text(self, name: str, question: str, default: str, read: Reading) -> str:
        """A line that ``read`` takes; it raises ValueError with what was expected."""
        option = self.given.get(name)
        if isinstance(option, str):
            try:
                return read(option)
            except ValueError as error:
                fail(f"--{name}: {error}", USAGE)
        if not self.ask:
            return read(default)
        found: str = click.prompt(
            question, default=default, show_default=bool(default), value_proc=_told(read), err=True
        )
        return found

    def yes(self, name: str, question: str) -> bool:
        """Yes or no; no is the default."""
        option = self.given.get(name)
        if isinstance(option, bool):
            return option
        return self.ask and click.confirm(question, default=False, err=True)


def _told(read: Reading) -> Reading:
    """The same for click, which asks again after this error."""

    def read_again(text: str) -> str:
        try:
            return read(text)
        except ValueError as error:
            raise click.UsageError(str(error)) from error

    return read_again


def _server(asker: _Asker) -> tuple[_Server, str]:
    """How mail leaves, and the password for it."""
    if asker.ask and asker.given.get("send") is None and asker.given.get("smarthost") is None:
        click.echo("How should mail leave?", err=True)
        for name, meaning in _WAYS.items():
            click.echo(f"  {name:<10} {meaning}", err=True)
    named = asker.given.get("smarthost") is not None
    way = asker.text("send", "Mail leaves by", "smarthost" if named else "maildir", _read_way)
    if named and way != "smarthost":
        fail(f"--smarthost: there is none to name with --send {way}", USAGE)
    match way:
        case "local":
            return _Server(transport=TransportKind.SMTP), ""
        case "maildir":
            return _Server(transport=TransportKind.MAILDIR), ""
    return _smarthost(asker)


def _smarthost(asker: _Asker) -> tuple[_Server, str]:
    if not asker.ask and asker.given.get("smarthost") is None:
        fail("--send smarthost needs --smarthost HOST[:PORT]", USAGE)
    host, port = _host_and_port(asker.text("smarthost", "Its name", "", read_server))
    username = asker.text("username", "Name to sign in with (empty: none)", "", str.strip)
    security = Security.TLS if port == SUBMISSIONS_PORT else Security.STARTTLS
    if is_loopback(host) and not username:
        security = Security.NONE
    file = asker.given.get("password_file")
    if file is not None and not username:
        fail("--password-file needs --username NAME", USAGE)
    password = ""
    if username and file is None:
        if not asker.ask:
            fail("--username needs --password-file FILE", USAGE)
        password = click.prompt("Password", hide_input=True, err=True)
    password_file = str(Path(str(file)).absolute()) if file else "smarthost.password"
    return _Server(
        transport=TransportKind.SMTP,
        host=host,
        port=port,
        security=security,
        username=username,
        password_file=password_file if username else "",
    ), password


def _read_way(text: str) -> str:
    way = text.strip().lower()
    if way not in _WAYS:
        raise ValueError(f"one of {', '.join(_WAYS)}")
    return way


def read_title(text: str) -> str:
    """One line with something in it."""
    title = text.strip()
    if not title or not title.isprintable():
        raise ValueError("one line of text")
    return title


def read_address(text: str) -> str:
    """An address that a series can have: the domain as A-label, room for tokens in local parts."""
    address = normal_mailbox(text)
    local = address.partition("@")[0]
    if not local.isascii() or local.lower() == "postmaster":
        raise ValueError("an address of the series' own, in ASCII before the @")
    if len(local) > LONGEST_LOCAL:
        raise ValueError(f"at most {LONGEST_LOCAL} characters before the @")
    return address


def read_organiser(text: str) -> str:
    """A person's address, or nothing."""
    return normal_mailbox(text) if text.strip() else ""


def read_base_url(text: str) -> str:
    """The address of the pages, without a path; empty for none."""
    given = text.strip()
    if not given or given.lower() == _NO_PAGES:
        return ""
    faults: list[Fault] = []
    section = Section(
        values={"base_url": given}, path="web", table="web", folder=Path(), faults=faults
    )
    web = read_web(section)
    if web is None:
        raise ValueError(f"{faults[0].expected}; http is for this machine alone, as {NEAR}")
    return web.base_url


def read_zone(text: str) -> str:
    """A name of the time zone database; the error names the nearest ones."""
    given = text.strip()
    known = zone_names()
    if given in known:
        return given
    close = nearest_zones(given, known)
    hint = f"; nearest: {', '.join(close)}" if close else ""
    raise ValueError(f"found {given!r}, expected an IANA time zone like Europe/Zurich{hint}")


def nearest_zones(given: str, known: frozenset[str], *, limit: int = 3) -> list[str]:
    """The zones that were most likely meant: by city, else by likeness, best first."""
    wanted = given.strip().replace(" ", "_").casefold()
    city = wanted.rpartition("/")[2]
    by_city = [name for name in sorted(known) if city and city in name.casefold().split("/")]
    if by_city:
        return by_city[:limit]
    whole = {name.casefold(): name for name in sorted(known)}
    cities = {name.rpartition("/")[2]: full for name, full in reversed(whole.items())}
    close = difflib.get_close_matches(wanted, whole, limit, LIKENESS)
    close_cities = difflib.get_close_matches(city, cities, limit, LIKENESS)
    found = [whole[one] for one in close] + [cities[one] for one in close_cities]
    return list(dict.fromkeys(found))[:limit]


def read_server(text: str) -> str:
    """``HOST[:PORT]``."""
    host, port = _host_and_port(text)
    if not host or not 0 < port < 65536 or any(c in host for c in " /@<>\"'"):
        raise ValueError("the name of a mail server, with its port if it is not 587: HOST:PORT")
    return text.strip()


def _host_and_port(text: str) -> tuple[str, int]:
    text = text.strip()
    host, colon, port = text.rpartition(":")
    if text.startswith("[") or text.count(":") == 1:
        bare = host if colon and not text.endswith("]") else text
        number = port if colon and not text.endswith("]") else str(SUBMISSION_PORT)
        return bare.strip("[]"), int(number) if number.isdecimal() else 0
    return text, SUBMISSION_PORT


def machine_zone(
    timezone_file: Path = Path("/etc/timezone"), localtime: Path = Path("/etc/localtime")
) -> str | None:
    """The machine's zone by its IANA name, None if it has none."""
    candidates = [os.environ.get("TZ", "").removeprefix(":")]
    with suppress(OSError, UnicodeDecodeError):
        candidates.append(timezone_file.read_text("utf-8").strip())
    target = os.path.realpath(localtime)
    candidates.append(target.rpartition("/zoneinfo/")[2])
    for name in candidates:
        if name in _UTC_NAMES:
            return "UTC"
        if name in zone_names():
            return name
    return None


def host_domain() -> str | None:
    """The domain this machine is in, None if it has no public name."""
    name = _host_name().rstrip(".").lower()
    if "." not in name or name.endswith(_PRIVATE_ENDS) or name.replace(".", "").isdigit():
        return None
    domain = name.partition(".")[2] if name.count(".") > 1 else name
    try:
        return normal_mailbox(f"{LOCAL_PART}@{domain}").partition("@")[2]
    except ValueError:
        return None


def _host_name() -> str:
    name = socket.gethostname()
    if "." in name:
        return name
    found = [name]
    # getfqdn asks the name server and has no time limit of its own.
    asking = threading.Thread(target=lambda: found.append(socket.getfqdn()), daemon=True)
    asking.start()
    asking.join(_NAME_SECONDS)
    return found[-1]
