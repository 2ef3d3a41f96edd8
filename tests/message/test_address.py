"""Addresses of people, and what the addresses of ours mean."""

from __future__ import annotations

import time

import pytest
from email_validator import validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.config.model import Series
from mailer.message import address
from mailer.message.address import (
    Address,
    Purpose,
    Recipient,
    address_of,
    first_address,
    is_own,
    own_addresses,
    parse_address,
    route,
    token_in,
)
from tests.examples import examples

TOKEN = "abcdefghijklmnopqrstuvwxya"
LONG = "international-standard-content-code"
SERIES = (
    Series(id="one", title="One", address="webinars@lists.example.org", timezone="UTC"),
    Series(id="law", title="Law", address="webinars-law@lists.example.org", timezone="UTC"),
    Series(id="long", title="L", address=f"{LONG}@lists.example.org", timezone="UTC", short="iscc"),
)
ONE, LAW, ISCC = SERIES
HOST = "lists.example.org"


ORDINARY = st.from_regex(r"[a-zA-Z0-9._+-]{1,12}@[a-z0-9.-]{1,20}", fullmatch=True)


@settings(max_examples=examples(2000))
@given(st.one_of(ORDINARY, ORDINARY.map(lambda text: text + ".example")))
def test_an_ordinary_address_is_what_the_whole_grammar_takes_it_for(text: str) -> None:
    taken = parse_address(text)
    if address._ORDINARY.fullmatch(text):
        valid = validate_email(text, check_deliverability=False, globally_deliverable=False)
        local, domain = valid.local_part, valid.ascii_domain
        assert taken == Address(key=f"{local.lower()}@{domain}", mailbox=f"{local}@{domain}")


@pytest.mark.parametrize(
    ("text", "key", "mailbox"),
    [
        ("Ann.Lee@Example.ORG", "ann.lee@example.org", "Ann.Lee@example.org"),
        ("  a@example.org ", "a@example.org", "a@example.org"),
        ("x@bücher.example", "x@xn--bcher-kva.example", "x@xn--bcher-kva.example"),
        (
            "Δοκιμή@παράδειγμα.test",
            "δοκιμή@xn--hxajbheg2az3al.test",
            "Δοκιμή@xn--hxajbheg2az3al.test",
        ),
        ("cafe\u0301@example.org", "café@example.org", "café@example.org"),
        ("root@intranet", "root@intranet", "root@intranet"),
        ("a@host.test", "a@host.test", "a@host.test"),
        ("a+b@example.org", "a+b@example.org", "a+b@example.org"),
        ('"a b"@example.org', '"a b"@example.org', '"a b"@example.org'),
    ],
)
def test_address_has_a_key_and_keeps_its_spelling(text: str, key: str, mailbox: str) -> None:
    assert parse_address(text) == Address(key=key, mailbox=mailbox)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "@",
        "a@",
        "@example.org",
        "a b@example.org",
        "a@example.org>\r\nRCPT TO:<b",
        "a@b@example.org",
        "Ann <a@example.org>",
        "a@[127.0.0.1]",
        "a\0@example.org",
        "a@example.org\u2028",
        "a" * 65 + "@example.org",
        "a@" + "b" * 300 + ".org",
        "a..b@example.org",
        "a@example..org",
        "a@-example.org",
        "<a@example.org>",
    ],
)
def test_what_no_mail_can_be_sent_to_is_none(text: str) -> None:
    assert parse_address(text.replace("\u2028", "\u2028x")) is None


@settings(max_examples=examples(100), deadline=None)
@given(st.text(max_size=80))
def test_no_text_raises(text: str) -> None:
    parse_address(text)
    first_address(text)
    route(text, SERIES)


@settings(max_examples=examples(100), deadline=None)
@given(st.emails())
def test_address_is_read_again_from_its_own_mailbox(text: str) -> None:
    address = parse_address(text)
    if address:
        assert parse_address(address.mailbox) == address
        assert first_address(f'"A, B" <{address.mailbox}>') == (address, "A, B")


@pytest.mark.parametrize(
    ("field", "mailbox", "name"),
    [
        ("Ann Lee <a@example.org>", "a@example.org", "Ann Lee"),
        ("a@example.org (Ann (the) Lee)", "a@example.org", "Ann the Lee"),
        ('"Lee, Ann" <a@example.org>', "a@example.org", "Lee, Ann"),
        ("Lee, Ann <a@example.org>", "a@example.org", "Ann"),
        ("=?utf-8?q?Lee=2C_Ann?= <a@example.org>", "a@example.org", "Lee, Ann"),
        (
            "=?utf-8?q?=3Cvictim=40example.org=3E?= <a@example.org>",
            "a@example.org",
            "<victim@example.org>",
        ),
        ("victim@example.org <a@example.org>", "a@example.org", "victim@example.org"),
        ("a@example.org, b@example.org", "a@example.org", ""),
        ("Group: a@example.org, b@example.org;", "a@example.org", ""),
        ("<@x,@y:a@example.org>", "a@example.org", ""),
        (r'"A \"B\" C" <a@example.org>', "a@example.org", 'A "B" C'),
        ("<a@example.org", "a@example.org", ""),
    ],
)
def test_from_field_names_its_first_mailbox(field: str, mailbox: str, name: str) -> None:
    assert first_address(field) == (Address(key=mailbox, mailbox=mailbox), name)


