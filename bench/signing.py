"""Signing: what a signature costs bare, and what we add to it.

    python bench/signing.py [--seconds S] [--rounds N]

For RSA-2048, Ed25519 and both: bare signatures of `cryptography` on one thread and on two; a mail
of about 6 KiB signed whole (`Signer.sign`); the same mail filled and signed for one person from
what all share (`Signer.prepared`), as dispatch does it. Medians of the rounds, every measure in
each round; what we add is told in microseconds above the bare signature of that round.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from _campaign import VALUES
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailer.message.letter import Letter, draw
from mailer.message.render import Renderer, builtin_templates
from mailer.message.sample import sample
from mailer.message.sign import Signer, SigningKey
from mailer.message.skeleton import Skeleton

NOW = datetime(2026, 11, 11, 8, tzinfo=UTC)
WAYS = {"RSA-2048": ["rsa"], "Ed25519": ["ed25519"], "both": ["rsa", "ed25519"]}
DATA = bytes(700)  # about what is signed of a mail's head


def main(seconds: float, rounds: int) -> None:
    """Measure and print a table."""
    skeleton = drawn()
    octets = len(skeleton.fill(VALUES))
    print(f"a mail of {octets} octets, {len(skeleton.places)} places; {rounds} rounds, medians")
    filling = statistics.median(
        timed(lambda: skeleton.fill(VALUES), seconds) for _ in range(rounds)
    )
    print(f"filled, not signed: {filling * 1e6:.1f} µs\n")
    print(f"{'':10}{'bare/s':>9}{'2 threads':>11}{'ratio':>7}", end="")
    print(f"{'bare µs':>10}{'sign µs':>10}{'fill+sign µs':>14}{'above bare µs':>15}{'mails/s':>9}")
    keys: dict[str, RSAPrivateKey | Ed25519PrivateKey] = {
        "rsa": generate_private_key(65537, 2048),
        "ed25519": Ed25519PrivateKey.generate(),
    }
    for way, algorithms in WAYS.items():
        pems = {
            name: keys[name].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            for name in algorithms
        }
        print(line(way, pems, skeleton, seconds, rounds))


def drawn() -> Skeleton:
    """An announcement of about 6 KiB."""
    facts = sample("announcement")
    assert facts.webinar is not None
    webinar = replace(facts.webinar, abstract="", speakers=(), links=(), registers_here=False)
    letter = Letter(template="announcement", facts=replace(facts, webinar=webinar))
    return draw(letter, Renderer(builtin_templates()), kind="announcement", date=NOW)


def line(way: str, pems: dict[str, bytes], skeleton: Skeleton, seconds: float, rounds: int) -> str:
    """One line of the table."""
    keys = [SigningKey.from_pem(name, pem) for name, pem in pems.items()]
    signer = Signer("lists.example.org", pems)
    prepared, mail = signer.prepared(skeleton), skeleton.fill(VALUES)
    found = [
        (
            timed(lambda: bare(keys), seconds),
            timed_on_two(lambda: bare(keys), seconds),
            timed(lambda: signer.sign(mail, NOW), seconds),
            timed(lambda: prepared.fill(VALUES, NOW), seconds),
        )
        for _ in range(rounds)
    ]
    alone, on_two, whole, filled = map(statistics.median, zip(*found, strict=True))
    above = statistics.median(one[3] - one[0] for one in found)
    ratio = statistics.median(one[0] / one[1] for one in found)
    return (
        f"{way:10}{1 / alone:9.0f}{1 / on_two:11.0f}{ratio:7.2f}{alone * 1e6:10.1f}"
        f"{whole * 1e6:10.1f}{filled * 1e6:14.1f}{above * 1e6:15.1f}{1 / filled:9.0f}"
    )


def bare(keys: list[SigningKey]) -> None:
    """A signature with each key."""
    for key in keys:
        key.signature(DATA)


def timed(action: Callable[[], object], seconds: float) -> float:
    """Seconds for one call, over as many as fit into so many seconds."""
    count, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        for _ in range(20):
            action()
        count += 20
    return passed / count


def timed_on_two(action: Callable[[], object], seconds: float) -> float:
    """Seconds for one call, while two threads call."""
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda _: timed(action, seconds), range(2)))
    return 1 / sum(1 / one for one in found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=0.3, help="for each measure of a round")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    main(arguments.seconds, arguments.rounds)
