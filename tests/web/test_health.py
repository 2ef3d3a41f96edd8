"""Liveness, readiness, metrics: what an operator alarms on, by Prometheus' conventions."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from mailer.store import node, setting
from mailer.store.engine import Store
from mailer.store.trouble import Trouble, put
from mailer.web.probes import probe_all
from tests.peers.browser import Answer
from tests.web.place import Place
from tests.world import NOON, letter, mail_in, send_all

DOCS = Path(__file__).parents[2] / "docs"
OPERATIONS, DASHBOARD = DOCS / "operations.md", DOCS / "dashboard.json"
POSTFIX = {"mailer_destination_recipient_limit"}  # a setting of Postfix's


def value(answer: Answer, name: str, **labels: str) -> float | None:
    """A sample of an answer of `/metrics`."""
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


async def test_alive_and_ready(either: Place) -> None:
    assert (await either.browser.get("/healthz")).text == "ok\n"
    ready = await either.browser.get("/readyz")
    assert (ready.status, ready.text) == (
        200,
        "listener smtp: ok, accepts\ndatabase: ok, answers\ndispatch: ok, moves\n"
        "clock: ok, 2026-10-01 12:00:00 UTC\n",
    )


async def wish(place: Place) -> None:
    """A mail that leaves an answer in the outbox."""
    await mail_in(place.parts, letter("new@example.net", "webinars@lists.example.org", "subscribe"))


async def probes(store: Store, after: timedelta) -> dict[str, bool]:
    """What the probes find at a later time."""
    return {one.name: one.holds for one in await probe_all(store, NOON + after)}


async def test_mail_that_does_not_leave_is_a_fault_after_some_minutes(either: Place) -> None:
    await wish(either)
    store = either.parts.store
    assert (await probes(store, timedelta(minutes=4)))["dispatch"]
    assert not (await probes(store, timedelta(minutes=6)))["dispatch"]
    await send_all(either.parts)
    assert (await probes(store, timedelta(minutes=6)))["dispatch"]


async def test_stopped_by_hand_is_no_fault(place: Place) -> None:
    await wish(place)
    await place.parts.store.write(lambda c: setting.put(c, setting.STOPPED, "by hand"))
    assert (await probes(place.parts.store, timedelta(hours=1)))["dispatch"]


async def test_what_the_mail_server_says_stands_beside(place: Place) -> None:
    await wish(place)
    now = NOON + timedelta(minutes=10)
    trouble = Trouble(since=NOON, phase="connect", code=None, cause="no route", alarm=False)

    async def unit(connection):  # type: ignore[no-untyped-def]
        await node.arrive(connection, "here", now=now)
        await put(connection, "here", trouble)

    await place.parts.store.write(unit)
    (said,) = [one.said for one in await probe_all(place.parts.store, now) if not one.holds]
    assert said.endswith("waits for 10 minutes; the mail server: no route")


async def test_a_clock_behind_what_is_noted_is_a_fault(place: Place) -> None:
    await place.parts.store.write(lambda c: node.arrive(c, "here", now=NOON + timedelta(minutes=5)))
    answer = await place.browser.get("/readyz")
    assert (answer.status, "clock: FAULT" in answer.text) == (503, True)


async def test_without_database_the_process_is_alive_and_not_ready(place: Place) -> None:
    await place.parts.store.dispose()
    file = place.parts.store.sqlite_path
    assert file is not None
    for one in (file, file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
        one.unlink(missing_ok=True)
    file.mkdir()
    assert (await place.browser.get("/healthz")).status == 200
    ready = await place.browser.get("/readyz")
    assert (ready.status, "database: FAULT" in ready.text) == (503, True)
    metrics = await place.browser.get("/metrics")
    assert (metrics.status, value(metrics, "mailer_probe_ok", probe="database")) == (200, 0.0)
    page = await place.browser.get("/copyright")
    assert (page.status, page.headers["retry-after"]) == (503, "30")


async def test_metrics_count_what_happens(either: Place) -> None:
    await wish(either)
    before = await either.browser.get("/metrics")
    assert value(before, "mailer_inbound_mails_total", command="Subscribe") == 1
    assert value(before, "mailer_outbox_mails", state="queued") == 1
    assert value(before, "mailer_outbox_oldest_due_seconds", lane="answers") == 0
    assert value(before, "mailer_subscriptions", series="copyright", state="pending") == 1
    await either.browser.get("/copyright")
    await either.browser.post("/copyright/subscribe", {})
    after = await either.browser.get("/metrics")
    served = {"route": "/{series}", "method": "GET", "status": "200"}
    assert value(after, "mailer_http_requests_total", **served) == 1
    assert value(after, "mailer_http_forms_refused_total", reason="foreign or stale") == 1


async def test_what_alarms_go_by_is_there_before_it_happens(place: Place) -> None:
    """A monitor sees no growth in a counter that appears with its first count."""
    text = await place.browser.get("/metrics")
    for level in ("critical", "error", "warning"):
        assert value(text, "mailer_log_records_total", level=level) is not None
    for state in ("deferred", "failed", "sent"):
        assert value(text, "mailer_outbox_settled_total", state=state) == 0
    for reason in ("foreign or stale", "limit"):
        assert value(text, "mailer_http_forms_refused_total", reason=reason) == 0


async def test_metrics_are_named_by_the_conventions_and_hold_nobodys_name(place: Place) -> None:
    await wish(place)
    ana = await place.ana()
    text = (await place.browser.get("/metrics")).text
    assert ana.address.mailbox not in text
    for family in text_string_to_metric_families(text):
        assert re.fullmatch(r"mailer_[a-z_]+", family.name), family.name
        assert family.documentation.endswith("."), family.name
        names = {one.name for one in family.samples}
        if family.type == "counter":
            assert names <= {f"{family.name}_total", f"{family.name}_created"}
        if "seconds" in family.name:
            assert not family.name.endswith("_milliseconds")


_SUFFIX = re.compile(r"_(bucket|count|sum|total|created)$")


async def test_manual_and_dashboard_name_what_is_there(place: Place) -> None:
    await wish(place)
    await place.browser.post("/copyright/subscribe", {})
    text = (await place.browser.get("/metrics")).text
    there = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    families = {_SUFFIX.sub("", one) for one in there}
    for page in (OPERATIONS, DASHBOARD):
        named = set(re.findall(r"\bmailer_[a-z_]+", page.read_text("utf-8"))) - POSTFIX
        assert {_SUFFIX.sub("", one) for one in named} <= families, page
    manual = set(re.findall(r"\bmailer_[a-z_]+", OPERATIONS.read_text("utf-8")))
    assert families <= {_SUFFIX.sub("", one) for one in manual}
