"""Writes lines in a thread of its own, from a bounded queue.

A full disk, a closed pipe or a reader that stands still never raises into the caller and never
makes it wait (F43). What could not be written is counted, and said as soon as writing works again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable
from typing import TextIO

QUEUED_LINES = 10_000
FLUSH_SECONDS = 1.0
AT_ONCE = 100  # lines


class LineHandler(logging.Handler):
    """Hands finished lines to a thread that writes them; never raises, never waits for a reader."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._write = _writer(stream)
        self._lines: queue.Queue[str | threading.Event | None] = queue.Queue(QUEUED_LINES)
        self._thread: threading.Thread | None = None
        self._dropped = 0  # by callers, as the queue was full; under the handler's lock
        self._unwritten = 0  # by the thread, as the stream would not take them
        self._told = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Format here, where the record's values are still what they were; write elsewhere."""
        try:
            line = self.format(record)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            self._lines.put_nowait(line)
        except Exception:  # a record that cannot be told must not stop what it tells of
            self._dropped += 1

    def flush(self) -> None:
        """Wait until everything so far is written, but not for ever."""
        if self._thread is None or not self._thread.is_alive():
            return
        done = threading.Event()
        try:
            self._lines.put(done, timeout=FLUSH_SECONDS)
        except queue.Full:
            return
        done.wait(FLUSH_SECONDS)

    def close(self) -> None:
        """Write what is left and end the thread."""
        self.flush()
        thread, self._thread = self._thread, None
        if thread is not None and not self._lines.full():
            self._lines.put_nowait(None)
            thread.join(FLUSH_SECONDS)
        super().close()

    def _run(self) -> None:
        """Write what has come, all of it in one go: being woken costs more than a line."""
        while True:
            items = [self._lines.get()]
            with contextlib.suppress(queue.Empty):
                while len(items) < AT_ONCE:
                    items.append(self._lines.get_nowait())
            lines = [item for item in items if isinstance(item, str)]
            if lines:
                self._put(lines)
            for item in items:
                if isinstance(item, threading.Event):
                    item.set()
            if None in items:
                return

    def _put(self, lines: list[str]) -> None:
        lost = self._dropped + self._unwritten
        try:
            if lost > self._told:
                # A line may have been cut in the middle: begin a new one.
                self._write("\n" + self.format(_loss(lost - self._told)) + "\n")
                self._told = lost
            self._write("\n".join([*lines, ""]))
        except (OSError, ValueError):  # full disk, closed pipe; closed stream
            self._unwritten += len(lines)


def _loss(lines: int) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "mailer.log", "action": "log.lost"})
    record.levelno, record.levelname = logging.WARNING, "WARNING"
    record.msg = f"{lines} lines of the log could not be written."
    return record


def _writer(stream: TextIO) -> Callable[[str], None]:
    """Writes past the stream's buffer where there is a descriptor: a thread that stands still in a
    buffer would hold its lock, and with it the end of the process."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # a stream in memory

        def write_text(text: str) -> None:
            stream.write(text)
            stream.flush()

        return write_text

    def write_bytes(text: str) -> None:
        left = memoryview(text.encode(errors="backslashreplace"))
        while left:
            left = left[os.write(descriptor, left) :]

    return write_bytes
