"""The connections of one carrier: as many as there is work for, up to a limit.

Idle ones are kept for a while and closed in good order. When the server takes no further connection
while others are open, those others carry on; only when none is open is the server unreachable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mailer.log import get_logger
from mailer.transport.outcome import Outcome, Phase, lost
from mailer.transport.patience import Patience
from mailer.transport.pipeline import Pipeline
from mailer.transport.source import Source

FEWER_SECONDS = 30.0  # how long no more connections are tried than the server took

_log = get_logger(__name__)

# Opens one connection, ready for its first mail; it tells the two callbacks of a Pipeline.
Opener = Callable[
    [Source, Callable[[Pipeline], None], Callable[[Pipeline], None]], Awaitable[Pipeline | Outcome]
]


class Fleet:
    """A carrier over SMTP."""

    def __init__(
        self, opener: Opener, source: Source, *, connections: int, patience: Patience
    ) -> None:
        self._opener = opener
        self._source = source
        self._limit = connections
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._open: set[Pipeline] = set()
        self._idle: list[Pipeline] = []  # the one used last at the end
        self._holding: list[Pipeline] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._all_ended = asyncio.Event()
        self._all_ended.set()
        self._ending = False
        self._no_more_until = 0.0
        self._sweep: asyncio.TimerHandle | None = None

    def wake(self, waiting: int) -> None:
        """Put waiting connections to work, and open more if there is work for them."""
        holding, self._holding = self._holding, []
        for pipeline in holding:
            pipeline.kick()
        if self._ending:
            return
        for _ in range(min(waiting, len(self._idle))):
            self._idle.pop().kick()
            waiting -= 1
        room = self._limit - len(self._open) - len(self._opening)
        if room <= 0 or (self._open and self._loop.time() < self._no_more_until):
            return
        for _ in range(min(room, waiting - len(self._opening))):
            self._begin_opening()

    def rest(self) -> None:
        """Close what is idle."""
        idle, self._idle = self._idle, []
        for pipeline in idle:
            pipeline.end()

    async def end(self) -> None:
        """Take nothing more, finish what is under way, say QUIT everywhere."""
        opening = self._stop_opening()
        for pipeline in tuple(self._open):
            pipeline.end()
        if opening:
            await asyncio.wait(opening)
        await self._all_ended.wait()

    def cut(self) -> None:
        """Close everything now."""
        self._stop_opening()
        for pipeline in tuple(self._open):
            pipeline.abort("cut off")

    def _stop_opening(self) -> tuple[asyncio.Task[None], ...]:
        self._ending = True
        self._idle = []
        if self._sweep is not None:
            self._sweep.cancel()
        opening = tuple(self._opening)
        for task in opening:
            task.cancel()
        return opening

    # --- opening ---

    def _begin_opening(self) -> None:
        task = self._loop.create_task(self._open_one(), name="connection")
        self._opening.add(task)

    async def _open_one(self) -> None:
        me = asyncio.current_task()
        assert me is not None
        try:
            opened = await self._opener(self._source, self._on_wait, self._on_end)
        except Exception as fault:  # a fault of ours: it must not look as if all were well
            _log.exception("cannot open a connection", action="connection.failed")
            opened = lost(Phase.CONNECT, f"internal: {type(fault).__name__}", alarm=True)
        finally:
            self._opening.discard(me)
        if isinstance(opened, Outcome):
            self._not_opened(opened)
            return
        self._open.add(opened)
        self._all_ended.clear()
        if self._ending:
            opened.end()
        else:
            opened.kick()

    def _not_opened(self, outcome: Outcome) -> None:
        if not self._open and not self._opening:
            self._source.unreachable(outcome)
            return
        self._no_more_until = self._loop.time() + FEWER_SECONDS
        _log.info(
            "the mail server takes no further connection, the others carry on",
            action="connection.enough",
            open=len(self._open),
            phase=outcome.phase,
            code=outcome.code,
            cause=outcome.text,
        )

    # --- what connections tell ---

    def _on_end(self, pipeline: Pipeline) -> None:
        self._open.discard(pipeline)
        for waiting in (self._idle, self._holding):
            if pipeline in waiting:
                waiting.remove(pipeline)
        if not self._open:
            self._all_ended.set()

    def _on_wait(self, pipeline: Pipeline) -> None:
        if pipeline.holds:
            self._holding.append(pipeline)
            return
        self._idle.append(pipeline)
        if self._sweep is None:
            self._sweep = self._loop.call_later(self._patience.idle, self._leave_unused)

    def _leave_unused(self) -> None:
        """Say goodbye on what nobody needed for a while."""
        oldest = self._loop.time() - self._patience.idle
        fresh = [pipeline for pipeline in self._idle if pipeline.idle_since > oldest]
        unused = self._idle[: len(self._idle) - len(fresh)]
        self._idle, self._sweep = fresh, None
        for pipeline in unused:
            pipeline.end()
        if fresh:
            again = fresh[0].idle_since + self._patience.idle
            self._sweep = self._loop.call_at(again, self._leave_unused)
