"""OpenDKIM as a milter that only verifies, with keys from a file instead of the DNS.

A mail server that asks it puts what it found into an Authentication-Results field. It is a process
of our own with a configuration of our own; the system's instance is neither read nor touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.peers import registry

READY_SECONDS = 20.0
POLL_SECONDS = 0.05
AUTHSERV_ID = "verifier.example.org"
CONFIG = """\
Socket inet:{port}@127.0.0.1
Mode v
AuthservID {authserv_id}
AlwaysAddARHeader yes
InternalHosts 192.0.2.1
TestPublicKeys {keys}
Syslog no
"""


class OpenDkim:
    """An async context manager; inside it a mail server finds it at `milter`."""

    def __init__(self, port: int, records: Mapping[str, str]) -> None:
        """``records`` are key records by their names, as `s1._domainkey.lists.example.org`."""
        self._program = registry.require("opendkim")
        self._port = port
        self._records = records

    @property
    def milter(self) -> str:
        """Postfix's notation of where it listens."""
        return f"inet:127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opendkim-")))
            keys, config = folder / "keys", folder / "opendkim.conf"
            keys.write_text("".join(f"{name} {text}\n" for name, text in self._records.items()))
            config.write_text(
                CONFIG.format(port=self._port, authserv_id=AUTHSERV_ID, keys=keys), encoding="ascii"
            )
            self._process = await asyncio.create_subprocess_exec(
                *(self._program, "-f", "-x", str(config)), stdin=asyncio.subprocess.DEVNULL
            )
            stack.callback(self._end)
            await self._wait_until_ready()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stack.close()
        await self._process.wait()

    def _end(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()

    async def _wait_until_ready(self) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while self._process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                except ConnectionError:
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                writer.close()
                await writer.wait_closed()
                return
        raise RuntimeError(f"opendkim ended with {self._process.returncode}")
