"""Tells a server that suddenly calls everybody unknown from readers who left one by one.

While so many mails come back at once it is the servers that have to be looked at, not the readers:
what comes back is kept, and nobody is tested or removed. Pure arithmetic; knows no domain by name.
"""

from __future__ import annotations

from datetime import timedelta

SPAN = timedelta(days=1)
LEAST = 20  # mails; of fewer, a tenth is chance
SHARE = 0.1  # of the people there; a list kept in order loses one in a hundred a year
RECOUNT_AFTER = timedelta(minutes=10)  # who is there is not counted for each of 10,000 reports
ACCEPTED_FOR = timedelta(days=7)  # reports about the same mails come for days


def is_wave(hard: int, people: int) -> bool:
    """Whether that many mails came back as undeliverable for good within `SPAN` as is not to be
    believed, of that many people who are subscribed there."""
    return hard >= LEAST and hard > SHARE * people
