"""Whether a running daemon's listeners answer: connect, greeting, EHLO or LHLO, QUIT.

Without a daemon nothing should be at their ports, or `serve` cannot listen.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mailer.checkup.finding import Finding, fault, note, ok
from mailer.config.model import Endpoint, Inbound

SECONDS = 3.0
_MOST_LINES = 100
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """What was said at a port. ``fault`` is empty if it was a sound greeting."""

    text: str = ""
    extensions: tuple[str, ...] = ()
    fault: str = ""
    nobody: bool = False


async def listeners(inbound: Inbound, *, running: bool) -> tuple[Finding, ...]:
    """A row for each configured endpoint."""
    named = {"smtp": inbound.smtp, "lmtp": inbound.lmtp}
    asked = [(name, one) for name, one in named.items() if one is not None]
    known = [(name, one) for name, one in asked if one.port]
    greetings = await asyncio.gather(*(greet(one, lmtp=name == "lmtp") for name, one in known))
    rows = [
        _row(name, endpoint, greeting, running=running, tls=inbound.tls_cert_file is not None)
        for (name, endpoint), greeting in zip(known, greetings, strict=True)
    ]
    if not running:
        rows.insert(
            0, note("daemon", "this machine", "no daemon is running", advice="mailer serve")
        )
    if len(known) < len(asked):
        rows.append(note("listener", "port 0", "the daemon says at its start where it listens"))
    return tuple(row for row in rows if row is not None)


def _row(
    name: str, endpoint: Endpoint, greeting: Greeting, *, running: bool, tls: bool
) -> Finding | None:
    subject = f"{name} {endpoint.host}:{endpoint.port}"
    if running and greeting.fault:
        return fault(
            "listener",
            subject,
            greeting.fault,
            expected="the daemon's greeting",
            advice="look at the daemon's log; restart it if it hangs",
        )
    if running and tls and name == "smtp" and "STARTTLS" not in greeting.extensions:
        return fault(
            "listener",
            subject,
            "STARTTLS is not offered, though there is a certificate",
            expected="STARTTLS",
            advice="restart the daemon, it reads the certificate at its start",
        )
    if running:
        return ok("listener", subject, greeting.text)
    if greeting.nobody:
        return None
    return fault(
        "listener",
        subject,
        f"something else is there: {greeting.text or greeting.fault}",
        expected="a free port",
        advice=f"stop it, or give another port to {name} under [inbound]",
    )


async def greet(endpoint: Endpoint, *, lmtp: bool) -> Greeting:
    """Say hello and goodbye; never raises for what the other side does."""
    host = _ANYWHERE.get(endpoint.host, endpoint.host)
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(host, endpoint.port)
            try:
                return await _talk(reader, writer, "LHLO" if lmtp else "EHLO")
            finally:
                writer.close()
    except TimeoutError:
        return Greeting(fault=f"no answer within {SECONDS:.0f} s")
    except OSError as error:
        return Greeting(fault=error.strerror or str(error), nobody=True)
    except ValueError as error:
        return Greeting(fault=str(error))


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hello: str) -> Greeting:
    code, greeting = await _reply(reader)
    if code != "220":
        return Greeting(fault=f"{code} {' '.join(greeting)}")
    writer.write(f"{hello} check.invalid\r\n".encode())
    code, said = await _reply(reader)
    writer.write(b"QUIT\r\n")
    if code != "250":
        return Greeting(fault=f"{code} {' '.join(said)} to {hello}")
    return Greeting(text=greeting[0], extensions=tuple(line.split(" ")[0] for line in said[1:]))


async def _reply(reader: asyncio.StreamReader) -> tuple[str, list[str]]:
    lines: list[str] = []
    while len(lines) < _MOST_LINES:
        line = (await reader.readline()).decode("utf-8", "replace").rstrip("\r\n")
        if len(line) < 3 or not line[:3].isdecimal():
            raise ValueError(f"it does not speak SMTP: {line[:60]!r}")
        lines.append(line[4:])
        if line[3:4] != "-":
            return line[:3], lines
    raise ValueError("a reply without end")
