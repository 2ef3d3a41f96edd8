"""Recipients that a server refused while we handed mails over: what that means for their readers.

Dispatch writes refusals down with the rows they are about; here they are looked at soon after, a
few in each transaction, so that neither sending nor incoming mail ever waits for it.
"""

from __future__ import annotations

from collections.abc import Callable

from mailer.config.model import Config
from mailer.intake import bouncing
from mailer.intake.delivery import Intake
from mailer.store import bounce
from mailer.store.engine import Connection, Store

SLICE = 20


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
        while await self._store.read(bounce.any_unjudged):
            looked_at = await self._store.write(self._slice)
            if not looked_at:  # another node has them
                break
            count += looked_at
            self._nudge()
        return count

    async def _slice(self, connection: Connection) -> int:
        refused = await bounce.unjudged(connection, limit=SLICE)
        context = self._intake.context(connection, self._config.series[0])
        for one in refused:
            if one.subscription_id is None:
                continue
            await bouncing.weigh(
                context,
                one.subscription_id,
                said=" ".join(filter(None, (one.cls, one.status))),
                evidence=f"refused: {one.detail}",
            )
        return len(refused)
