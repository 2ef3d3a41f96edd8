"""Says on stderr how far something long has come: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_QUIET_SECONDS = 1.0  # what is shorter needs no word
_TELL_SECONDS = 3.0


class Meter:
    """Told of every step by `tell`; used as a context manager, so that a bar goes away."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._told = self._began
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._what = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, what: str, done: int, total: int | None) -> None:
        """``done`` people were, for example, "read"; of ``total`` if that is known."""
        now = time.monotonic()
        if now - self._began < _QUIET_SECONDS:
            return
        if sys.stderr.isatty():
            self._draw(what, done, total)
        elif now - self._told >= _TELL_SECONDS or what != self._what:
            self._told, self._what = now, what
            of = f" of {total}" if total is not None else ""
            print(f"{what}: {done}{of}", file=sys.stderr, flush=True)

    def _draw(self, what: str, done: int, total: int | None) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            self._bar.start()
        if self._task is None or what != self._what:
            self._task, self._what = self._bar.add_task(what, total=total), what
        self._bar.update(self._task, completed=done, total=total)
