"""What was logged so far, for tests that ask for the fixture `log`."""

from __future__ import annotations

import io
import logging


def told(log: io.StringIO) -> str:
    """Every line; the handlers write behind a queue, which is waited for."""
    for handler in logging.getLogger().handlers:
        handler.flush()
    return log.getvalue()
