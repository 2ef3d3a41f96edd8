"""The whole circle in half a minute, on real parts: what `python3 dev.py demo` shows.

A daemon with a SQLite file and an SMTP listener runs in this process; Ana's mails reach it over
SMTP, and every mail it sends is a file in a Maildir. Nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import aiosmtplib
import click

from mailer.cli.frame import stamp
from mailer.config.reading import read_config
from mailer.files.programme import read_programme
from mailer.intake import editing
from mailer.log import configure
from mailer.parts import Parts
from mailer.service import Service
from mailer.store import ledger, setting
from scheduler.recurrence import to_wall

FOLDER = Path("demo")
ANA = "ana@example.net"
SERIES = "webinars@lists.example.org"
_ZONE = "Europe/Zurich"
_PORT = 2525
_WAIT_SECONDS = 30.0
_REMINDER_IN = timedelta(seconds=6)
_MOVED_BY = timedelta(days=1)
_CONFIG = """\
[inbound]
smtp = "127.0.0.1:{port}"
[outbound]
transport = "maildir"
maildir = "outbox"
[log]
level = "warning"
[series.copyright]
title = "Copyright Infrastructure Webinars"
address = "{series}"
organisers = ["organiser@example.org"]
timezone = "{zone}"
settle = "1s"
imprint = "The organisers of the series, Geneva"
notices = [
  {{ kind = "announcement", before = "14d" }},
  {{ kind = "reminder", before = "1h" }},
]
"""
_WEBINAR = """\
[[webinar]]
id = "iscc"
title = "The International Standard Content Code (ISCC)"
starts = {starts}
duration = "1h"
abstract = "A code made from the content itself can help to find who holds rights in it."
registration_url = "https://webinars.example.org/register/iscc"
"""
_EXCERPT_LINES = 12


class Story:
    """Tells what happens, and shows each mail of the Maildir once, as it comes."""

    def __init__(self, maildir: Path) -> None:
        self._maildir = maildir
        self._shown: set[str] = set()
        self._step = 0

    def tell(self, line: str) -> None:
        """One numbered step."""
        self._step += 1
        click.secho(f"\n{self._step}. {line}", bold=True)

    async def mail(self, subject_about: str) -> EmailMessage:
        """Wait for the next mail, show it, return it."""
        async with asyncio.timeout(_WAIT_SECONDS):
            while not (fresh := self._fresh()):  # noqa: ASYNC110 - a folder has no event
                await asyncio.sleep(0.05)
        self._shown.add(fresh[0].name)
        message = email.message_from_bytes(fresh[0].read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        click.echo(f"   {subject_about}:")
        for line in _excerpt(message):
            click.secho(f"   │ {line}".rstrip(), fg="cyan")
        return message

    def _fresh(self) -> list[Path]:
        files = (self._maildir / "new").glob("*")
        return sorted(file for file in files if file.name not in self._shown)


def _excerpt(message: EmailMessage) -> Iterator[str]:
    for name in ("From", "To", "Subject"):
        yield f"{name}: {message[name]}"
    extra = [part.get_filename() for part in message.iter_attachments()]
    if extra:
        yield f"Attached: {', '.join(str(name) for name in extra)}"
    yield ""
    body = message.get_body(("plain",))
    content = body.get_content() if body else ""
    assert isinstance(content, str)
    lines = content.replace("\r\n", "\n").partition("\n-- \n")[0].strip().splitlines()
    yield from lines[:_EXCERPT_LINES]
    if len(lines) > _EXCERPT_LINES:
        yield "…"


async def _write(port: int, to: str, subject: str, body: str = "", *fields: str) -> None:
    """Ana's mail program: one mail over SMTP."""
    now = datetime.now().astimezone()
    lines = [
        f"From: Ana <{ANA}>",
        f"To: {to}",
        f"Subject: {subject}",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{now.timestamp()}@example.net>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        *fields,
        "",
        body,
        "",
    ]
    await aiosmtplib.send(
        "\r\n".join(lines).encode(),
        sender=ANA,
        recipients=[to],
        hostname="127.0.0.1",
        port=port,
        start_tls=False,
    )


