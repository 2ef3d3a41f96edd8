"""What a monitor reads: counters of this process, gauges of the database that all nodes share.

Named by Prometheus' conventions; docs/operations.md says what each is for, with alert rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mailer import __version__
from mailer.log.counting import Counting
from mailer.store import backlog, condition, journal, roll, setting, tally, trouble
from mailer.store.engine import Connection, Store
from mailer.store.outbox import Priority
from mailer.web.meter import Meter
from mailer.web.probes import Probe

_LANES: Mapping[str, tuple[Priority, ...]] = {
    "answers": (Priority.ANSWER, Priority.PERSONAL),
    "bulk": (Priority.BULK, Priority.INVITATION),
}
_BECAME = ("deferred", "failed", "sent")  # that alert rules ask for
_LEVELS = ("critical", "error", "warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How things stand in the database."""

    outbox: Mapping[str, int]
    waiting_since: Mapping[str, datetime | None]
    subscriptions: Mapping[tuple[str, str], int]
    nodes: int
    troubles: int
    stopped: bool
    kept_aside: int


async def snapshot(store: Store, now: datetime) -> Snapshot:
    """One look, on one snapshot of the database."""
    return await store.read(lambda c: _look(c, now))


async def _look(connection: Connection, now: datetime) -> Snapshot:
    waiting = {
        lane: await backlog.oldest_due(connection, priorities, now=now)
        for lane, priorities in _LANES.items()
    }
    return Snapshot(
        outbox=asdict(await tally.counts(connection)),
        waiting_since=waiting,
        subscriptions=await roll.by_state(connection),
        nodes=len(await condition.living(connection, now=now)),
        troubles=len(await trouble.troubles(connection, now=now)),
        stopped=bool(await setting.several(connection, (setting.STOPPED, setting.HELD))),
        kept_aside=len(await journal.kept_aside(connection)),
    )


def exposition(
    meter: Meter,
    counting: Counting,
    probes: Sequence[Probe],
    stands: Snapshot | None,
    *,
    now: datetime,
) -> bytes:
    """All of it as text; without ``stands`` what only the database knows is left out."""
    registry = CollectorRegistry()
    registry.register(_Given([*_process(counting, probes), *_database(stands, now)]))
    return generate_latest(meter.registry) + generate_latest(registry)


class _Given(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _process(counting: Counting, probes: Sequence[Probe]) -> Iterator[Metric]:
    about = GaugeMetricFamily("mailer_build_info", "The program's version.", labels=["version"])
    about.add_metric([__version__], 1)
    yield about
    holds = GaugeMetricFamily("mailer_probe_ok", "1 if the probe holds.", labels=["probe"])
    for one in probes:
        holds.add_metric([one.name], float(one.holds))
    yield holds
    yield _counted(
        counting,
        "settled",
        "mailer_outbox_settled",
        "Mails by what became of an attempt.",
        "state",
        begins=_BECAME,
    )
    yield _counted(
        counting, "taken", "mailer_inbound_mails", "Mails that were taken, by command.", "command"
    )
    yield _counted(
        counting,
        "logged",
        "mailer_log_records",
        "Lines of the log that tell of trouble.",
        "level",
        begins=_LEVELS,
    )


def _counted(
    counting: Counting, what: str, name: str, text: str, label: str, *, begins: Sequence[str] = ()
) -> Metric:
    """A counter; what it ``begins`` with is there from the start, for a monitor sees no growth in
    what appears with its first count."""
    metric = CounterMetricFamily(name, text, labels=[label])
    for which, number in sorted({**dict.fromkeys(begins, 0), **counting.of(what)}.items()):
        metric.add_metric([which], number)
    return metric


def _database(stands: Snapshot | None, now: datetime) -> Iterator[Metric]:
    if stands is None:
        return
    mails = GaugeMetricFamily("mailer_outbox_mails", "Rows of the ledger.", labels=["state"])
    for state, number in stands.outbox.items():
        mails.add_metric([state], number)
    yield mails
    waits = GaugeMetricFamily(
        "mailer_outbox_oldest_due_seconds",
        "How long the oldest mail waits that could leave.",
        labels=["lane"],
    )
    for lane, since in stands.waiting_since.items():
        waits.add_metric([lane], (now - since).total_seconds() if since else 0.0)
    yield waits
    people = GaugeMetricFamily(
        "mailer_subscriptions", "Subscriptions by series.", labels=["series", "state"]
    )
    for (series, state), number in sorted(stands.subscriptions.items()):
        people.add_metric([series, state], number)
    yield people
    for name, text, value in (
        ("mailer_nodes", "Processes that serve this database.", stands.nodes),
        ("mailer_mailserver_troubles", "Nodes whose mail server takes no mail.", stands.troubles),
        ("mailer_outbox_stopped", "1 while sending is stopped by hand.", stands.stopped),
        ("mailer_inbound_kept_aside", "Mails that could not be processed.", stands.kept_aside),
    ):
        yield GaugeMetricFamily(name, text, value=float(value))
