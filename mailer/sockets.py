"""Listening sockets, and how they outlive the service that listens on them.

While the daemon takes up a new configuration its ports stay open: whoever connects in that moment
waits in the system's queue and is refused nothing. Reads and writes no byte.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Collection, Iterable

from mailer.config.model import Endpoint

# By the name of a listener and where it listens.
Binding = Callable[[str, Endpoint], tuple[socket.socket, ...]]


def bound(name: str, endpoint: Endpoint) -> tuple[socket.socket, ...]:
    """A socket for each address of this endpoint, none of them listening yet; OSError if one
    cannot be had. The listener's ``name`` does not matter here."""
    found: list[socket.socket] = []
    places = socket.getaddrinfo(
        endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    missing: OSError | None = None
    try:
        for family, kind, protocol, _, place in dict.fromkeys(places):
            try:
                found.append(_bound(family, kind, protocol, place))
            except OSError as error:  # a name may stand for an address that this machine lacks
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                missing = error
        if not found:
            raise missing or OSError(errno.EADDRNOTAVAIL, f"no address for {endpoint.host}")
    except OSError as error:
        _close(found)
        wanted = f"{endpoint.host}:{endpoint.port}"
        raise OSError(error.errno, f"cannot listen at {wanted}: {error.strerror}") from error
    return tuple(found)


def _bound(family: int, kind: int, protocol: int, place: object) -> socket.socket:
    one = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(place)  # type: ignore[arg-type]
        one.setblocking(False)
    except OSError:
        one.close()
        raise
    return one


def _close(sockets: Iterable[socket.socket]) -> None:
    for one in sockets:
        one.close()


class Doors:
    """Holds the sockets of one process. What `open` gives is a second handle on each: who got it
    closes it, and the door stays open until `keep` or `close`."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, Endpoint], tuple[socket.socket, ...]] = {}

    def open(self, name: str, endpoint: Endpoint) -> tuple[socket.socket, ...]:
        """The sockets of a listener, bound now or held from before; OSError."""
        held = self._held.get((name, endpoint))
        if held is None:
            held = self._held[name, endpoint] = bound(name, endpoint)
        return tuple(one.dup() for one in held)

    def keep(self, wanted: Collection[tuple[str, Endpoint]]) -> None:
        """Close every door but these, each a listener's name and where it listens."""
        for door in self._held.keys() - set(wanted):
            _close(self._held.pop(door))

    def close(self) -> None:
        """Close all of them."""
        self.keep(())
