"""How many examples a property is tried on: a tenth in the unit part, all in the part after it.

The unit part is for while one works; `dev.py test` runs every property once more at length.
"""

from __future__ import annotations

import os

AT_LENGTH = "MAILER_PROPERTIES_AT_LENGTH"  # environment variable, set by the check that does so
FEWEST = 8


def examples(wanted: int) -> int:
    """The number for this run of what is tried ``wanted`` times at length."""
    return wanted if os.environ.get(AT_LENGTH) else max(wanted // 10, FEWEST)
