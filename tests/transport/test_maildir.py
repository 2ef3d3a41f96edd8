"""Mails as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.transport.maildir import MaildirTransport
from mailer.transport.outcome import Fate, Outcome, Outgoing, Phase
from mailer.transport.source import send_in_order
from tests.transport.sending import CONTENT, SENDER, mail


async def written(folder: Path, outgoing: Outgoing | None = None) -> Outcome:
    (outcome,) = await send_in_order(MaildirTransport(folder), [outgoing or mail()])
    return outcome


async def test_a_mail_becomes_a_file_with_its_envelope(tmp_path: Path) -> None:
    outcome = await written(tmp_path / "out")
    (file,) = (tmp_path / "out" / "new").iterdir()
    assert (outcome.fate, outcome.phase, outcome.code) == (Fate.SENT, Phase.DOT, 250)
    head = f"X-Envelope-From: <{SENDER}>\r\nX-Envelope-To: <ann@example.org>\r\n"
    assert file.read_bytes() == head.encode() + CONTENT
    assert list((tmp_path / "out" / "tmp").iterdir()) == []


async def test_the_same_row_again_replaces_its_file(tmp_path: Path) -> None:
    await written(tmp_path)
    await written(tmp_path)
    assert len(list((tmp_path / "new").iterdir())) == 1


async def test_a_folder_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    transport = MaildirTransport(tmp_path)
    (tmp_path / "new").rmdir()
    (outcome,) = await send_in_order(transport, [mail()])
    assert (outcome.fate, outcome.alarm) == (Fate.OUTAGE, True)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("recipient", ["a@b>\r\nBcc: <c@d", "a\0@b", ""])
async def test_an_address_cannot_add_a_field(tmp_path: Path, recipient: str) -> None:
    outcome = await written(tmp_path, mail(recipient))
    assert outcome.fate is Fate.REFUSED
    assert list((tmp_path / "new").iterdir()) == []
