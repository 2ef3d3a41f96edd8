"""Public pages under load: idle, and while a campaign goes out, beside a bare Starlette route.

    python bench/pages.py [--readers N] [--rounds N] [--seconds S] [--json]

16 kept connections ask `mailer serve` for the same page again and again, then, in the same round, a
bare route for a fixed answer of the same size; all rounds first with nothing else to do, then while
an announcement to all readers goes out into smtp-sink. The programme has ten webinars. Beside rates
and waits it tells how many mails went out meanwhile, so that both sides of a busy daemon are seen.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from _campaign import SENTENCE, clear, command, prepare
from _fetch import CONNECTIONS, Aim, Fetched
from _peers import sink
from _report import Result, result, to_json, to_table

from tests.flow.daemon import Daemon, Home

WEB = '[web]\nlisten = "127.0.0.1:0"\nbase_url = "http://127.0.0.1:8080"\n'
SERIES = "/copyright"
WEBINARS = 10  # as many as one page of a programme shows
LATER = """\
[[webinar]]
id = "later-{number}"
title = "Webinar {number} of the series"
starts = {starts}
duration = "1h"
registration_url = "https://register.example.org/later-{number}"
abstract = '''{abstract}'''
"""
DAY = 86_400
BARE_SHARE = 0.4  # of our time: it answers many more meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, and the size of its answer; ``held`` is the ETag that the asker sends."""

    name: str
    path: str
    size: int
    held: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The same page of ours and of the bare server, fetched one after the other."""

    ours: Fetched
    bare: Fetched


async def main(readers: int, rounds: int, seconds: float, *, as_json: bool) -> None:
    """Measure, and tell."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    async with sink() as sink_port:
        home = await prepare(folder, readers=readers, sink_port=sink_port, more=WEB)
        await _plan_more(home)
        async with Daemon(home) as daemon:
            pages = await asyncio.to_thread(_pages, daemon.ports["web"])
            async with _bare(pages) as (port, pid):
                aims = [
                    (
                        _aim(page, daemon.ports["web"], daemon.process.pid, page.path, seconds),
                        _aim(page, port, pid, f"/{page.size}", seconds * BARE_SHARE),
                    )
                    for page in pages
                ]
                await _round([(_short(ours), _short(bare)) for ours, bare in aims])
                idle = [await _round(aims) for _ in range(rounds)]
                await command(home, "outbox", "go")
                await _under_way(home)
                busy = [await _round(aims) for _ in range(rounds)]
            mails = _mails(home, busy)
            await command(home, "outbox", "stop")
            await daemon.stop()
    clear(home)
    told = [*_results(pages, "idle", idle), *_results(pages, "busy", busy)]
    if as_json:
        print("\n".join(map(to_json, [*told, *mails])))
        return
    print(f"{readers} readers, {WEBINARS} webinars, {CONNECTIONS} connections, {seconds} s each")
    print("; ".join(f"{page.name} {page.size} bytes" for page in pages))
    print(to_table(told))
    print(to_table(mails))


async def _plan_more(home: Home) -> None:
    """Webinars so far off that nobody is told of them yet."""
    tables = [
        LATER.format(
            number=number,
            starts=time.strftime("%Y-%m-%dT13:00:00", time.gmtime(time.time() + 30 * number * DAY)),
            abstract=SENTENCE * 2,
        )
        for number in range(2, WEBINARS + 1)
    ]
    (home.folder / "later.toml").write_text("".join(tables), encoding="utf-8")
    await command(home, "webinar", "import", "later.toml")


def _pages(port: int) -> list[Page]:
    """What is to be measured, with the size that it has."""
    found = []
    for name, path in (
        ("programme", SERIES),
        ("webinar", f"{SERIES}/w/iscc"),
        ("calendar", f"{SERIES}/calendar.ics"),
    ):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            found.append(Page(name=name, path=path, size=len(answer.read())))
            tag = answer.headers["ETag"]
    return [*found, Page(name="calendar, held", path=found[-1].path, size=0, held=tag)]


