"""A house for what comes in: no way out, a daemon to deliver to, and what became of each mail."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from tests.faults.account import Count
from tests.flow.daemon import SUBSCRIBE, Daemon, Home, arguments, environment, wish
from tests.peers.client import Client, Reply

NOBODY = 9  # no mail server answers there: what is queued stays queued


def house(folder: Path, **settings: str) -> Home:
    """A folder with a configuration that has no limits on answers; ``settings`` replace keys."""
    home = Home(folder, NOBODY)
    file = folder / "config.toml"
    text = file.read_text("utf-8")
    for name, value in settings.items():
        lines = [f"{name} = {value}" if one.startswith(name) else one for one in text.splitlines()]
        text = "\n".join([*lines, ""])
    file.write_text(text, encoding="utf-8")
    return home


class FewFiles(Daemon):
    """A daemon that may have so many files open."""

    def __init__(self, home: Home, files: int) -> None:
        super().__init__(home)
        self._files = files

    async def start(self) -> None:
        """Begin with fewer files than usual."""
        with (self.home.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *("sh", "-c", f'ulimit -n {self._files} && exec "$@"', "sh", *arguments("serve")),
                cwd=self.home.folder,
                env=environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )


async def ready_for_content(client: Client, sender: str = "ana@example.net") -> Reply:
    """Say everything that comes before the content; the reply to DATA."""
    await client.greet()
    said = [f"MAIL FROM:<{sender}>", f"RCPT TO:<{SUBSCRIBE}>", "DATA"]
    return (await client.pipeline(said))[-1]


async def reply_or_loss(client: Client, content: bytes) -> str | None:
    """The reply to a content, None if the connection broke instead."""
    try:
        return str(await client.content(content))
    except (OSError, TimeoutError):
        return None


async def deliver(daemon: Daemon, author: str, *, by: str = "smtp") -> str | None:
    """Hand in somebody's wish to subscribe; the last reply, None if there was none."""
    try:
        return await daemon.deliver(wish(author), by=by, sender=author)
    except (OSError, TimeoutError):
        return None


def journal(home: Home) -> dict[str, int]:
    """How many mails of each author are in the journal, those that failed left out."""
    found = home.rows(
        "SELECT author_key, count(*) FROM inbound WHERE outcome != 'failing' GROUP BY author_key"
    )
    return {str(author): int(str(number)) for author, number in found}


def asked(home: Home) -> dict[str, int]:
    """How many confirmations of each address are in the outbox."""
    found = home.rows("SELECT recipient_key, count(*) FROM outbox GROUP BY recipient_key")
    return {str(address): int(str(number)) for address, number in found}


def account(
    row: str, what: str, home: Home, owed: Collection[str], *, unanswered: Collection[str] = ()
) -> Count:
    """What a fault cost of mails that came in: each of `owed` wrote one that was told 250, and is
    owed one row and, unless it is unanswered, one confirmation."""
    stored, answered = journal(home), asked(home)
    kept = stored.keys() & (answered.keys() | set(unanswered))
    return Count(
        row=row,
        what=what,
        owed=len(owed),
        lost=len(set(owed) - kept),
        doubled=sum(stored.values()) - len(stored) + sum(answered.values()) - len(answered),
        bound=0,
    )
