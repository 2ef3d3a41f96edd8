"""Recipients that a server refused while we handed mails over: what that means for their readers.

Dispatch writes refusals down with the rows they are about; here they are looked at soon after, a
few in each transaction, so that neither sending nor incoming mail ever waits for it. So is what was
held back in a wave of bounces and then accepted.
"""

from __future__ import annotations

from collections.abc import Callable

from mailer.config.model import Config
from mailer.intake import bouncing
from mailer.intake.delivery import Intake
from mailer.store import unjudged
from mailer.store.bounce import Source
from mailer.store.engine import Connection, Store

SLICE = 20
_TOLD = {Source.REFUSAL: "refused", Source.REPORT: "reported"}


class Refusals:
    """The refusals that nobody has looked at."""

    def __init__(
        self, *, store: Store, config: Config, intake: Intake, nudge: Callable[[], None]
    ) -> None:
        self._store = store
        self._config = config
        self._intake = intake
        self._nudge = nudge

    async def catch_up(self) -> int:
        """Look at all there are; how many. Safe at any time and on several nodes at once."""
        count = 0
        while await self._store.read(unjudged.any_waiting):
            looked_at = await self._store.write(self._slice)
            if not looked_at:  # another node has them
                break
            count += looked_at
            self._nudge()
        return count

    async def _slice(self, connection: Connection) -> int:
        refused = await unjudged.take(connection, limit=SLICE)
        context = self._intake.context(connection, self._config.series[0])
        for one in refused:
            if one.subscription_id is None:
                continue
            await bouncing.weigh(
                context,
                one.subscription_id,
                cls=one.cls,
                status=one.status,
                evidence=f"{_TOLD[one.source]}: {one.detail}",
            )
        return len(refused)
