"""Writes to whoever looks after the machine that no mail leaves and waiting will not help.

The letter waits like all mail, or leaves by what still works; so it is at most one an hour, however
often the way opens and closes meanwhile. What is to be done now stands in the log.
"""

from __future__ import annotations

from datetime import timedelta

from mailer.intake import briefing
from mailer.intake.context import Asker, Context
from mailer.message.address import Address, parse_address
from mailer.message.command import Channel
from mailer.store import quota
from mailer.store.quota import Quota
from mailer.store.trouble import Trouble

TEMPLATE = "alarm"
ONE_AN_HOUR = Quota(scope="alarm", limit=1, span=timedelta(hours=1))
SAID_CHARS = 300


async def alarm(context: Context, trouble: Trouble) -> bool:
    """Queue one letter to each who should know; False if they were told within the hour, or there
    is nobody."""
    recipients = operators(context)
    if not recipients or await quota.take(context.connection, (ONE_AN_HOUR,), context.now):
        return False
    outbound = context.config.outbound
    said = " ".join(filter(None, (str(trouble.code or ""), trouble.cause)))
    detail: dict[str, str | int | bool] = {
        "server": f"{outbound.host}:{outbound.port}",
        "since": f"{trouble.since:%Y-%m-%d %H:%M} UTC",
        "phase": trouble.phase.upper(),
        "said": said[:SAID_CHARS],
    }
    nobody = Asker(address=None, channel=Channel.COMMAND_LINE)
    for recipient in recipients:
        await briefing.to_organiser(context, nobody, recipient, TEMPLATE, detail=detail)
    return True


def operators(context: Context) -> tuple[Address, ...]:
    """The operator; without one, the organisers of every series."""
    config = context.config
    organisers = (name for series in config.series for name in series.organisers)
    named = (config.operator.address,) if config.operator.address else organisers
    found = (address for name in named if (address := parse_address(name)))
    return tuple({address.key: address for address in found}.values())
