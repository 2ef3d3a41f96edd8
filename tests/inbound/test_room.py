"""Room for mails: on the disk, and in memory for those that come in at once."""

from __future__ import annotations

from pathlib import Path

from mailer.inbound import room as room_module
from mailer.inbound.room import (
    FREE_OCTETS,
    LEAST_OCTETS_IN_MEMORY,
    LOOKED_SECONDS,
    NO_ROOM,
    Room,
)

FULL = LEAST_OCTETS_IN_MEMORY


def make(folder: Path | None = None, largest: int = 10) -> Room:
    return Room(folder, lambda: 0.0, largest_octets=largest)


def test_large_mails_share_what_there_is() -> None:
    room = make()
    first, second = room.share(), room.share()
    assert first.take(FREE_OCTETS + FULL - 10) is None
    assert second.take(FREE_OCTETS) is None  # the beginning of each is free
    assert second.take(10) is None
    assert second.take(1) == NO_ROOM
    assert room.has(FREE_OCTETS)
    assert not room.has(FREE_OCTETS + 1)
    first.give_back()
    assert second.take(1) is None
    second.give_back()
    assert room.has(FREE_OCTETS + FULL)
    assert not room.has(FREE_OCTETS + FULL + 1)


def test_what_was_refused_is_not_given_back() -> None:
    room = make()
    share = room.share()
    assert share.take(FREE_OCTETS + FULL + 1) == NO_ROOM
    share.give_back()
    share.give_back()
    assert room.has(FREE_OCTETS + FULL)
    assert not room.has(FREE_OCTETS + FULL + 1)


def test_the_largest_mail_always_has_room() -> None:
    assert make(largest=FULL).has(2 * FULL)


def test_a_disk_is_looked_at_now_and_then(tmp_path: Path) -> None:
    now = 0.0
    free = room_module._free_octets(tmp_path)
    room = Room(tmp_path, lambda: now, largest_octets=free // 2 - 100_000_000)
    assert room.has(0)
    full = Room(tmp_path, lambda: now, largest_octets=free)
    assert not full.has(0)
    full._folder = None  # as if it had become larger
    now = LOOKED_SECONDS
    assert full.has(0)
