"""Mail in: subscribe mails accepted a second, beside a real Postfix in the same minutes.

    python bench/intake.py [--quick] [--runs N] [--mails N] [--json]

Each run sends mails with distinct senders from 20 sessions, first into Postfix (its own queue on
this disk, the mails discarded), then into `mailer serve` with SQLite and synchronous=FULL, which
answers each with a confirmation to smtp-sink. Accepted counts until the last 250; answered until
the sink has taken the last confirmation. Done with connections that are kept, with one for each
mail, and with sending stopped, so that the confirmations only queue up. The limits on automatic
answers are off, or there would be silence after 20,000.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from _peers import SESSIONS, free_port, sink
from _report import Result, result, to_json, to_table

from tests.flow.daemon import SUBSCRIBE, Daemon, Home
from tests.peers.postfix import Postfix, Route

LIMITS = """\
[limits]
confirmations_per_address_per_day = 0
answers_per_address_per_day = 0
answers_per_domain_per_hour = 0
answers_per_hour = 0
"""
LOOK_SECONDS = 0.02
OPEN = "SELECT count(*) FROM outbox WHERE state = 'queued' OR state = 'sending'"
KEPT, ANEW, HELD = "connections kept", "one for each mail", "kept, sending stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """One run: mails a second, and milliseconds that a sender waited for the reply to the dot."""

    accepted: float
    answered: float
    wait: float
    longest: float


async def main(runs: int, mails: int, *, as_json: bool) -> None:
    """Measure, and tell."""
    told: list[Result] = []
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    async with sink() as sink_port, _postfix() as postfix:
        home = Home(folder, sink_port, more=LIMITS)
        async with Daemon(home) as daemon:
            for variant in (KEPT, ANEW, HELD):
                theirs, ours = [], []
                for number in range(runs + 1):
                    run = f"{number}.{variant.replace(' ', '-').replace(',', '')}"
                    reference = await _load(postfix.port, mails, run, variant)
                    measured = await _answered(home, daemon, mails, run, variant)
                    if number:  # the first is for warming up
                        theirs.append(reference)
                        ours.append(measured)
                told += _results(variant, theirs, ours)
    if as_json:
        print("\n".join(map(to_json, told)))
        return
    print(f"{mails} mails a run, {SESSIONS} sessions, limits on answers off; medians, quartiles")
    print(to_table(told))


def _postfix() -> Postfix:
    """One that takes the same mails and throws them away."""
    domain = SUBSCRIBE.rpartition("@")[2]
    return Postfix(Route(port=free_port(), transports={domain: "discard:"}))


async def _load(port: int, mails: int, run: str, variant: str) -> Mapping[str, float]:
    """Send so many mails, all of which must be accepted."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("_load.py"))),
        *("--port", str(port), "--to", SUBSCRIBE, "--run", run),
        *("--mails", str(mails), "--sessions", str(SESSIONS)),
        *(["--anew"] if variant == ANEW else []),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    told: dict[str, float] = json.loads(out)
    if told["accepted"] != mails:
        raise SystemExit(f"not all were accepted: {told}")
    return told


async def _answered(home: Home, daemon: Daemon, mails: int, run: str, variant: str) -> Rates:
    """Send to the daemon, and wait until every confirmation is at the sink."""
    before = time.time()
    if variant == HELD:
        await home.command("outbox", "stop")
    told = await _load(daemon.ports["smtp"], mails, run, variant)
    if variant == HELD:
        await home.command("outbox", "go")
    while home.rows(OPEN) != [(0,)]:  # noqa: ASYNC110 - another process' tables have no events
        await asyncio.sleep(LOOK_SECONDS)
    ((first, last, sent),) = home.rows(
        "SELECT min(queued_at), max(settled_at), count(*) FROM outbox "
        f"WHERE state = 'sent' AND queued_at >= {int(before * 1000)}"
    )
    if sent != mails:
        raise SystemExit(f"{sent} of {mails} were answered")
    return Rates(
        accepted=mails / told["seconds"],
        answered=mails / (int(str(last)) - int(str(first))) * 1000,
        wait=told["wait_median"] * 1000,
        longest=told["wait_p99"] * 1000,
    )


def _results(
    variant: str, theirs: Sequence[Mapping[str, float]], ours: Sequence[Rates]
) -> list[Result]:
    postfix, mailer = f"postfix, {variant}", f"mailer, {variant}"
    rates = [one["accepted"] / one["seconds"] for one in theirs]
    reference = result("intake", "accepted", postfix, "mails/s", rates)
    accepted = result("intake", "accepted", mailer, "mails/s", [one.accepted for one in ours])
    answered = result("intake", "answered", mailer, "mails/s", [one.answered for one in ours])
    ratios = [one.accepted / rate for one, rate in zip(ours, rates, strict=True)]
    ratio = result("intake", "ratio", mailer, "of postfix", ratios)
    return [
        reference,
        replace(accepted, ratio=ratio.median),
        *([] if variant == HELD else [answered]),
        result("intake", "wait", postfix, "ms", [one["wait_median"] * 1000 for one in theirs]),
        result("intake", "wait", mailer, "ms", [one.wait for one in ours]),
        result("intake", "wait p99", postfix, "ms", [one["wait_p99"] * 1000 for one in theirs]),
        result("intake", "wait p99", mailer, "ms", [one.longest for one in ours]),
        ratio,
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="3 runs of 1,500 mails")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--mails", type=int, default=6_000)
    parser.add_argument("--json", action="store_true", help="a line of JSON for each result")
    given = parser.parse_args()
    runs, mails = (3, 1_500) if given.quick else (given.runs, given.mails)
    asyncio.run(main(runs, mails, as_json=given.json))
