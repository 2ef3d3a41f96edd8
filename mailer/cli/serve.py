"""`mailer serve`: the daemon."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

import click

from mailer.cli.frame import config_option, fail, load_config
from mailer.errors import MailerError

if TYPE_CHECKING:
    import asyncio

    from mailer.config.model import Config
    from mailer.service import Service

LAST_SECONDS = 28.0  # after SIGTERM; a database that does not answer must not hold us up


@click.command()
@config_option
@click.pass_context
def serve(ctx: click.Context, own_config: str | None) -> None:
    """Run the daemon until SIGTERM or Ctrl-C.

    Prints one line beginning with `ready` when all listeners accept. On SIGTERM what is under way
    is finished (at most 30 seconds) and the rest waits in the database. Does not start while one
    of your own templates is broken: `mailer check` says the same.
    """
    signal.signal(signal.SIGTERM, _leave)  # until the daemon has its own way to end
    import asyncio

    from mailer.log import configure

    config = load_config(ctx, own_config)
    secrets = (config.database.password, config.outbound.password)
    configure(config.log, sys.stderr, secrets=[secret for secret in secrets if secret])
    _refuse_broken_templates(config)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(config))
    except MailerError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot start: {error}")


def _refuse_broken_templates(config: Config) -> None:
    """Own templates must be able to write every mail, before anything is promised to anybody."""
    if config.templates.folder is None:
        return
    from mailer.checkup.texts import texts

    faults = [one.found for one in texts(config) if one.verdict == "fault"]
    if faults:
        fail("\n".join(faults))


async def _serve(config: Config) -> None:
    import asyncio

    from mailer.service import Service

    service = Service(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, service)
    async with service:
        _spare_the_collector()
        places = " ".join(f"{one.name}={one.host}:{one.port}" for one in service.listening)
        with contextlib.suppress(OSError):  # nobody may be reading
            print(f"ready {places}".rstrip(), flush=True)
        await service.run()


def _spare_the_collector() -> None:
    """What is there now stays, and need not be looked at each time some hundred objects were made:
    a tenth of the time that a mail takes went into that (bench/intake.py)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _stop(service: Service) -> None:
    """End in order; at the last moment as things are, for all that counts is in the database."""
    service.stop()
    last = threading.Timer(LAST_SECONDS, os._exit, (0,))
    last.daemon = True
    last.start()


def _leave(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where there is a wheel of it: 1.3 to 1.5 times the speed of asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
