"""The log: what a line looks like, what never gets into it, and that it never stops the mail."""

from __future__ import annotations

import io
import json
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.config.model import Log, LogFormat
from mailer.log import configure, get_logger
from mailer.log.handler import LineHandler
from mailer.log.redaction import LONGEST_TEXT, redacted
from tests.examples import examples

pytestmark = pytest.mark.usefixtures("untouched_logging")

TOKEN = "abcdefghijklmnopqrstuvwxyz"


@dataclass
class Captured:
    stream: io.StringIO

    def lines(self) -> list[str]:
        drain()
        return self.stream.getvalue().splitlines()

    def records(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines()]

    def fields(self) -> list[dict[str, object]]:
        return [{k: v for k, v in record.items() if k != "at"} for record in self.records()]


def drain() -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LineHandler):
            handler.flush()


def start(
    level: str = "info", form: LogFormat = LogFormat.JSON, secrets: tuple[str, ...] = ()
) -> Captured:
    stream = io.StringIO()
    configure(Log(level=level, format=form), stream, secrets=secrets)
    return Captured(stream)


log = get_logger("mailer.example")


def test_a_json_record_has_its_action_its_sentence_and_its_fields() -> None:
    captured = start()
    log.info("A batch was claimed.", action="outbox.claimed", rows=3, ids=(1, 2), node=None)
    assert captured.fields() == [
        {
            "level": "info",
            "action": "outbox.claimed",
            "sentence": "A batch was claimed.",
            "rows": 3,
            "ids": [1, 2],
            "node": None,
        }
    ]


def test_times_are_utc_with_milliseconds() -> None:
    captured = start()
    log.info("Now.", action="test.now")
    at = str(captured.records()[0]["at"])
    assert (len(at), at[10], at[-1]) == (len("2026-01-14T13:00:00.123Z"), "T", "Z")


def test_a_text_record_is_one_line() -> None:
    captured = start(form=LogFormat.TEXT)
    log.warning("Refused.\nFORGED", action="mail.refused", reply="550 no\r\nsuch", size=3)
    at, _, rest = captured.lines()[0].partition(" ")
    assert rest == (r'warning mail.refused Refused.\u000aFORGED reply="550 no\r\nsuch" size=3'), at
    assert len(captured.lines()) == 1


def test_a_traceback_is_indented_and_its_end_is_kept() -> None:
    captured = start(form=LogFormat.TEXT)
    try:
        raise ValueError("x" * LONGEST_TEXT + "\n2026 info forged.record End.")
    except ValueError:
        log.exception("Failed.", action="test.failed")
    first, *rest = captured.lines()
    assert first.endswith("error test.failed Failed.")
    assert [line for line in rest if not line.startswith("    ")] == []
    assert rest[-1] == "    2026 info forged.record End."


def test_fields_that_were_bound_come_with_every_record() -> None:
    captured = start()
    bound = log.bind(announcement=7)
    bound.info("Done.", action="test.done")
    assert captured.fields()[0]["announcement"] == 7


def test_records_below_the_level_are_left_out() -> None:
    captured = start(level="warning")
    log.info("No.", action="test.no")
    log.error("Yes.", action="test.yes")
    assert [record["action"] for record in captured.fields()] == ["test.yes"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"webinars+confirm-{TOKEN} came", "webinars+confirm-<token> came"),
        (f"GET /u/{TOKEN} 200", "GET /u/<token> 200"),
        (f"GET /u/{TOKEN.upper()}?x", "GET /u/<token>?x"),
        (f"to webinars-bounce-{TOKEN}@lists.example.org", "to <address>"),
        ("to <Ann.O'Neil+x@example.org>, 250", "to <<address>>, 250"),
        ('to "a b"@example.org', "to <address>"),
        ("postgresql://me:pässword@host/db", "postgresql://me:<redacted>@host/db"),
        ("http://me:hunter22@", "http://me:<redacted>@"),
        ('password = "hunter22", x', 'password = "<redacted>", x'),
        ("AUTH PLAIN AGFkbWluAHNlY3JldA==", "AUTH PLAIN <redacted>"),
        ("a commit 6dcd4ce23d88e2ee9568ba546c007c63d9131c1b", None),
    ],
)
def test_secrets_and_addresses_are_taken_out_of_a_text(text: str, shown: str | None) -> None:
    assert redacted("event", text, addresses=False) == (shown or text)


def test_addresses_stay_at_debug_but_tokens_do_not() -> None:
    captured = start(level="debug")
    log.debug("From a@example.org.", action="test.debug", rcpt=f"x+help-{TOKEN}@example.org")
    assert captured.fields()[0] == {
        "level": "debug",
        "action": "test.debug",
        "sentence": "From a@example.org.",
        "rcpt": "x+help-<token>@example.org",
    }


def test_fields_that_are_secret_by_name_are_not_shown_at_any_depth() -> None:
    captured = start()
    log.info("In.", action="test.in", token="t", password=b"p", form={"csrf_token": "c", "n": 1})
    assert captured.fields()[0] == {
        "level": "info",
        "action": "test.in",
        "sentence": "In.",
        "token": "<redacted>",
        "password": "<redacted>",
        "form": {"csrf_token": "<redacted>", "n": 1},
    }


