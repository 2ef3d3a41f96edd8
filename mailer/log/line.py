"""From a record's fields to a line: text for people, JSON for machines.

In a line of text nothing that came from outside can start a new record.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import cast

from structlog.typing import EventDict, WrappedLogger

from mailer.log.redaction import as_text

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLAIN_VALUE = re.compile(r"[^\s\"=]+")


def stamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Time and action in front; libraries, which have no actions, get one by their name."""
    record = cast(logging.LogRecord, event["_record"])
    at = datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds")
    first = {"at": at.replace("+00:00", "Z"), "level": event.get("level", "info")}
    library = record.name.partition(".")[0]
    if "action" not in event:
        event["action"] = getattr(record, "action", f"log.{library}")
        event["logger"] = record.name
    first |= {"action": event["action"], "sentence": event.get("event", "")}
    return first | {key: value for key, value in event.items() if key not in {*first, "event"}}


def json_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    """One JSON object."""
    return json.dumps(event, ensure_ascii=False, default=as_text)


def text_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    """Time, level, action, sentence, then the other fields; a traceback is indented below."""
    trace = str(event.pop("exception", ""))
    first = [event.pop(key) for key in ("at", "level", "action", "sentence")]
    words = [_on_one_line(str(word)) for word in first]
    words += [f"{key}={_shown(value)}" for key, value in event.items()]
    # Indented, so that nothing in a traceback can pass for a record.
    return "\n    ".join([" ".join(words), *(_on_one_line(line) for line in trace.splitlines())])


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=as_text)
    quoted = json.dumps(text, ensure_ascii=False) if isinstance(value, str) else text
    return _on_one_line(text if _PLAIN_VALUE.fullmatch(text) else quoted)


def _on_one_line(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
