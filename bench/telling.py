"""Whether an answer tells by its time who is subscribed: a thousand known, as many unknown (S14).

    python bench/telling.py [--people N] [--json]

Asks `mailer serve` in the name of subscribers and of strangers, in an order that chance decides: by
the form of the page, and by mails that ask to subscribe, for the status, and to unsubscribe. What
comes back has to be the same byte for byte. The times are compared by the test of Kolmogorov and
Smirnov: the largest distance of the two distributions, beside the one that chance exceeds once in a
thousand times.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from _peers import sink
from _report import Result, result, to_json, to_table

from tests.flow.daemon import Daemon, Home
from tests.peers.browser import Browser
from tests.peers.client import Client
from tests.world import letter

MORE = """\
[web]
listen = "127.0.0.1:0"
base_url = "http://127.0.0.1:8080"
[limits]
confirmations_per_address_per_day = 0
answers_per_address_per_day = 0
answers_per_domain_per_hour = 0
answers_per_hour = 0
forms_per_network_per_hour = 0
"""
FORM = "/copyright/subscribe"
AT_ONCE = 10  # forms
# sqrt(ln(2 / alpha) / 2) for alpha = 0.001: times sqrt(2 / n) it is the distance that would tell.
CRITICAL = math.sqrt(math.log(2 / 0.001) / 2)

Ask = Callable[[str], Awaitable[tuple[float, bytes]]]  # milliseconds, and what came back


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two samples of times: how far they lie apart, how far they would have to, and whether what
    came back was the same."""

    way: str
    distance: float
    limit: float
    same: bool

    @property
    def tells(self) -> bool:
        return self.distance > self.limit or not self.same


async def main(people: int, *, as_json: bool) -> None:
    """Measure, and tell."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    told: list[Result] = []
    compared: list[Compared] = []
    async with sink() as sink_port:
        home = Home(folder, sink_port, more=MORE)
        rows = "".join(f"known{number}@example.net\n" for number in range(people))
        (folder / "people.csv").write_text(f"address\n{rows}")
        words = ("subscriber", "import", "people.csv", "--confirmed", "--consent", "bench")
        code, _, err = await home.command(*words)
        assert code == 0, err
        async with Daemon(home) as daemon:
            for way, ask, at_once in (
                ("page: subscribe", _form(daemon), AT_ONCE),
                *((f"mail: {word}", _mail(daemon, word), 1)
                  for word in ("subscribe", "status", "unsubscribe")),
            ):  # fmt: skip
                known, unknown, same = await _both(ask, people, way, at_once)
                told += [
                    result("telling", "wait", f"{way}, {who}", "ms", times)
                    for who, times in (("known", known), ("unknown", unknown))
                ]
                limit = CRITICAL * math.sqrt(2 / people)
                found = Compared(way=way, distance=distance(known, unknown), limit=limit, same=same)
                compared.append(found)
            await daemon.stop()
    shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        print("\n".join([*map(to_json, told), *(json.dumps(asdict(one)) for one in compared)]))
        return
    print(f"{people} known and {people} unknown people; medians, quartiles")
    print(to_table(told))
    for one in compared:
        said = "tells them apart" if one.tells else "tells nothing"
        print(f"{one.way}: distance {one.distance:.3f}, limit {one.limit:.3f}, {said}")


def distance(first: Sequence[float], second: Sequence[float]) -> float:
    """The largest difference of the shares of both that lie below any value."""
    one, other = sorted(first), sorted(second)
    place = most = 0.0
    below = 0
    for number, value in enumerate(one, start=1):
        while below < len(other) and other[below] <= value:
            below += 1
            place = abs((number - 1) / len(one) - below / len(other))
            most = max(most, place)
        most = max(most, abs(number / len(one) - below / len(other)))
    return most


async def _both(
    ask: Ask, people: int, way: str, at_once: int
) -> tuple[list[float], list[float], bool]:
    """Milliseconds of each, known and unknown, in the order of chance; whether all was the same."""
    mark = way.replace(": ", ".")
    names = [("known", f"known{n}@example.net") for n in range(people)]
    names += [("unknown", f"{mark}{n}@example.net") for n in range(people)]
    random.Random(7).shuffle(names)
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    said: set[bytes] = set()
    waiting = iter(names)

    async def go() -> None:
        for who, address in waiting:
            spent, answer = await ask(address)
            times[who].append(spent)
            said.add(answer)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(go())
    return times["known"], times["unknown"], len(said) == 1


def _form(daemon: Daemon) -> Ask:
    browser = Browser(daemon.ports["web"])
    seals: list[str] = []

    async def ask(address: str) -> tuple[float, bytes]:
        if not seals:
            seals.append((await browser.get(FORM)).hidden("seal"))
        began = time.perf_counter()
        answer = await browser.post(FORM, {"seal": seals[0], "address": address})
        spent = (time.perf_counter() - began) * 1000
        head = sorted((name, value) for name, value in answer.headers.items() if name != "date")
        return spent, repr((answer.status, head, answer.body)).encode()

    return ask


def _mail(daemon: Daemon, word: str) -> Ask:
    to = f"webinars+{word}@lists.example.org"

    async def ask(address: str) -> tuple[float, bytes]:
        content = letter(address, to, "hello", message_id=f"<{word}.{address}>")
        async with Client("127.0.0.1", daemon.ports["smtp"]) as client:
            await client.greet()
            replies = [
                await client.say(f"MAIL FROM:<{address}>"),
                await client.say(f"RCPT TO:<{to}>"),
                await client.say("DATA"),
            ]
            began = time.perf_counter()
            replies.append(await client.content(content))
            spent = (time.perf_counter() - began) * 1000
        return spent, "|".join(map(str, replies)).encode()

    return ask


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    asyncio.run(main(given.people, as_json=given.json))
