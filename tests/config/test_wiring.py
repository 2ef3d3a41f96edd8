"""Texts for Postfix, systemd and `mailer init`."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.config import wiring
from mailer.config.clash import PLAIN_WORDS, TOKEN_WORDS
from mailer.config.model import Config, Endpoint, Security, TransportKind
from mailer.config.reading import read_config
from mailer.config.series import PAGE_NAMES
from mailer.config.wiring import Answers, default_config_text, series_id
from mailer.message.address import route
from tests.config.sample import SERIES, Read
from tests.examples import examples

TOKEN = "abcdefghijklmnopqrstuvwxyz"
SECOND = SERIES.replace("series.talks", "series.films").replace("talks@lists", "films@Film")
PIPE_ONLY = '[inbound]\nlmtp = ""\n'


def postfix(command: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, "-c", str(folder), *arguments], capture_output=True, text=True, check=False
    )


def installed(folder: Path, config: Config) -> Path:
    """The wiring written into a Postfix configuration folder of its own."""
    folder.mkdir()
    main = wiring.postfix_main_cf(config)
    for name, text in (
        (wiring.TRANSPORT_MAP, wiring.postfix_transport_map(config)),
        (wiring.RECIPIENT_MAP, wiring.postfix_recipient_map(config)),
    ):
        local = folder / Path(name).name
        local.write_text(text)
        main = main.replace(name, str(local))
    (folder / "main.cf").write_text(f"compatibility_level = 3.6\n{main}")
    service = wiring.postfix_master_cf(
        Path("/etc/mailer/config.toml"), Path("/usr/bin/mailer"), "mailer"
    )
    (folder / "master.cf").write_text(service)
    return folder


def looked_up(folder: Path, table: str, *keys: str) -> dict[str, str]:
    """What Postfix finds in a table under these keys."""
    found = subprocess.run(
        ["postmap", "-c", str(folder), "-q", "-", table],
        input="".join(f"{key}\n" for key in keys),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stderr == ""
    return dict(line.split("\t", 1) for line in found.stdout.splitlines())


@pytest.mark.parametrize("text", ["", PIPE_ONLY])
@pytest.mark.usefixtures("requires_postfix")
def test_postfix_accepts_the_wiring(read: Read, tmp_path: Path, text: str) -> None:
    folder = installed(tmp_path / "postfix", read(text, series=SERIES + SECOND))
    for what in ("-n", "-M"):
        shown = postfix("postconf", folder, what)
        assert (shown.returncode, shown.stderr) == (0, "")


@pytest.mark.usefixtures("requires_postfix")
def test_postfix_asks_for_our_domains_and_hands_them_over(read: Read, tmp_path: Path) -> None:
    folder = installed(tmp_path / "postfix", read(series=SERIES + SECOND))
    main = dict(
        line.split(" = ", 1)
        for line in (folder / "main.cf").read_text().splitlines()
        if not line.startswith("#")
    )
    access = main["smtpd_recipient_restrictions"].removeprefix("check_recipient_access ")
    ours = ("lists.example.org", "film.example.org")
    assert looked_up(folder, access, *ours, "example.org") == dict.fromkeys(
        ours, "reject_unverified_recipient"
    )
    assert looked_up(folder, main["transport_maps"], *ours, "example.org") == dict.fromkeys(
        ours, "lmtp:inet:127.0.0.1:2424"
    )


@pytest.mark.usefixtures("requires_postfix")
def test_without_lmtp_postfix_knows_our_addresses(read: Read, tmp_path: Path) -> None:
    config = read(PIPE_ONLY, series=SERIES + 'short = "tk"\n')
    folder = installed(tmp_path / "postfix", config)
    addresses = [
        "Talks@lists.example.org",
        "talks@listsXexample.org",
        "talks@lists.example.org.evil.example",
        "someone@lists.example.org",
        *(
            f"{name}{mark}{rest}@lists.example.org"
            for name in ("talks", "tk")
            for mark in "+-"
            for word in ("nothing", *PLAIN_WORDS | TOKEN_WORDS)
            for rest in (word, f"{word}-{TOKEN}", f"{word}-x")
        ),
        "postmaster@lists.example.org",
    ]
    table = f"regexp:{folder / Path(wiring.RECIPIENT_MAP).name}"
    known = [address for address in addresses if route(address, config.series) is not None]
    assert looked_up(folder, table, *addresses) == dict.fromkeys(known, "ok")


def test_main_cf_says_what_postfix_does(read: Read) -> None:
    assert wiring.postfix_main_cf(read()).splitlines() == [
        "# Webinar mailer. Where a setting exists already, add to it.",
        "relay_domains = lists.example.org",
        "transport_maps = texthash:/etc/postfix/mailer-transport",
        "# webinars+help@ and webinars-help@ belong to webinars@.",
        "recipient_delimiter = +-",
        "# Ask the mailer itself whether it takes an address, while the sender still waits.",
        "smtpd_recipient_restrictions = check_recipient_access"
        " inline:{ { lists.example.org = reject_unverified_recipient } }",
        "unverified_recipient_reject_code = 550",
        "# A recipient that was unknown may be known a minute later.",
        "address_verify_negative_expire_time = 60s",
        "address_verify_negative_refresh_time = 30s",
        "# What is too large for the mailer is refused here as well.",
        "message_size_limit = 10485760",
    ]


@pytest.mark.parametrize(
    ("lmtp", "target"),
    [
        ("0.0.0.0:24", "lmtp:inet:127.0.0.1:24"),
        ("[::]:24", "lmtp:inet:[::1]:24"),
        ("mailer.example.org:24", "lmtp:inet:mailer.example.org:24"),
        ("", "mailer:"),
    ],
)
def test_the_transport_leads_to_our_listener(read: Read, lmtp: str, target: str) -> None:
    config = read(f'[inbound]\nlmtp = "{lmtp}"\n')
    assert wiring.postfix_transport_map(config) == f"lists.example.org\t{target}\n"


def test_a_sender_cannot_pass_for_an_option() -> None:
    service = wiring.postfix_master_cf(Path("/etc/m $1.toml"), Path("/usr/bin/mailer"), "mailer")
    assert service.splitlines()[2] == (
        "  argv=/usr/bin/mailer --config { /etc/m $$1.toml } receive"
        " --from=${sender} --to=${recipient}"
    )


def test_the_unit_names_program_user_and_folder() -> None:
    unit = wiring.systemd_unit(
        Path("/var/lib/mailer/config.toml"), Path("/usr/local/bin/mailer"), "mailer"
    )
    settings_of_it = dict(re.findall(r"^([A-Za-z]+)=(.*)$", unit, re.MULTILINE))
    wanted = ("User", "ExecStart", "ReadWritePaths", "TimeoutStopSec", "ProtectHome", "Restart")
    assert [settings_of_it[key] for key in wanted] == [
        "mailer",
        "/usr/local/bin/mailer --config /var/lib/mailer/config.toml serve",
        "/var/lib/mailer",
        "35",
        "yes",
        "on-failure",
    ]


def test_odd_paths_are_quoted_in_the_unit() -> None:
    unit = wiring.systemd_unit(Path("/home/a b/100%/c$.toml"), Path("/bin/mailer"), "mailer")
    assert 'ExecStart=/bin/mailer --config "/home/a b/100%%/c$$.toml" serve\n' in unit
    assert "ProtectHome=no\n" in unit


@pytest.mark.usefixtures("requires_systemd")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "mailer.service"
    unit.write_text(wiring.systemd_unit(tmp_path / "config.toml", Path("/bin/true"), "nobody"))
    shown = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    about_it = [line for line in shown.stderr.splitlines() if str(unit) in line]
    assert [line for line in about_it if "Special user nobody" not in line] == []


def test_the_first_configuration_is_short_and_holds(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    answers = Answers(
        title="Talks",
        address="talks@lists.example.org",
        timezone="Europe/Zurich",
        organiser="ann@example.org",
        transport=TransportKind.MAILDIR,
    )
    path.write_text(default_config_text(answers))
    config = read_config(path, {})
    (series,) = config.series
    assert (series.id, series.title, series.address, series.timezone, series.organisers) == (
        "talks",
        "Talks",
        "talks@lists.example.org",
        "Europe/Zurich",
        ("ann@example.org",),
    )
    assert (config.outbound.transport, config.outbound.security) == (
        TransportKind.MAILDIR,
        Security.NONE,
    )
    assert config.inbound.lmtp == Endpoint(host="127.0.0.1", port=2424)


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    title=st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1),
    local=st.sampled_from(["talks", "feed", "c", "a.b+c", "news-", "x_y", "2026"]),
)
def test_any_good_answer_makes_a_configuration_that_holds(
    tmp_path: Path, title: str, local: str
) -> None:
    path = tmp_path / "config.toml"
    answers = Answers(title=title, address=f"{local}@example.org", timezone="UTC")
    path.write_text(default_config_text(answers), encoding="utf-8")
    (series,) = read_config(path, {}).series
    assert (series.title, series.organisers) == (title.strip(), ())


@settings(max_examples=examples(100), deadline=None)
@given(st.text())
def test_every_address_gives_an_id_that_is_no_page(address: str) -> None:
    made = series_id(address)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", made)
    assert made not in PAGE_NAMES


@settings(max_examples=examples(100), deadline=None)
@given(st.text())
def test_any_text_survives_as_toml(text: str) -> None:
    assert tomllib.loads(f"a = {wiring.toml_text(text)}\n") == {"a": text}
