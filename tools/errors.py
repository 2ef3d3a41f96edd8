"""What ends a set-up; its text is what the person at the terminal reads."""

from __future__ import annotations


class SetupError(Exception):
    """The set-up cannot go on. `exit_code` is 2 where the machine or the usage has to change."""

    def __init__(self, text: str, *, exit_code: int = 1) -> None:
        super().__init__(text)
        self.exit_code = exit_code
