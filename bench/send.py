"""Sending: one personal announcement over SMTP, beside smtp-source in the same minutes.

    python bench/send.py [plain] [ed25519] [rsa] [both] [postfix] [--readers N] [--rounds N]

Each round sends with smtp-source (Postfix's C, the same content again and again) and then with
`mailer serve` (own return path, tokens and Message-ID for each reader, every outcome in the ledger)
into the same smtp-sink, or into a real Postfix that throws the mails away. There smtp-source sends
one of our mails, each to a recipient of its own, and aiosmtplib does as well.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from _campaign import Run, clear, mail_of, prepare, send
from _peers import SESSIONS, aiosmtplib, free_port, sink, source, source_like

from tests.peers.postfix import Postfix, Route

KINDS = ("plain", "ed25519", "rsa", "both", "postfix")


async def main(chosen: list[str], readers: int, rounds: int) -> None:
    """Measure each kind and print a line for it."""
    print(f"{readers} readers, {rounds} rounds, medians; smtp-source with {SESSIONS} sessions")
    for kind in chosen:
        folder = Path(tempfile.mkdtemp(prefix="bench-"))
        async with _server(kind) as port:
            home = await prepare(folder, readers=readers, sink_port=port, more=_dkim(kind, folder))
            mail = mail_of(home)
            octets = mail.stat().st_size
            pairs, library = [], []
            for _ in range(rounds):
                if kind == "postfix":
                    reference = await source_like(port, mails=readers, mail=mail)
                    library.append(await aiosmtplib(port, mails=readers, mail=mail))
                else:
                    reference = await source(port, mails=readers, octets=octets)
                pairs.append((reference, await send(home, readers)))
        _tell(kind, octets, pairs)
        for rate, cpu_us in library:
            print(f"{'':8} aiosmtplib {rate:8.0f}/s  CPU {cpu_us:5.0f} us a mail", flush=True)
        clear(home)


@contextlib.asynccontextmanager
async def _server(kind: str) -> AsyncIterator[int]:
    if kind != "postfix":
        async with sink() as port:
            yield port
        return
    port = free_port()
    route = Route(
        port=port,
        settings={
            "relay_domains": "example.net",
            "transport_maps": "inline:{example.net=discard:}",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_client_connection_rate_limit": "0",
        },
    )
    async with Postfix(route):
        yield port


def _dkim(kind: str, folder: Path) -> str:
    lines = []
    wanted = {"ed25519": ["ed25519"], "rsa": ["rsa"], "both": ["rsa", "ed25519"]}.get(kind, [])
    for at, name in enumerate(wanted):
        algorithm = ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if name == "rsa" else ["Ed25519"]
        key = folder / f"{name}.pem"
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", *algorithm, "-out", str(key)],
            check=True,
            capture_output=True,
        )
        prefix = "second_" if at else ""
        lines += [f'{prefix}selector = "{name}"', f'{prefix}key_file = "{key}"']
    if not lines:
        return ""
    return "\n".join(["[dkim]", 'domain = "lists.example.org"', *lines])


def _tell(kind: str, octets: int, pairs: list[tuple[float, Run]]) -> None:
    ratios = [run.rate / reference for reference, run in pairs]
    ours = [run.rate for _, run in pairs]
    print(
        f"{kind:8} {octets} octets  smtp-source {statistics.median(p[0] for p in pairs):8.0f}/s"
        f"  ours {statistics.median(ours):8.0f}/s  ratio {statistics.median(ratios):5.2f}"
        f" ({min(ratios):.2f} to {max(ratios):.2f})"
        f"  CPU {statistics.median(run.cpu_us for _, run in pairs):5.0f} us a mail"
        f"  peak {max(run.peak_mib for _, run in pairs):.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], default=[])
    parser.add_argument("--readers", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    asyncio.run(main(given.kinds or list(KINDS), given.readers, given.rounds))
