"""What is made of a mail that came back."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.checkup.roundtrip import judged, round_trip
from mailer.config.model import (
    Config,
    Database,
    Dkim,
    Inbound,
    Outbound,
    Series,
    TransportKind,
    Web,
)
from mailer.message.roundtrip import Returned, Signature
from scheduler.clock import SystemClock

SERIES = Series(id="talks", title="Talks", address="talks@lists.example.org", timezone="UTC")
BOTH = frozenset({"from", "list-unsubscribe", "list-unsubscribe-post"})
MAILTO_ONLY = BOTH - {"list-unsubscribe-post"}
RESULTS = "mx.example.org; spf=pass; dkim=pass"


def config(*, dkim: bool = False, web: bool = True, authserv_id: str = "mx.example.org") -> Config:
    return Config(
        source=Path("config.toml"),
        series=(SERIES,),
        inbound=Inbound(authserv_id=authserv_id),
        dkim=Dkim(domain="lists.example.org", selector="s1", key_file=Path("k")) if dkim else None,
        web=Web(base_url="https://webinars.example.org") if web else None,
    )


def returned(fields: frozenset[str] | None, results: str = RESULTS) -> Returned:
    signature = Signature(domain="lists.example.org", selector="s1", fields=fields or frozenset())
    return Returned(signatures=() if fields is None else (signature,), results=results, hops=1)


@pytest.mark.parametrize(
    ("found", "settings", "expected"),
    [
        (returned(BOTH), config(), ["ok", "ok"]),
        (returned(MAILTO_ONLY), config(), ["fault", "ok"]),
        (returned(MAILTO_ONLY), config(web=False), ["ok", "ok"]),
        (returned(frozenset({"from"})), config(web=False), ["fault", "ok"]),
        (returned(None), config(), ["note", "ok"]),
        (returned(None), config(dkim=True), ["fault", "ok"]),
        (returned(BOTH, ""), config(), ["ok", "note"]),
        (returned(BOTH), config(authserv_id=""), ["ok", "note"]),
        (returned(BOTH, "MX.example.org 1; spf=pass"), config(), ["ok", "ok"]),
    ],
)
def test_the_head_that_came_back_is_judged(
    found: Returned, settings: Config, expected: list[str]
) -> None:
    assert [str(one.verdict) for one in judged(found, settings, SERIES)] == expected


async def test_nothing_is_sent_while_nobody_could_take_it(tmp_path: Path) -> None:
    settings = Config(
        source=tmp_path / "config.toml",
        series=(SERIES,),
        database=Database(url=f"sqlite:///{tmp_path}/mailer.db"),
        outbound=Outbound(host="192.0.2.1"),
    )
    (row,) = await round_trip(settings, SystemClock(), seconds=1)
    assert (row.verdict, row.expected) == ("fault", "a daemon")


async def test_into_a_maildir_there_is_no_way_back(tmp_path: Path) -> None:
    outbound = Outbound(transport=TransportKind.MAILDIR, maildir=tmp_path / "outbox")
    settings = Config(source=tmp_path / "config.toml", series=(SERIES,), outbound=outbound)
    (row,) = await round_trip(settings, SystemClock(), seconds=1)
    assert (row.verdict, list(tmp_path.iterdir())) == ("note", [])
