"""The log: one record a line, a plain sentence with fields and a stable `action`.

Our records and those of libraries take the same way: `redaction` → `line` → `handler`.
Nothing secret gets in, and a log that cannot be written never stops the mail.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol, Self, TextIO, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

from mailer.log.handler import LineHandler
from mailer.log.line import json_line, stamp, text_line
from mailer.log.redaction import each_text, redacted, without

OUR_LOGGERS = ("mailer", "scheduler")
FORMATTERS_OWN = ("_record", "_from_structlog")  # what ProcessorFormatter puts beside the fields
# What they tell at INFO is full of secrets and addresses; "mail.log" is aiosmtpd.
QUIET_LIBRARIES = ("sqlalchemy", "uvicorn.access", "mail.log")


class Wanted(Protocol):
    """What of the configuration matters here (`mailer.config.model.Log` has it)."""

    @property
    def level(self) -> str: ...
    @property
    def format(self) -> str: ...


class Logger(Protocol):
    """How the rest of the program logs: a sentence, its action, and fields."""

    def bind(self, **fields: object) -> Self: ...
    def debug(self, sentence: str, /, *, action: str, **fields: object) -> object: ...
    def info(self, sentence: str, /, *, action: str, **fields: object) -> object: ...
    def warning(self, sentence: str, /, *, action: str, **fields: object) -> object: ...
    def error(self, sentence: str, /, *, action: str, **fields: object) -> object: ...
    def exception(self, sentence: str, /, *, action: str, **fields: object) -> object:
        """An error with the traceback of the exception being handled."""


def get_logger(name: str) -> Logger:
    """The logger of a module; silent below WARNING until `configure` was called."""
    logger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            _redact,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    return cast(Logger, logger)


def configure(wanted: Wanted, stream: TextIO, *, secrets: Iterable[str] = ()) -> None:
    """Send every record from now on to ``stream``, as text or JSON lines.

    ``secrets`` are texts that must not appear anywhere, like the passwords of the configuration.
    May be called again; the later call replaces the earlier.
    """
    level = logging.getLevelNamesMapping()[wanted.level.upper()]
    handler = LineHandler(stream)
    handler.setFormatter(_formatter(wanted.format, tuple(secrets)))
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, LineHandler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    # Libraries are one step quieter than we are.
    root.setLevel(logging.INFO if level == logging.DEBUG else max(level, logging.WARNING))
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(level)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _formatter(form: str, secrets: tuple[str, ...]) -> logging.Formatter:
    def hide(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {
            key: each_text(value, lambda text: without(text, secrets))
            for key, value in event.items()
        }

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            _redact,
        ],
        processors=[
            stamp,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([hide] if secrets else []),
            json_line if form == "json" else text_line,
        ],
    )


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    addresses = event.get("level") == "debug"
    return {
        key: value if key in FORMATTERS_OWN else redacted(key, value, addresses=addresses)
        for key, value in event.items()
    }
