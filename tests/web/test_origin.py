"""Where a request comes from: another site's page, and by which network (S1, S10)."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from mailer.web.origin import is_foreign, is_passed_on, network_of

BASE = "https://webinars.example.org"


def request(peer: str = "192.0.2.7", **headers: str) -> Request:
    """A request with these fields."""
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "headers": fields, "client": (peer, 1), "method": "POST", "path": "/"}
    return Request(scope)


@pytest.mark.parametrize(
    ("site", "origin", "foreign"),
    [
        (None, None, False),
        (None, BASE, False),
        (None, "HTTPS://WEBINARS.EXAMPLE.ORG", False),
        (None, "null", False),
        (None, "https://evil.example", True),
        (None, f"{BASE}.evil.example", True),
        (None, "http://webinars.example.org", True),
        (None, "", True),
        ("same-origin", BASE, False),
        ("same-origin", "null", False),
        ("same-origin", "https://evil.example", True),
        ("none", None, False),
        ("same-site", BASE, True),
        ("cross-site", "null", True),
        ("cross-site", None, True),
        ("", BASE, True),
    ],
)
def test_another_site_is_told_apart(site: str | None, origin: str | None, foreign: bool) -> None:
    given = {"sec_fetch_site": site, "origin": origin}
    sent = {name: value for name, value in given.items() if value is not None}
    assert is_foreign(request(**sent), BASE) is foreign


@pytest.mark.parametrize(
    ("peer", "chain", "trusted", "network"),
    [
        ("192.0.2.7", None, (), "192.0.2.0/24"),
        ("2001:db8:1:2::3", None, (), "2001:db8:1::/48"),
        ("::ffff:192.0.2.7", None, (), "192.0.2.0/24"),
        ("192.0.2.7", "198.51.100.1", (), "192.0.2.0/24"),
        ("10.0.0.1", "198.51.100.1", ("10.0.0.0/8",), "198.51.100.0/24"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", ("10.0.0.0/8",), "198.51.100.0/24"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", ("10.0.0.0/8",), "198.51.100.0/24"),
        ("10.0.0.1", "198.51.100.1:443", ("10.0.0.0/8",), "198.51.100.0/24"),
        ("10.0.0.1", "[2001:db8::1]:443", ("10.0.0.0/8",), "2001:db8::/48"),
        ("10.0.0.1", "nonsense", ("10.0.0.0/8",), "10.0.0.0/24"),
        ("10.0.0.1", "", ("10.0.0.0/8",), "10.0.0.0/24"),
        ("10.0.0.1", "10.0.0.2, 10.0.0.3", ("10.0.0.0/8",), "10.0.0.0/24"),
        ("fe80::1%eth0", None, (), "fe80::/48"),
        ("somewhere", None, (), ""),
    ],
)
def test_who_asks_is_the_last_that_is_no_proxy_of_ours(
    peer: str, chain: str | None, trusted: tuple[str, ...], network: str
) -> None:
    sent = {} if chain is None else {"x_forwarded_for": chain}
    assert network_of(request(peer, **sent), trusted) == network


@pytest.mark.parametrize(
    ("chain", "trusted", "told"),
    [
        (None, (), False),
        ("198.51.100.1", (), True),
        ("198.51.100.1", ("127.0.0.0/8",), False),
    ],
)
def test_a_proxy_that_nobody_named_is_noticed(
    chain: str | None, trusted: tuple[str, ...], told: bool
) -> None:
    sent = {} if chain is None else {"x_forwarded_for": chain}
    assert is_passed_on(request("127.0.0.1", **sent), trusted) is told