def test_a_message_id_stays_readable() -> None:
    captured = start()
    log.info("Sent.", action="mail.sent", message_id="<talks.12.reminder@lists.example.org>")
    assert captured.fields()[0]["message_id"] == "<talks.12.reminder@lists.example.org>"


def test_configured_secrets_appear_nowhere() -> None:
    captured = start(secrets=("s3cret-w0rd", "no"))
    log.info("Said s3cret-w0rd.", action="test.said", reply={"a": ["s3cret-w0rd no"]})
    (record,) = captured.fields()
    assert (record["sentence"], record["reply"]) == ("Said <redacted>.", {"a": ["<redacted> no"]})


def test_libraries_take_the_same_way() -> None:
    captured = start()
    logging.getLogger("aiosmtpd.smtp").warning("%s from %s", "QUIT", "a@example.org")
    logging.getLogger("aiosmtpd.smtp").info("chatter")
    logging.getLogger("sqlalchemy.engine").info("SELECT")
    assert captured.fields() == [
        {
            "level": "warning",
            "action": "log.aiosmtpd",
            "sentence": "QUIT from <address>",
            "logger": "aiosmtpd.smtp",
        }
    ]


def test_a_traceback_of_a_library_is_redacted() -> None:
    captured = start()
    try:
        raise ValueError("a@example.org")
    except ValueError:
        logging.getLogger("asyncio").exception("Task failed")
    assert str(captured.fields()[0]["exception"]).splitlines()[-1] == "ValueError: <address>"


class Awkward:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_values_without_a_text_do_not_raise() -> None:
    captured = start()
    log.info("Odd.", action="test.odd", thing=Awkward(), text="\udcff")
    assert captured.fields()[0]["thing"] == "<unprintable Awkward>"


def test_a_record_that_cannot_be_formatted_is_counted() -> None:
    captured = start()
    (handler,) = (one for one in logging.getLogger().handlers if isinstance(one, LineHandler))
    handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("no number",)}))
    log.info("Next.", action="test.next")
    actions = [record["action"] for record in map(json.loads, filter(None, captured.lines()))]
    assert actions == ["log.lost", "test.next"]


class FullDisk(io.StringIO):
    """Takes nothing while ``full``."""

    full = True

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_is_survived_and_told_afterwards() -> None:
    disk = FullDisk()
    configure(Log(format=LogFormat.JSON), disk)
    log.info("One.", action="test.one")
    log.info("Two.", action="test.two")
    drain()
    disk.full = False
    log.info("Three.", action="test.three")
    drain()
    records = [json.loads(line) for line in disk.getvalue().splitlines() if line]
    assert [(record["action"], record["sentence"]) for record in records] == [
        ("log.lost", "2 lines of the log could not be written."),
        ("test.three", "Three."),
    ]


def test_a_reader_who_went_away_does_not_raise() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stream:
        configure(Log(), stream)
        log.info("Nobody listens.", action="test.nobody")
        drain()


def test_a_reader_who_stands_still_does_not_hold_up_the_caller() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reader, os.fdopen(write, "w") as stream:
        configure(Log(), stream)
        began = time.monotonic()
        for _ in range(30):  # a pipe holds 64 kB
            log.info("y " * (LONGEST_TEXT // 4), action="test.much")
        assert time.monotonic() - began < 1
        received = 0
        while received < 30 * LONGEST_TEXT // 2:
            received += len(reader.read1())
        drain()


def test_a_stream_with_a_descriptor_gets_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream:
        configure(Log(format=LogFormat.JSON), stream)
        log.info("Ünïcode \udcff.", action="test.unicode")
        drain()
    assert json.loads(path.read_text())["sentence"] == "Ünïcode \udcff."


def test_a_closed_stream_does_not_raise() -> None:
    stream: IO[str] = io.StringIO()
    configure(Log(), cast(TextIO, stream))
    stream.close()
    log.info("Late.", action="test.late")
    drain()


def test_configuring_again_replaces_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = start(), start()
    log.info("Once.", action="test.once")
    assert (len(first.lines()), len(second.lines())) == (0, 1)
    assert capsys.readouterr().out == ""


@settings(max_examples=examples(100), deadline=None)
@given(st.text(), st.text(alphabet="ab2@:/.=+-\"' <>", max_size=300))
def test_redaction_takes_any_text_and_leaves_no_token(before: str, after: str) -> None:
    shown = redacted("event", f"{before} {TOKEN} {after}", addresses=False)
    assert TOKEN not in str(shown)


def test_a_long_text_is_not_cut_within_a_token() -> None:
    """S22: most of a token is as good as all of it."""
    words = " -" * ((LONGEST_TEXT - 20) // 2)
    assert redacted("event", f"{words} {TOKEN} x", addresses=False) == f"{words} …"
    assert redacted("exception", f"x {TOKEN}{words}", addresses=False) == f"…{words}"


@pytest.mark.parametrize("worst", ["a" * 100_000, "@" * 100_000, "a@" * 50_000, '"' * 100_000])
def test_redaction_is_bounded(worst: str) -> None:
    began = time.process_time()
    redacted("event", worst, addresses=False)
    assert time.process_time() - began < 1
