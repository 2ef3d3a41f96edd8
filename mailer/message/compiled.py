"""What templates compile to, kept for the life of the process: Jinja asks here before it compiles.

Every series and language has a room of its own, and nearly all files are the same in all of them.
What a file compiles to is the same too, because no room works anything out beforehand. It is found
again by the template's name, the name it is reported by and all of its text. Nothing is written to
a disk.
"""

from __future__ import annotations

from types import CodeType

from jinja2.bccache import Bucket, BytecodeCache

MOST = 2_000  # templates; who has more, or changes them all day long, compiles some again


class Keeper(BytecodeCache):
    """Keeps compiled templates, for sandboxes that are set up in the same way."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what this very text compiled to, if that was kept."""
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what a text compiled to; at the limit, forget all others first."""
        if len(self._kept) >= self._most:
            self._kept.clear()
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


KEEPER = Keeper()