async def _circle(service: Service, parts: Parts, port: int) -> None:
    story = Story(parts.config.outbound.maildir)
    story.tell(f"Ana sends an empty mail to {SERIES}: that is how one subscribes.")
    await _write(port, SERIES, "")
    request = await story.mail("She is asked to confirm, once")

    story.tell("Ana's vacation program answers it. A machine confirms nothing, so nothing happens.")
    away = "Automatic reply: " + str(request["Subject"])
    await _write(port, str(request["Reply-To"]), away, "", "Auto-Submitted: auto-replied")

    story.tell("Ana replies herself; an empty reply is enough.")
    await _write(port, str(request["Reply-To"]), "Re: " + str(request["Subject"]))
    await story.mail("She is welcome")

    story.tell("An organiser puts a webinar into the programme.")
    starts = parts.clock.now() + timedelta(hours=1) + _REMINDER_IN
    await _put_webinar(parts, starts)
    await story.mail("It is within the 14 days of its announcement, so that goes out at once")

    story.tell(f"The webinar begins at {stamp(starts)}, and its reminder is due an hour before.")
    await story.mail("The reminder, on time")

    story.tell("The organiser moves the webinar to the next day: one change in the programme.")
    await _put_webinar(parts, starts + _MOVED_BY)
    await story.mail("Whoever was told is told, once, after a quiet time (here of a second)")

    story.tell("Ana writes « se désabonner ». She is off at once, and answered in her language.")
    await _write(port, SERIES, "se désabonner")
    await story.mail("One farewell, with the way back")
    await _explain(parts)


async def _put_webinar(parts: Parts, starts: datetime) -> None:
    """Import the programme with its one webinar, which is known by its id."""
    wall = to_wall(starts, _ZONE).replace(microsecond=0)
    series = parts.config.series[0]
    drafts = read_programme(
        _WEBINAR.format(starts=wall.isoformat()).encode(), name="programme.toml", series=series
    )
    await parts.store.write(
        lambda c: editing.import_drafts(c, series, drafts, now=parts.clock.now())
    )
    await parts.store.write(setting.bump)


async def _explain(parts: Parts) -> None:
    click.secho("\nWhat the ledger says of Ana (mailer explain):", bold=True)
    await asyncio.sleep(0.5)  # the last outcome is recorded within 100 ms
    for row in await parts.store.read(lambda c: ledger.mails(c, ANA)):
        click.echo(f"   {stamp(row.at)}  {row.kind:<12}  {row.state:<9}  {row.reply}")


def _prepare(folder: Path) -> Path:
    """A fresh folder of our own."""
    shutil.rmtree(folder / "outbox", ignore_errors=True)
    for file in folder.glob("mailer.db*"):
        file.unlink()
    folder.mkdir(exist_ok=True)
    path = folder / "config.toml"
    path.write_text(_CONFIG.format(port=_free_port(), series=SERIES, zone=_ZONE))
    return path


def _free_port() -> int:
    """The usual port if nobody has it, else any."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", _PORT))
        return _PORT
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def demo(*, once: bool) -> None:
    """Run the story, then go on serving until Ctrl-C unless ``once``."""
    path = _prepare(FOLDER.absolute())
    config = read_config(path, {})
    configure(config.log, sys.stderr)
    click.secho("A mailing list for a webinar series, on this machine only.", bold=True)
    click.echo(f"Configuration, database and mails are in {FOLDER}/.")
    async with Service(config) as service:
        port = service.listening[0].port
        running = asyncio.create_task(service.run(), name="service")
        try:
            await _circle(service, service.parts, port)
            if not once:
                await _serve_on(service, port, running)
        finally:
            service.stop()
            await running
    click.echo("\nThat was the whole circle. Next: `mailer init`, and the README's first set-up.")


async def _serve_on(service: Service, port: int, running: asyncio.Task[None]) -> None:
    click.secho(f"\nStill serving: write to {SERIES} by SMTP at 127.0.0.1:{port}.", bold=True)
    click.echo(f"What it answers appears in {FOLDER}/outbox/new. Ctrl-C ends it.")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, service.stop)
    await asyncio.shield(running)


@click.command()
@click.option("--once", is_flag=True, help="End after the story instead of serving on.")
def main(once: bool) -> None:
    """Show the whole circle, from a subscribe mail to a farewell."""
    asyncio.run(demo(once=once))


if __name__ == "__main__":
    main()
