"""A mail's content as it comes in, up to its end and not a byte further (RFC 5321 §4.1.1.4).

Only CRLF.CRLF ends it, however it is cut into pieces on the way; stuffed dots are taken out again
(§4.5.2). What is too much is read to its end all the same, and forgotten. Decides nothing else.
"""

from __future__ import annotations

_END = b"\r\n.\r\n"


class Content:
    """Collects pieces: `feed` until it returns what came after the end, then `whole`."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._tail = b"\r\n"  # the end of the line that said DATA: the content may be empty
        self._octets = 0
        self._forgotten = False

    @property
    def octets(self) -> int:
        """How much has come so far, dots and a part of the end included."""
        return self._octets

    def forget(self) -> None:
        """Keep nothing of it any more; its end is looked for as before."""
        self._pieces.clear()
        self._forgotten = True

    def feed(self, data: bytes) -> bytes | None:
        """Take a piece; what follows the end if it is in it, None if it is yet to come."""
        window = self._tail + data
        found = window.find(_END)
        before = len(self._tail)
        if found < 0:
            self._keep(data)
            self._tail = window[-len(_END) + 1 :]
            return None
        after = found + len(_END)
        self._keep(data[: after - before])
        return window[after:]

    def _keep(self, data: bytes) -> None:
        self._octets += len(data)
        if not self._forgotten:
            self._pieces.append(data)

    def whole(self) -> bytes:
        """The content with its dots unstuffed; empty if it was forgotten. Asked once."""
        content = b"".join(self._pieces)
        self._pieces.clear()
        content = content.removesuffix(b".\r\n")
        if b"\r\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        return content.removeprefix(b".")


def longest_line(content: bytes) -> int:
    """Octets of the longest line, its CRLF included."""
    longest, start = 0, 0
    while (end := content.find(b"\r\n", start)) >= 0:
        longest = max(longest, end + 2 - start)
        start = end + 2
    return max(longest, len(content) - start)
