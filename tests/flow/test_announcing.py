"""The daemon and organisers: an announcement by mail from the text to the last copy, over SMTP; one
from the command line that is paused, goes on and is stopped while it goes out."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.flow.daemon import Daemon, Home
from tests.message.lint import lint
from tests.peers.record import Transaction
from tests.peers.sink import Sink
from tests.peers.trouble import Phase
from tests.world import letter

ANNOUNCE = "webinars+announce@lists.example.org"
ADA = "organiser@example.org"
READERS = 60
SENDING = "SELECT count(*) FROM outbox WHERE state = 'sending'"
TEXT = "Dear all,\n\nour next series starts in **January**.\n"


@pytest.fixture
async def home(tmp_path: Path, sink: Sink) -> Home:
    home = Home(tmp_path, sink.port)
    people = "".join(f"reader{number}@example.net\n" for number in range(READERS))
    (tmp_path / "people.csv").write_text("address\n" + people)
    (tmp_path / "news.md").write_text(f"---\nsubject: News\n---\n{TEXT}")
    confirmed = ("--confirmed", "--consent", "asked for it")
    assert (await home.command("subscriber", "import", "people.csv", *confirmed))[0] == 0
    return home


def parsed(mail: Transaction) -> EmailMessage:
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


async def command(home: Home, *words: str) -> dict[str, object]:
    code, out, error = await home.command("announcement", *words, "--json")
    assert code == 0, error
    found: dict[str, object] = json.loads(out)
    return found


def readers(sink: Sink) -> list[str]:
    return sorted(
        mail.addresses[0] for mail in sink.accepted if mail.addresses[0].startswith("reader")
    )


EVERYBODY = sorted(f"reader{number}@example.net" for number in range(READERS))


async def test_an_organiser_announces_by_mail(home: Home, sink: Sink) -> None:
    async with Daemon(home) as daemon:
        text = letter(ADA, ANNOUNCE, "News", TEXT.replace("\n", "\r\n"))
        assert await daemon.deliver(text, ANNOUNCE, sender=ADA) == "250 2.0.0 Taken"
        (asked,) = await sink.wait_for(1)
        preview = parsed(asked)
        assert asked.addresses == (ADA,)
        assert preview["Subject"] == "Please approve: News"
        to = str(preview["Reply-To"])

        better = letter(ADA, to, "Re: Please approve: News", "A better text.\r\n\r\n> Dear all,")
        assert (await daemon.deliver(better, to, sender=ADA)).startswith("250")
        again = parsed((await sink.wait_for(2))[1])
        newer = str(again["Reply-To"])
        assert newer != to
        old = letter(ADA, to, "approve", "")
        assert (await daemon.deliver(old, to, sender=ADA)).startswith("250")
        assert parsed((await sink.wait_for(3))[2])["Subject"] == "Not changed: News"

        yes = letter(ADA, newer, "Re: Please approve: News", "ok")
        assert (await daemon.deliver(yes, newer, by="lmtp", sender=ADA)).startswith("250")
        mails = await sink.wait_for(4 + READERS)
        assert readers(sink) == EVERYBODY
        copies = [parsed(mail) for mail in mails if mail.addresses[0].startswith("reader")]
        assert {str(copy["Subject"]) for copy in copies} == {"News"}
        for mail in mails:
            is_copy = mail.addresses[0].startswith("reader")
            assert lint(mail.content, unsubscribe=is_copy) == []
        body = copies[0].get_body(("plain",))
        assert body is not None
        assert body.get_content().replace("\r\n", "\n").startswith("A better text.\n")
        found = await command(home, "show", "1")
        assert found["state"] == "done"
        assert [(one["who"], one["act"]) for one in found["deeds"]] == [  # type: ignore[index,attr-defined]
            (ADA, "queued"),
            (ADA, "edited"),
            (ADA, "approved"),
        ]
        assert await daemon.stop() == 0
    assert sink.violations == []
    words = [word for (word,) in home.rows("SELECT outcome FROM inbound ORDER BY id")]
    assert words == [
        "announcement 1 waits for approval",
        "announcement 1 changed, waits for approval",
        "announcement 1 void",
        "announcement 1 approved",
    ]


async def test_it_is_paused_goes_on_and_reaches_everybody_once(home: Home, sink: Sink) -> None:
    sink.trouble(Phase.DOT, delay_seconds=0.5)
    async with Daemon(home) as daemon:
        queued = await command(home, "queue", "news.md")
        assert (queued["state"], queued["recipients"]) == ("planned", READERS)
        await sink.wait_until(lambda: len(sink.accepted) > 2)
        paused = await command(home, "pause", "1")
        assert paused["state"] == "paused"
        while home.rows(SENDING) != [(0,)]:  # noqa: ASYNC110 - the daemon is another process
            await asyncio.sleep(0.05)
        gone = len(sink.accepted)
        assert 2 < gone < READERS
        parked = home.rows("SELECT count(*) FROM outbox WHERE state = 'queued'")
        assert parked == [(READERS - gone,)]
        sink.troubles.clear()
        await command(home, "resume", "1")
        await sink.wait_for(READERS)
        assert readers(sink) == EVERYBODY
        assert await daemon.stop() == 0
    assert sink.violations == []


async def test_it_is_cancelled_while_it_goes_out(home: Home, sink: Sink) -> None:
    sink.trouble(Phase.DOT, delay_seconds=1.0)
    async with Daemon(home) as daemon:
        await command(home, "queue", "news.md")
        await sink.wait_until(lambda: len(sink.accepted) > 2)
        told = await command(home, "cancel", "1")
        assert told["state"] == "cancelled"
        assert told["waiting"] == 0
        assert await daemon.stop() == 0
    rows = dict(home.rows("SELECT state, count(*) FROM outbox GROUP BY state"))
    assert rows["sent"] + rows["cancelled"] == READERS  # type: ignore[operator]
    assert len(readers(sink)) == rows["sent"]


async def test_a_test_copy_is_the_real_mail(home: Home, sink: Sink) -> None:
    async with Daemon(home) as daemon:
        await command(home, "test", "news.md", "--to", "me@example.org")
        (mail,) = await sink.wait_for(1)
        copy = parsed(mail)
        assert (mail.addresses, copy["Subject"]) == (("me@example.org",), "News")
        assert lint(mail.content) == []
        assert await daemon.stop() == 0