def _aim(page: Page, port: int, pid: int, path: str, seconds: float) -> Aim:
    status = 304 if page.held else 200
    return Aim(port=port, pid=pid, path=path, held=page.held, status=status, seconds=seconds)


def _short(aim: Aim) -> Aim:
    """The same for warming up."""
    return replace(aim, seconds=0.2)


@contextlib.asynccontextmanager
async def _bare(pages: Sequence[Page]) -> AsyncIterator[tuple[int, int]]:
    """The bare server's port and process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("_fixed.py"))),
        *(str(page.size) for page in pages),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield int(await process.stdout.readline()), process.pid
    finally:
        process.kill()
        await process.wait()


async def _round(aims: Sequence[tuple[Aim, Aim]]) -> list[Pair]:
    """Every page once, ours and theirs in turn."""
    flat = [asdict(aim) for pair in aims for aim in pair]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("_fetch.py")), json.dumps(flat)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise SystemExit("the pages could not be fetched")
    fetched = [Fetched(**one) for one in json.loads(out)]
    return [
        Pair(ours=ours, bare=bare) for ours, bare in zip(fetched[::2], fetched[1::2], strict=True)
    ]


async def _under_way(home: Home) -> None:
    """Wait for the first mails of the campaign."""
    async with asyncio.timeout(30):
        while _sent(home, 0, time.time()) < 100:  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.1)


def _sent(home: Home, began: float, ended: float) -> int:
    """Mails that went out between two instants."""
    ((count,),) = home.rows(
        "SELECT count(*) FROM outbox WHERE state = 'sent'"
        f" AND settled_at BETWEEN {began * 1000:.0f} AND {ended * 1000:.0f}"
    )
    return int(str(count))


def _mails(home: Home, rounds: Sequence[Sequence[Pair]]) -> list[Result]:
    """Mails a second of the campaign while pages were fetched, of ours and of the bare server."""
    told = []
    for name in ("ours", "bare"):
        spans = [ours if name == "ours" else bare for ours, bare in _both(rounds)]
        rates = [_sent(home, one.began, one.ended) / (one.ended - one.began) for one in spans]
        if min(rates) == 0:
            raise SystemExit("the campaign was over before the pages were measured: more readers")
        told.append(result("pages", "campaign", f"fetching {name}", "mails/s", rates))
    return told


def _both(rounds: Sequence[Sequence[Pair]]) -> list[tuple[Fetched, Fetched]]:
    return [(pair.ours, pair.bare) for one in rounds for pair in one]


def _results(pages: Sequence[Page], when: str, rounds: Sequence[Sequence[Pair]]) -> list[Result]:
    told = []
    for page, pairs in zip(pages, zip(*rounds, strict=True), strict=True):
        ours, bare = [pair.ours for pair in pairs], [pair.bare for pair in pairs]
        told += _beside(page, f"{when}, a second", "", [*map(_rate, ours)], [*map(_rate, bare)])
        told += _beside(page, f"{when}, p99", "ms", [*map(_late, ours)], [*map(_late, bare)])
        if when == "idle":
            told += _beside(page, "CPU", "us", [*map(_cpu, ours)], [*map(_cpu, bare)])
    return told


def _beside(
    page: Page, name: str, unit: str, ours: Sequence[float], bare: Sequence[float]
) -> list[Result]:
    """Both, ours with the median of the ratios of each round."""
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    return [
        replace(result("pages", name, page.name, unit, ours), ratio=ratio),
        result("pages", name, f"{page.name}, bare", unit, bare),
    ]


def _rate(one: Fetched) -> float:
    return one.answers / (one.ended - one.began)


def _late(one: Fetched) -> float:
    return one.p99 * 1000


def _cpu(one: Fetched) -> float:
    return one.cpu / one.answers * 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--json", action="store_true", help="a line of JSON for each result")
    given = parser.parse_args()
    asyncio.run(main(given.readers, given.rounds, given.seconds, as_json=given.json))
