"""One row, sent: filled, handed to the transport, judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mailer.dispatch.filling import CannotFill, Filling
from mailer.dispatch.judging import returned, settlement, too_late
from mailer.dispatch.pausing import Pausing
from mailer.errors import StoreUnavailable, TemplateFault
from mailer.log import get_logger
from mailer.store.outbox import Claimed, Settlement, State
from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase, Transport
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
        outgoing = await self._filled(row)
        if isinstance(outgoing, Settlement):
            return outgoing
        if row.expires_at is not None and row.expires_at <= self._clock.now():
            return too_late(row)
        outcome = await self._handed_over(outgoing)
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

    async def _filled(self, row: Claimed) -> Outgoing | Settlement:
        try:
            return await self._filling.outgoing(row)
        except StoreUnavailable as error:  # says nothing about the row: it waits
            _log.warning("cannot make a mail now", action="outbox.unfilled", cause=str(error))
            return returned(row)
        except (CannotFill, TemplateFault) as fault:
            _log.error("cannot make a mail", action="outbox.failed", row=row.id, cause=str(fault))
            return _failed(row, str(fault))
        except Exception as error:  # a fault of ours must not stop what others are owed
            _log.exception("cannot make a mail", action="outbox.failed", row=row.id)
            return _failed(row, f"internal: {type(error).__name__}")

    async def _handed_over(self, outgoing: Outgoing) -> Outcome:
        try:
            return await self._transport.send(outgoing)
        except Exception as error:  # nobody knows how far it came
            _log.exception("handing over failed", action="outbox.in_doubt", row=outgoing.id)
            reason = f"internal: {type(error).__name__}"
            return Outcome(fate=Fate.DOUBT, phase=Phase.DOT, text=reason)


def _failed(row: Claimed, reason: str) -> Settlement:
    return Settlement(id=row.id, state=State.FAILED, reason=reason, attempts=row.attempts)