@pytest.mark.parametrize(
    "field", ["", "MAILER-DAEMON", "undisclosed-recipients:;", "<>", '"a@example.org']
)
def test_from_field_without_mailbox_names_nobody(field: str) -> None:
    assert first_address(field) == (None, "")


@pytest.mark.parametrize("attack", ["(", '"', '"\\', "<", "a@b,", "a@-,", "@", ":", "=?a?q?"])
def test_hostile_from_field_takes_no_time(attack: str) -> None:
    started = time.process_time()
    first_address(attack * 100_000)
    assert time.process_time() - started < 0.5


WORDS = {
    "subscribe": Purpose.SUBSCRIBE,
    "join": Purpose.SUBSCRIBE,
    "unsubscribe": Purpose.UNSUBSCRIBE,
    "leave": Purpose.UNSUBSCRIBE,
    "help": Purpose.HELP,
    "programme": Purpose.PROGRAMME,
    "status": Purpose.STATUS,
    "preferences": Purpose.PREFERENCES,
    "owner": Purpose.OWNER,
    "announce": Purpose.ANNOUNCE,
}


@pytest.mark.parametrize("mark", ["+", "-"])
@pytest.mark.parametrize(("word", "purpose"), WORDS.items())
def test_word_behind_either_separator_is_understood(mark: str, word: str, purpose: Purpose) -> None:
    meant = Recipient(series="one", purpose=purpose)
    assert route(f"webinars{mark}{word}@{HOST}", SERIES) == meant
    assert route(f"<WEBINARS{mark}{word.upper()}@{HOST.upper()}.>", SERIES) == meant


@pytest.mark.parametrize("mark", ["+", "-"])
@pytest.mark.parametrize(
    "purpose",
    [
        Purpose.UNSUBSCRIBE,
        Purpose.CONFIRM,
        Purpose.REGISTER,
        Purpose.SKIP,
        Purpose.PREFERENCES,
        Purpose.APPROVE,
        Purpose.BOUNCE,
    ],
)
def test_token_behind_the_word_is_handed_on_in_lower_case(mark: str, purpose: Purpose) -> None:
    meant = Recipient(series="one", purpose=purpose, token=TOKEN)
    assert route(f"Webinars{mark}{purpose.value}-{TOKEN.upper()}@{HOST}", SERIES) == meant


@pytest.mark.parametrize(
    ("rcpt", "meant"),
    [
        (f"webinars@{HOST}", Recipient(series="one", purpose=Purpose.SERIES)),
        (f"webinars-law@{HOST}", Recipient(series="law", purpose=Purpose.SERIES)),
        (f"webinars-law-help@{HOST}", Recipient(series="law", purpose=Purpose.HELP)),
        (f'"webinars+help"@{HOST}', Recipient(series="one", purpose=Purpose.HELP)),
        (f"@relay.example.org:webinars+help@{HOST}", Recipient(series="one", purpose=Purpose.HELP)),
        (f"iscc+help@{HOST}", Recipient(series="long", purpose=Purpose.HELP)),
        (f"iscc@{HOST}", Recipient(series="long", purpose=Purpose.SERIES)),
        (f"{LONG}+help@{HOST}", Recipient(series="long", purpose=Purpose.HELP)),
        ("postmaster", Recipient(series=None, purpose=Purpose.POSTMASTER)),
        ("<PostMaster>", Recipient(series=None, purpose=Purpose.POSTMASTER)),
        (f"PostMaster@{HOST}", Recipient(series=None, purpose=Purpose.POSTMASTER)),
    ],
)
def test_address_of_ours_is_understood(rcpt: str, meant: Recipient) -> None:
    assert route(rcpt, SERIES) == meant


