"""Thirty zones and more: which row is broken, and which is not (STANDARDS 1h).

Every zone is the sound one with a change. The row that the change breaks has to be the only one
that is not in order.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from mailer.checkup.examination import domain_findings
from mailer.checkup.host import leaving_by, names_lead_back
from mailer.checkup.sender import Leaving
from mailer.checkup.signature import public_key
from mailer.config.model import Config, Dkim, Outbound, Series, TransportKind
from tests.checkup.zone import Zone

DOMAIN = "lists.mailer.ch"
V4, V6 = "198.51.100.7", "2001:db8::7"
REVERSE4 = "7.100.51.198.in-addr.arpa PTR"
REVERSE6 = f"{'.'.join('7' + '0' * 23)}.8.b.d.0.1.0.0.2.ip6.arpa PTR"
KEY_RECORD = "s1._domainkey.lists.mailer.ch TXT"

Change = Mapping[str, Sequence[str] | type[KeyError] | None]
GONE = KeyError  # takes a record away


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "dkim.pem"
    key = Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def sound(key_file: Path) -> dict[str, Sequence[str] | None]:
    """A zone with which mail from V4 and V6 is beyond reproach."""
    return {
        f"{DOMAIN} MX": ["10 mx.mailer.ch"],
        "mx.mailer.ch A": [V4],
        "mx.mailer.ch AAAA": [V6],
        f"{DOMAIN} TXT": ["other=1", f"v=spf1 ip4:198.51.100.0/24 ip6:{V6} -all"],
        f"_dmarc.{DOMAIN} TXT": ["v=DMARC1; p=none; rua=mailto:dmarc@mailer.ch"],
        KEY_RECORD: [public_key(key_file.read_bytes()).record],
        REVERSE4: ["mx.mailer.ch"],
        REVERSE6: ["mx.mailer.ch"],
    }


def changed(key_file: Path, change: Change) -> Zone:
    records = sound(key_file)
    for name, values in change.items():
        if isinstance(values, type):
            del records[name]
        else:
            records[name] = values
    return Zone(records)


def config(key_file: Path | None, *, signed_as: str = DOMAIN) -> Config:
    series = Series(id="talks", title="Talks", address=f"talks@{DOMAIN}", timezone="UTC")
    dkim = Dkim(domain=signed_as, selector="s1", key_file=key_file) if key_file else None
    return Config(source=Path("config.toml"), series=(series,), dkim=dkim)


OURS = Leaving(addresses=(V4, V6))


async def rows(zone: Zone, settings: Config, leaving: Leaving = OURS) -> list[tuple[str, str]]:
    """Topic and verdict of every row."""
    found = (
        *await domain_findings(settings, DOMAIN, leaving, zone),
        *await names_lead_back(zone, leaving),
    )
    assert all(one.advice and one.expected for one in found if one.verdict == "fault")
    return [(one.topic, str(one.verdict)) for one in found]


IN_ORDER = [("mx", "ok"), ("spf", "ok"), ("spf", "ok"), ("dkim", "ok"), ("dmarc", "ok")]
IN_ORDER += [("ptr", "ok"), ("ptr", "ok")]


def spf(text: str) -> Change:
    return {f"{DOMAIN} TXT": [text]}


PASSING: dict[str, Change] = {
    "as it should be": {},
    "mx and a terms": spf("v=spf1 mx a:mx.mailer.ch -all"),
    "a with a prefix": spf("v=spf1 a:mx.mailer.ch/24//64 ~all"),
    "an include": {**spf("v=spf1 include:_spf.mailer.ch -all")}
    | {"_spf.mailer.ch TXT": [f"v=spf1 ip4:{V4} ip6:{V6} ?all"]},
    "a redirect": {**spf("v=spf1 redirect=_spf.mailer.ch")}
    | {"_spf.mailer.ch TXT": [f"v=spf1 ip4:{V4} ip6:{V6} -all"]},
    "upper case": spf(f"V=SPF1 IP4:{V4} IP6:{V6} -ALL"),
    "exists without macro, never": spf(f"v=spf1 exists:no.mailer.ch ip4:{V4} ip6:{V6} -all"),
    "ten lookups": {
        **spf(f"v=spf1 {' '.join(f'include:s{n}.mailer.ch' for n in range(10))} -all"),
        **{f"s{n}.mailer.ch TXT": [f"v=spf1 ip4:{V4} ip6:{V6} ?all"] for n in range(10)},
    },
    "unknown modifier": spf(f"v=spf1 ip4:{V4} ip6:{V6} exp=e.mailer.ch x=y -all"),
    "two exchangers": {
        f"{DOMAIN} MX": ["10 mx.mailer.ch", "20 mx2.mailer.ch"],
        "mx2.mailer.ch A": ["198.51.100.8"],
    },
    "policy of the domain above": {
        f"_dmarc.{DOMAIN} TXT": GONE,
        "_dmarc.mailer.ch TXT": ["v=DMARC1;p=reject;sp=quarantine"],
    },
    "strict policy, own signature": {f"_dmarc.{DOMAIN} TXT": ["v=DMARC1; p=reject; adkim=s"]},
    "two names of an address": {REVERSE4: ["old.mailer.ch", "mx.mailer.ch"]},
}
FAILING: dict[str, tuple[Change, str, str]] = {
    "no SPF": ({f"{DOMAIN} TXT": ["other=1"]}, "spf", "fault"),
    "two SPF": ({f"{DOMAIN} TXT": ["v=spf1 -all", "v=spf1 mx -all"]}, "spf", "fault"),
    "SPF of another address": (spf("v=spf1 ip4:203.0.113.0/24 -all"), "spf", "fault"),
    "SPF of IPv4 alone": (spf(f"v=spf1 ip4:{V4} -all"), "spf", "fault"),
    "SPF softly against us": (spf("v=spf1 ~all"), "spf", "fault"),
    "SPF without an end": (spf("v=spf1 ip4:203.0.113.9"), "spf", "fault"),
    "SPF for the whole world": (spf("v=spf1 +all"), "spf", "fault"),
    "SPF misspelt": (spf(f"v=spf1 ipv4:{V4} -all"), "spf", "fault"),
    "SPF with a bad network": (spf("v=spf1 ip4:198.51.100.0/33 -all"), "spf", "fault"),
    "SPF with a version mixed up": (spf(f"v=spf1 ip4:{V6} -all"), "spf", "fault"),
    "include of nothing": (spf("v=spf1 include:gone.mailer.ch -all"), "spf", "fault"),
    "redirect to nothing": (spf("v=spf1 redirect=gone.mailer.ch"), "spf", "fault"),
    "include of itself": (spf(f"v=spf1 include:{DOMAIN} -all"), "spf", "fault"),
    "eleven lookups": (
        spf(f"v=spf1 {' '.join(['a:mx.mailer.ch'] * 11)} -all"),
        "spf",
        "fault",
    ),
    "three names that are not there": (
        spf(f"v=spf1 a:x1.ch a:x2.ch a:x3.ch ip4:{V4} ip6:{V6} -all"),
        "spf",
        "fault",
    ),
    "SPF with macros": (spf("v=spf1 exists:%{i}._spf.mailer.ch -all"), "spf", "note"),
    "SPF does not answer": ({f"{DOMAIN} TXT": None}, "spf", "note"),
    "include does not answer": (
        {**spf("v=spf1 include:slow.mailer.ch -all"), "slow.mailer.ch TXT": None},
        "spf",
        "note",
    ),
    "no MX, an address": ({f"{DOMAIN} MX": GONE, f"{DOMAIN} A": [V4]}, "mx", "note"),
    "no MX": ({f"{DOMAIN} MX": GONE}, "mx", "fault"),
    "null MX": ({f"{DOMAIN} MX": ["0 "]}, "mx", "fault"),
    "MX to nowhere": ({f"{DOMAIN} MX": ["10 gone.mailer.ch"]}, "mx", "fault"),
    "one MX to nowhere": (
        {f"{DOMAIN} MX": ["10 gone.mailer.ch", "20 mx.mailer.ch"]},
        "mx",
        "note",
    ),
    "MX does not answer": ({f"{DOMAIN} MX": None}, "mx", "note"),
    "no DMARC": ({f"_dmarc.{DOMAIN} TXT": ["spam"]}, "dmarc", "fault"),
    "two DMARC": ({f"_dmarc.{DOMAIN} TXT": ["v=DMARC1; p=none"] * 2}, "dmarc", "fault"),
    "DMARC without p": ({f"_dmarc.{DOMAIN} TXT": ["v=DMARC1; rua=x"]}, "dmarc", "fault"),
    "DMARC of no kind": ({f"_dmarc.{DOMAIN} TXT": ["v=DMARC1; p=maybe"]}, "dmarc", "fault"),
    "DMARC does not answer": ({f"_dmarc.{DOMAIN} TXT": None}, "dmarc", "note"),
    "no key": ({KEY_RECORD: GONE}, "dkim", "fault"),
    "revoked key": ({KEY_RECORD: ["v=DKIM1; k=ed25519; p="]}, "dkim", "fault"),
    "key of another kind": ({KEY_RECORD: ["v=DKIM1; p=MIIB"]}, "dkim", "fault"),
    "another key": ({KEY_RECORD: ["v=DKIM1; k=ed25519; p=AAAA"]}, "dkim", "fault"),
    "key that is no base64": ({KEY_RECORD: ["v=DKIM1; k=ed25519; p=?"]}, "dkim", "fault"),
    "key does not answer": ({KEY_RECORD: None}, "dkim", "note"),
    "no PTR": ({REVERSE4: GONE}, "ptr", "fault"),
    "PTR that leads elsewhere": ({REVERSE4: ["old.mailer.ch"]}, "ptr", "fault"),
    "PTR to another machine's name": (
        {REVERSE4: ["old.mailer.ch"], "old.mailer.ch A": ["198.51.100.9"]},
        "ptr",
        "fault",
    ),
    "PTR does not answer": ({REVERSE4: None}, "ptr", "note"),
}


def test_there_are_thirty_zones_and_more() -> None:
    assert len(PASSING) + len(FAILING) >= 30


@pytest.mark.parametrize("name", PASSING)
async def test_a_sound_zone_has_every_row_in_order(name: str, key_file: Path) -> None:
    assert await rows(changed(key_file, PASSING[name]), config(key_file)) == IN_ORDER


@pytest.mark.parametrize("name", FAILING)
async def test_the_broken_row_is_the_only_one(name: str, key_file: Path) -> None:
    change, topic, verdict = FAILING[name]
    found = await rows(changed(key_file, change), config(key_file))
    broken = {row for row in found if row[1] != "ok"}
    assert broken == {(topic, verdict)}


@pytest.mark.parametrize(
    ("extra", "verdict"),
    [
        ("; t=y", "note"),
        ("; t=s; s=email:other; h=sha1:sha256", "ok"),
        ("; s=tlsrpt", "fault"),
        ("; h=sha1", "fault"),
    ],
)
async def test_flags_of_the_key_record_count(extra: str, verdict: str, key_file: Path) -> None:
    zone = sound(key_file)
    zone[KEY_RECORD] = [public_key(key_file.read_bytes()).record + extra]
    found = dict(await rows(Zone(zone), config(key_file)))
    assert found["dkim"] == verdict


async def test_the_right_key_under_the_wrong_kind_is_a_fault(key_file: Path) -> None:
    zone = sound(key_file)
    record = public_key(key_file.read_bytes()).record
    zone[KEY_RECORD] = [record.replace("k=ed25519; ", "")]
    assert dict(await rows(Zone(zone), config(key_file)))["dkim"] == "fault"


async def test_an_rsa_key_may_be_published_bare_or_whole(tmp_path: Path) -> None:
    private = generate_private_key(65537, 2048)
    path = tmp_path / "rsa.pem"
    path.write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1):
        encoded = base64.b64encode(private.public_key().public_bytes(Encoding.DER, form)).decode()
        zone = sound(path)
        zone[KEY_RECORD] = [f"v=DKIM1; p={encoded[:200]} {encoded[200:]}"]
        assert dict(await rows(Zone(zone), config(path)))["dkim"] == "ok"


@pytest.mark.parametrize(
    ("signed_as", "aligned"),
    [
        (DOMAIN, True),
        ("mailer.ch", True),
        ("deep.lists.mailer.ch", True),
        ("news.mailer.ch", True),
        ("provider.ch", False),
        ("notmailer.ch", False),
    ],
)
async def test_the_signature_must_be_of_the_same_organisation(
    signed_as: str, aligned: bool, key_file: Path
) -> None:
    zone = sound(key_file)
    zone[f"s1._domainkey.{signed_as} TXT"] = zone[KEY_RECORD]
    found = await rows(Zone(zone), config(key_file, signed_as=signed_as))
    expected = ["ok"] if aligned else ["ok", "fault"]
    assert [verdict for topic, verdict in found if topic == "dkim"] == expected


async def test_strict_alignment_needs_the_very_domain(key_file: Path) -> None:
    zone = sound(key_file)
    zone["s1._domainkey.mailer.ch TXT"] = zone[KEY_RECORD]
    zone[f"_dmarc.{DOMAIN} TXT"] = ["v=DMARC1; p=none; adkim=s"]
    found = await rows(Zone(zone), config(key_file, signed_as="mailer.ch"))
    assert dict(found)["dmarc"] == "fault"


@pytest.mark.parametrize(
    ("published", "verdicts"),
    [
        ({"s1": "s1", "s2": "s2"}, ["ok", "ok"]),
        ({"s1": "s1"}, ["ok", "fault"]),
        ({"s2": "s2"}, ["fault", "ok"]),
        ({"s1": "s2", "s2": "s1"}, ["fault", "fault"]),
    ],
)
async def test_both_keys_are_examined_under_their_own_selectors(
    key_file: Path, tmp_path: Path, published: Mapping[str, str], verdicts: list[str]
) -> None:
    second = tmp_path / "rsa.pem"
    second.write_bytes(
        generate_private_key(65537, 2048).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
    )
    files = {"s1": key_file, "s2": second}
    zone = sound(key_file)
    del zone[KEY_RECORD]
    for selector, key in published.items():
        record = public_key(files[key].read_bytes()).record
        zone[f"{selector}._domainkey.{DOMAIN} TXT"] = [record]
    one = config(key_file)
    assert one.dkim is not None
    both = replace(one, dkim=replace(one.dkim, second_selector="s2", second_key_file=second))
    found = await domain_findings(both, DOMAIN, OURS, Zone(zone))
    keys = [row for row in found if row.topic == "dkim"]
    assert [row.subject for row in keys] == [f"{name}._domainkey.{DOMAIN}" for name in files]
    assert [str(row.verdict) for row in keys] == verdicts


async def test_without_a_key_of_ours_nothing_is_known_of_the_signature(key_file: Path) -> None:
    found = await rows(Zone(sound(key_file)), config(None))
    assert dict(found)["dkim"] == "note"


async def test_a_smarthost_may_send_by_other_addresses_than_it_listens_on(key_file: Path) -> None:
    leaving = Leaving(addresses=("203.0.113.1",), certain=False)
    found = await rows(Zone(sound(key_file)), config(key_file), leaving)
    assert found == [("mx", "ok"), ("spf", "note"), ("dkim", "ok"), ("dmarc", "ok")]


async def test_with_no_known_address_spf_and_ptr_are_left_open(key_file: Path) -> None:
    found = await rows(Zone(sound(key_file)), config(key_file), Leaving())
    assert [row for row in found if row[1] != "ok"] == [("spf", "note"), ("ptr", "note")]


async def test_a_name_for_examples_is_not_examined() -> None:
    settings = config(None)
    found = await domain_findings(settings, "lists.example.org", Leaving(), Zone({}))
    assert [(one.topic, one.verdict) for one in found] == [("dns", "note")]


async def test_a_name_for_examples_that_exists_is_examined() -> None:
    zone = Zone({"lists.example.org MX": ["10 mx.example.org"], "mx.example.org A": [V4]})
    found = await domain_findings(config(None), "lists.example.org", Leaving(), zone)
    assert [(one.topic, one.verdict) for one in found] == [
        ("mx", "ok"),
        ("spf", "fault"),
        ("dkim", "note"),
        ("dmarc", "fault"),
    ]


@pytest.mark.parametrize(
    ("outbound", "expected"),
    [
        (Outbound(transport=TransportKind.MAILDIR), Leaving()),
        (Outbound(host="mail.mailer.ch"), Leaving(addresses=(V4, V6), certain=False)),
        (Outbound(host="203.0.113.5"), Leaving(addresses=("203.0.113.5",), certain=False)),
        (Outbound(host="gone.mailer.ch"), Leaving(certain=False)),
    ],
)
async def test_mail_leaves_from_where_the_smarthost_is(
    outbound: Outbound, expected: Leaving
) -> None:
    zone = Zone({"mail.mailer.ch A": [V4], "mail.mailer.ch AAAA": [V6]})
    assert await leaving_by(outbound, zone) == expected


async def test_each_name_is_asked_for_a_bounded_number_of_times(key_file: Path) -> None:
    zone = changed(key_file, FAILING["include of itself"][0])
    await rows(zone, config(key_file))
    assert zone.asked.count(f"{DOMAIN} TXT") <= 13


def test_the_domains_of_all_series_are_looked_at_once() -> None:
    from mailer.checkup.examination import domains

    settings = config(None)
    twice = replace(settings, series=settings.series * 2)
    assert domains(twice) == (DOMAIN,)
