"""The daemon: one service after another in one process, each with a configuration of its own.

SIGHUP, or a page that changed the file, ends the present service in order and begins another behind
the same open ports. What does not hold is never begun; what cannot be opened gives way to what was
there before. Knows nothing of what a service does.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import threading

from mailer.checkup.texts import texts
from mailer.config.model import Config, Endpoint
from mailer.config.reading import read_config
from mailer.errors import ConfigError, Fault, MailerError
from mailer.log import configure, get_logger
from mailer.service import Service
from mailer.sockets import Doors

LAST_SECONDS = 28.0  # after SIGTERM; a database that does not answer must not hold us up

_log = get_logger(__name__)


class Daemon:
    """One service after another until it is told to end."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._next: Config | None = None
        self._service: Service | None = None
        self._reading: asyncio.Task[None] | None = None
        self._wanted = False  # that the file is read again
        self._ends = False
        self._doors = Doors()

    async def run(self) -> None:
        """Serve; MailerError or OSError if there is no configuration that can be served."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        try:
            await self._serve()
            while self._next is not None and not self._ends:
                await self._go_over(self._next)
        finally:
            self._doors.close()

    async def _go_over(self, config: Config) -> None:
        """Serve a new configuration; the one before if it cannot be opened."""
        before, self._config, self._next = self._config, config, None
        log_as(config)
        try:
            await self._serve()
        except (MailerError, OSError) as error:
            if self._service is not None:  # it was open: this is no matter of the configuration
                raise
            _log.error(
                "the new configuration cannot be served, the one before goes on",
                action="config.failed",
                cause=str(error),
            )
            self._config = before
            log_as(before)
            await self._serve()

    async def _serve(self) -> None:
        self._service = None
        service = Service(self._config, binding=self._doors.open, reload=self.reload)
        async with service:
            self._service = service
            self._doors.keep(_doors(self._config))
            _spare_the_collector()
            places = " ".join(f"{one.name}={one.host}:{one.port}" for one in service.listening)
            with contextlib.suppress(OSError):  # nobody may be reading
                print(f"ready {places}".rstrip(), flush=True)
            if self._ends or self._next is not None:
                service.stop()
            await service.run()

    def reload(self) -> None:
        """Read the configuration again and, if it holds, go over to it."""
        self._wanted = True
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(self._reread(), name="reload")

    async def _reread(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                config = await asyncio.to_thread(_read_again, self._config)
            except ConfigError as error:
                _log.error(
                    "the configuration does not hold, the present one stays in use",
                    action="config.refused",
                    cause=str(error),
                )
                continue
            _log.info("taking up the configuration anew", action="config.taken_up")
            self._next = config
            if self._service is not None:
                self._service.stop()

    def _stop(self) -> None:
        """End in order; at the last moment as things are, for all that counts is in the
        database."""
        self._ends = True
        if self._service is not None:
            self._service.stop()
        last = threading.Timer(LAST_SECONDS, os._exit, (0,))
        last.daemon = True
        last.start()


def _read_again(present: Config) -> Config:
    """What the same file says now. Raises ConfigError, for broken templates as well."""
    config = read_config(present.source, os.environ)
    broken = broken_templates(config)
    if broken:
        faults = tuple(
            Fault(where="templates", found=one, expected="a template that writes a mail")
            for one in broken
        )
        raise ConfigError(str(config.source), faults)
    return config


def _doors(config: Config) -> set[tuple[str, Endpoint]]:
    """The listeners of a configuration by name, and where each listens."""
    named = {"smtp": config.inbound.smtp, "lmtp": config.inbound.lmtp}
    if config.web is not None:
        named |= {"web": config.web.listen, "metrics": config.web.metrics_listen}
    return {(name, one) for name, one in named.items() if one is not None}


def _spare_the_collector() -> None:
    """What is there now stays, and need not be looked at each time some hundred objects were made:
    a tenth of the time that a mail takes went into that (bench/intake.py)."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def log_as(config: Config) -> None:
    """Write the log as it is configured, without the passwords of this configuration."""
    secrets = (config.database.password, config.outbound.password)
    configure(config.log, sys.stderr, secrets=[secret for secret in secrets if secret])


def broken_templates(config: Config) -> list[str]:
    """Own templates must be able to write every mail, before anything is promised to anybody."""
    if config.templates.folder is None:
        return []
    return [one.found for one in texts(config) if one.verdict == "fault"]