@pytest.mark.parametrize(
    "rcpt",
    [
        "",
        "@",
        "webinars",
        "<>",
        f"webinar@{HOST}",
        f"webinars+@{HOST}",
        f"webinars+nothing@{HOST}",
        f"webinars-law-nothing@{HOST}",
        f"webinarshelp@{HOST}",
        "webinars@example.org",
        "postmaster@example.org",
        f"postmaster+help@{HOST}",
        f"webinars+confirm@{HOST}",
        f"webinars+register@{HOST}",
        f"webinars+bounce@{HOST}",
        f"webinars+help-{TOKEN}@{HOST}",
        f"webinars+join-{TOKEN}@{HOST}",
        f"webinars+confirm-{TOKEN}x@{HOST}",
        f"webinars+confirm-{TOKEN[1:]}@{HOST}",
        f"webinars+confirm{TOKEN}@{HOST}",
        f"webinars+confirm-{TOKEN[1:]}1@{HOST}",
        f"webinars+subscribe+help@{HOST}",
    ],
)
def test_unknown_address_is_refused(rcpt: str) -> None:
    assert route(rcpt, SERIES) is None


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_every_address_we_make_leads_back_to_its_purpose(
    series: Series, purpose: Purpose, token: str | None
) -> None:
    try:
        made = address_of(series, purpose, token)
    except ValueError:
        return
    owner = None if purpose is Purpose.POSTMASTER else series.id
    plain = purpose in (Purpose.SERIES, Purpose.POSTMASTER)
    assert len(made.partition("@")[0]) <= 64
    assert route(made, SERIES) == Recipient(
        series=owner, purpose=purpose, token=None if plain else token
    )


def test_token_address_uses_the_short_name_and_others_the_whole_one() -> None:
    assert address_of(ISCC, Purpose.CONFIRM, TOKEN) == f"iscc+confirm-{TOKEN}@{HOST}"
    assert address_of(ISCC, Purpose.HELP) == f"{LONG}+help@{HOST}"
    assert address_of(ONE, Purpose.BOUNCE, TOKEN) == f"webinars+bounce-{TOKEN}@{HOST}"
    assert address_of(ONE, Purpose.SERIES) == f"webinars@{HOST}"
    assert address_of(ONE, Purpose.POSTMASTER) == f"postmaster@{HOST}"


def test_longest_local_part_that_needs_no_short_name_fits() -> None:
    edge = Series(id="e", title="E", address=f"{'e' * 24}@{HOST}", timezone="UTC")
    assert len(address_of(edge, Purpose.UNSUBSCRIBE, TOKEN).partition("@")[0]) == 63


@pytest.mark.parametrize(
    ("purpose", "token"),
    [(Purpose.JOIN, TOKEN), (Purpose.JOIN, None), (Purpose.CONFIRM, None), (Purpose.HELP, TOKEN)],
)
def test_purpose_without_such_an_address_is_an_error(purpose: Purpose, token: str | None) -> None:
    with pytest.raises(ValueError, match="no address"):
        address_of(ONE, purpose, token)


def test_local_part_over_64_octets_is_an_error() -> None:
    series = Series(id="e", title="E", address=f"{'e' * 30}@{HOST}", timezone="UTC")
    with pytest.raises(ValueError, match="64 octets"):
        address_of(series, Purpose.UNSUBSCRIBE, TOKEN)


def test_own_addresses_are_all_those_without_token() -> None:
    own = own_addresses([ONE])
    marks = {f"webinars{mark}{word}@{HOST}" for mark in "+-" for word in WORDS}
    assert own == marks | {f"webinars@{HOST}", "postmaster", f"postmaster@{HOST}"}


@pytest.mark.parametrize(
    ("address", "own"),
    [
        (f"webinars+bounce-{TOKEN}@{HOST}", True),
        (f"<Webinars@{HOST}>", True),
        (f"webinars+x@{HOST}", False),
        ("a@example.org", False),
    ],
)
def test_own_is_what_would_come_back_to_us(address: str, own: bool) -> None:
    assert is_own(address, SERIES) is own


def test_series_domain_may_be_written_in_its_own_script() -> None:
    series = Series(id="b", title="B", address="list@bücher.example", timezone="UTC")
    assert route("list+help@xn--bcher-kva.example", [series]) == Recipient(
        series="b", purpose=Purpose.HELP
    )


@pytest.mark.parametrize(
    ("local", "found"),
    [
        (f"webinars+unsubscribe-{TOKEN}", (Purpose.UNSUBSCRIBE, TOKEN)),
        (f"some-long-name-bounce+{TOKEN.upper()}", (Purpose.BOUNCE, TOKEN)),
        (f"webinars+unknown-{TOKEN}", None),
        (f"webinars+unsubscribe-{TOKEN[:-1]}", None),
        ("webinars+unsubscribe", None),
        (TOKEN, None),
        ("", None),
    ],
)
def test_a_token_is_found_in_the_local_part_of_any_series(
    local: str, found: tuple[Purpose, str] | None
) -> None:
    assert token_in(local) == found
