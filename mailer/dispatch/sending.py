"""One row, sent: filled, handed to the transport, judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mailer.dispatch.filling import CannotFill, Filling
from mailer.dispatch.judging import settlement
from mailer.dispatch.pausing import Pausing
from mailer.errors import TemplateFault
from mailer.log import get_logger
from mailer.store.outbox import Claimed, Settlement, State
from mailer.transport.outcome import Transport
from scheduler.clock import Clock

_log = get_logger(__name__)


class Sending:
    """Sends single rows over one transport."""

    def __init__(
        self,
        *,
        filling: Filling,
        transport: Transport,
        pausing: Pausing,
        clock: Clock,
        jitter: Callable[[], float],
    ) -> None:
        self._filling = filling
        self._transport = transport
        self._pausing = pausing
        self._clock = clock
        self._jitter = jitter

    async def send(self, row: Claimed) -> Settlement:
        """What became of a row; never raises for what is wrong with the row or the server."""
        try:
            outgoing = await self._filling.outgoing(row)
        except (CannotFill, TemplateFault) as fault:
            _log.error("cannot make a mail", action="outbox.failed", row=row.id, cause=str(fault))
            return Settlement(
                id=row.id, state=State.FAILED, reason=str(fault), attempts=row.attempts
            )
        except Exception as error:  # a fault of ours must not stop what others are owed
            _log.exception("cannot make a mail", action="outbox.failed", row=row.id)
            return Settlement(
                id=row.id,
                state=State.FAILED,
                reason=f"internal: {type(error).__name__}",
                attempts=row.attempts,
            )
        outcome = await self._transport.send(outgoing)
        self._pausing.note(outcome, asyncio.get_running_loop().time())
        _log.info(
            "handed over a mail",
            action=f"mail.{outcome.fate}",
            row=row.id,
            kind=row.kind,
            phase=outcome.phase,
            code=outcome.code,
        )
        return settlement(row, outcome, now=self._clock.now(), jitter=self._jitter())
