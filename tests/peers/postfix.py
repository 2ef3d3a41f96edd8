"""A real Postfix of our own: its own configuration, queue, data and high loopback ports.

The system's instance is neither read nor touched. It needs root, as Postfix's master does. Mail
for the domains in `transports` goes where they say; all other mail goes to the smarthost `relay`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tools import peer

READY_SECONDS = 20.0
POLL_SECONDS = 0.05
SERVICES = """\
{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""


class PostfixMissing(Exception):
    """Postfix cannot be had here; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the instance is to do. A transport is Postfix's own notation for a domain, as
    `lmtp:inet:127.0.0.1:2424`; `settings` are lines of main.cf, `services` of master.cf."""

    port: int
    transports: Mapping[str, str] = field(default_factory=dict)
    relay_port: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    services: str = ""


class Postfix:
    """An async context manager; inside it `host` and `port` take mail."""

    host = "127.0.0.1"

    def __init__(self, route: Route) -> None:
        self.route = route
        self.port = route.port
        self._program = find_program()
        self._folder = Path()

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return (self._folder / "log" / "mail.log").read_text("utf-8", "replace")

    async def __aenter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="postfix-"))
        self._write()
        try:
            await self.control("start")
            await self._wait_until_ready()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    async def control(self, action: str) -> None:
        """Run `postfix ACTION` for this instance: `flush`, `reload`, …"""
        environment = {name: value for name, value in os.environ.items() if name != "MAIL_CONFIG"}
        said_file = self._folder / "control"  # not a pipe: the master would inherit and hold it
        with said_file.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *(self._program, "-c", str(self._folder / "etc"), action),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
            )
        if await process.wait() != 0:
            said = said_file.read_text("utf-8", "replace")
            raise RuntimeError(f"postfix {action} ended with {process.returncode}: {said}")

    async def wait_for_log(self, text: str, *, seconds: float = READY_SECONDS) -> str:
        """The first line of the log with this text in it; TimeoutError if it does not come."""
        async with asyncio.timeout(seconds):
            while True:
                found = [line for line in self.log.splitlines() if text in line]
                if found:
                    return found[0]
                await asyncio.sleep(POLL_SECONDS)

    def _write(self) -> None:
        folder = self._folder
        folder.chmod(0o755)
        for name in ("etc", "queue", "data", "log"):
            (folder / name).mkdir()
        shutil.chown(folder / "data", "postfix")
        (folder / "etc" / "main.cf").write_text(self._main(), encoding="utf-8")
        services = SERVICES.format(port=f"{self.host}:{self.port}") + self.route.services
        (folder / "etc" / "master.cf").write_text(services, encoding="utf-8")
        table = "".join(f"{domain} {way}\n" for domain, way in self.route.transports.items())
        (folder / "etc" / "transport").write_text(table, encoding="utf-8")

    def _main(self) -> str:
        folder = self._folder
        relay = f"[127.0.0.1]:{self.route.relay_port}" if self.route.relay_port else ""
        settings = {
            "compatibility_level": "3.6",
            "queue_directory": str(folder / "queue"),
            "data_directory": str(folder / "data"),
            "maillog_file": str(folder / "log" / "mail.log"),
            "maillog_file_prefixes": str(folder / "log"),
            "inet_interfaces": "loopback-only",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "myhostname": "mx.example.org",
            "mydestination": "",
            "relay_domains": " ".join(self.route.transports),
            "transport_maps": f"texthash:{folder / 'etc' / 'transport'}",
            "relayhost": relay,
            "default_transport": "smtp" if relay else "error:no route",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_peername_lookup": "no",
            "smtp_host_lookup": "native",
            "alias_maps": "",
            "alias_database": "",
            "queue_run_delay": "1s",
            "minimal_backoff_time": "1s",
            **self.route.settings,
        }
        return "".join(f"{name} = {value}\n" for name, value in settings.items())

    async def _wait_until_ready(self) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                try:
                    reader, writer = await asyncio.open_connection(self.host, self.port)
                except ConnectionError:
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                greeting = await reader.readline()
                writer.close()
                await writer.wait_closed()
                if greeting.startswith(b"220"):
                    return
                await asyncio.sleep(POLL_SECONDS)

    async def _end(self) -> None:
        with contextlib.suppress(RuntimeError):  # it had not come up, or is gone
            await self.control("abort")
        shutil.rmtree(self._folder, ignore_errors=True)


def find_program() -> str:
    """Where `postfix` is; PostfixMissing if it could not run here."""
    program = peer.find("postfix")
    if program is None:
        raise PostfixMissing("not installed")
    if os.geteuid() != 0:
        raise PostfixMissing("only root can start it")
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        raise PostfixMissing("there is no user postfix") from None
    return program
