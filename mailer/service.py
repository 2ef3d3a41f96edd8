"""The daemon's life: open everything, run the named tasks, stop in order.

``async with Service(config) as service: await service.run()``. One task dies, all stop, loudly. On
`stop`: listeners close → timers stop → nothing more is claimed → what is under way ends (bounded) →
leases are released → the database closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mailer.config.model import Config
from mailer.errors import AlreadyServing, StoreUnavailable
from mailer.housekeeping import BEAT_SECONDS, Housekeeping
from mailer.inbound.listener import Listening, listen
from mailer.intake import zoning
from mailer.log import get_logger
from mailer.parts import Parts, make_transport, open_parts
from mailer.sockets import Binding, bound
from mailer.store import node, setting
from mailer.store.engine import sqlite_file
from scheduler.clock import Clock, SystemClock, Timers

if TYPE_CHECKING:
    from mailer.web.server import Serving

DRAIN_SECONDS = 20.0  # SIGTERM ends the daemon within 30 s
_LOOK_SECONDS = 0.5  # a change by another process is seen within this
_PLAN_AT_LEAST_SECONDS = 60.0
_ROUNDS_AT_LEAST_SECONDS = 60.0
_IMPORTS_SECONDS = 5.0
_REFUSALS_SECONDS = 5.0
_SWEEP_EVERY_BEATS = 40

_log = get_logger(__name__)


class Service:
    """Everything that runs while the daemon does. ``reload`` is called when somebody on this
    database wants the configuration to be read again."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock | None = None,
        binding: Binding = bound,
        reload: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._binding = binding
        self._reload = reload
        self._clock = clock or SystemClock()
        self._stack = contextlib.AsyncExitStack()
        self._stopping = asyncio.Event()
        self._plan_wanted = asyncio.Event()
        self._round_wanted = asyncio.Event()
        self._timers = Timers()
        self.listening: tuple[Listening | Serving, ...] = ()

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _open(self) -> None:
        config, stack = self._config, self._stack
        path = sqlite_file(config.database.url)
        if path is not None:  # before anything is opened, let alone upgraded
            stack.enter_context(only_daemon_on(path))
        self.parts: Parts = await stack.enter_async_context(
            open_parts(
                config,
                self._clock,
                upgrade=True,
                nudge=self._nudge,
                concerned=self._concerned,
            )
        )
        await self.parts.store.write(lambda c: zoning.follow(c, now=self._clock.now()))
        # What asked for this very start is no reason for another.
        self._reloads = await self.parts.store.read(lambda c: setting.get(c, setting.RELOAD))
        hostname = config.series[0].address.rpartition("@")[2]
        transport = make_transport(config.outbound, hostname=hostname)
        node_id = f"{socket.gethostname()}:{config.source}"
        self._housekeeping = Housekeeping(
            self.parts.store, config.retention, self._clock, node_id=node_id
        )
        if not await stack.enter_async_context(node.sole(self.parts.store, node_id)):
            raise AlreadyServing(
                f"another daemon is node {node_id} on this database: stop it first"
            )
        self._dispatch = self.parts.dispatch(transport, node=node_id, jitter=random.random)
        await self._housekeeping.arrive()
        stack.push_async_callback(self._housekeeping.leave)
        self._timers.start()
        stack.callback(self._timers.stop)
        self._listeners = contextlib.AsyncExitStack()
        stack.push_async_callback(self._listeners.aclose)
        mail = await self._listeners.enter_async_context(
            listen(
                config.inbound,
                self.parts.intake,
                self._clock,
                hostname=hostname,
                binding=self._binding,
            )
        )
        self.listening = (*mail, *await self._open_pages(mail))

    async def _open_pages(self, mail: tuple[Listening, ...]) -> tuple[Serving, ...]:
        settings, parts = self._config.web, self.parts
        if settings is None:
            return ()
        from mailer.desk.place import Desk  # who has no pages need not wait for them
        from mailer.desk.routes import annex
        from mailer.web.opening import open_pages

        return await self._listeners.enter_async_context(
            open_pages(
                self._config,
                settings,
                store=parts.store,
                intake=parts.intake,
                person_changes=parts.person_changes,
                secrets=parts.secrets,
                renderer=parts.drawing.renderer,
                clock=self._clock,
                counting=parts.counting,
                listening=lambda: {one.name: one.accepts for one in mail},
                concerned=parts.concerned,
                annex=lambda site: annex(Desk(site=site, parts=parts)),
                binding=self._binding,
            )
        )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def stop(self) -> None:
        """Begin to end; `run` returns when all is in order."""
        self._stopping.set()

    async def run(self) -> None:
        """Serve until `stop`. Raises what a task died of, as an exception group."""
        async with asyncio.TaskGroup() as group:
            dispatch = group.create_task(self._dispatch.run(), name="dispatch")
            background = [
                group.create_task(self._plan(), name="planner"),
                group.create_task(self._keep_house(), name="housekeeping"),
                group.create_task(self._watch_changes(), name="changes"),
                group.create_task(self._finish_imports(), name="imports"),
                group.create_task(self._look_at_refusals(), name="refusals"),
                group.create_task(self._make_rounds(), name="rounds"),
            ]
            await self._stopping.wait()
            _log.info("stopping", action="service.stopping")
            await self._listeners.aclose()
            self._timers.stop()
            for task in background:
                task.cancel()
            self._dispatch.stop()
            await self._drain(dispatch)

    async def _drain(self, dispatch: asyncio.Task[None]) -> None:
        done, _ = await asyncio.wait([dispatch], timeout=DRAIN_SECONDS)
        if not done:
            _log.warning(
                "mails under way were cut off, they go out again at the next start",
                action="service.cut",
            )
            dispatch.cancel()

    def _nudge(self) -> None:
        self._dispatch.nudge()

    def _concerned(self, subscription_id: int) -> None:
        self._dispatch.recall(subscription_id)

    async def _plan(self) -> None:
        while True:
            self._plan_wanted.clear()
            try:
                next_due = await self.parts.planner.tick()
            except StoreUnavailable as error:
                _log.warning("cannot plan now", action="planner.deferred", cause=str(error))
            else:
                if next_due is not None and next_due > self._clock.now():
                    self._timers.wake_at("plan", next_due, self._plan_wanted.set)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PLAN_AT_LEAST_SECONDS):
                    await self._plan_wanted.wait()

    async def _make_rounds(self) -> None:
        """Look after what falls due beside the programme."""
        while True:
            self._round_wanted.clear()
            try:
                next_due = await self.parts.rounds.go()
            except StoreUnavailable as error:
                _log.warning("cannot go round now", action="rounds.deferred", cause=str(error))
            else:
                if next_due is not None and next_due > self._clock.now():
                    self._timers.wake_at("rounds", next_due, self._round_wanted.set)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ROUNDS_AT_LEAST_SECONDS):
                    await self._round_wanted.wait()

    async def _keep_house(self) -> None:
        beats = 0
        while True:
            try:
                if beats % _SWEEP_EVERY_BEATS == 0:
                    await self._housekeeping.sweep()
                await self._housekeeping.beat()
            except StoreUnavailable as error:
                _log.warning("cannot keep house now", action="house.deferred", cause=str(error))
            beats += 1
            await asyncio.sleep(BEAT_SECONDS)

    async def _finish_imports(self) -> None:
        """Finish what a killed import of people left, a slice at a time."""
        while True:
            with contextlib.suppress(StoreUnavailable):
                await self.parts.importing.finish()
            await asyncio.sleep(_IMPORTS_SECONDS)

    async def _look_at_refusals(self) -> None:
        """See what refused recipients mean for their readers."""
        while True:
            with contextlib.suppress(StoreUnavailable):
                await self.parts.refusals.catch_up()
            await asyncio.sleep(_REFUSALS_SECONDS)

    async def _watch_changes(self) -> None:
        """Notice within a second what a command or a page changed."""
        keys = (setting.CHANGE, setting.RELOAD)
        seen: str | None = None
        reloads: str | None = self._reloads
        while True:
            with contextlib.suppress(StoreUnavailable):
                found = await self.parts.store.read(lambda c: setting.several(c, keys))
                if found.get(setting.RELOAD) != reloads:
                    reloads = found.get(setting.RELOAD)
                    self._reload()
                now = found.get(setting.CHANGE)
                if now != seen:
                    seen = now
                    self._plan_wanted.set()
                    self._round_wanted.set()
                    self._dispatch.nudge()
            await asyncio.sleep(_LOOK_SECONDS)


@contextlib.contextmanager
def only_daemon_on(database: Path) -> Iterator[None]:
    """Hold the lock that a second daemon on the same file would need (F22)."""
    lock = database.with_name(database.name + ".lock")
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyServing(
                f"another daemon works on {database}: stop it first (one daemon to a SQLite file)"
            ) from None
        yield
