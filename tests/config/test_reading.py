"""The configuration as a whole: where it is found, what it becomes, what is said about faults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.config.keys import TABLES
from mailer.config.model import Config, Database, Endpoint, Inbound, Outbound, Series
from mailer.config.notices import DEFAULT_NOTICES
from mailer.config.reading import find_config, read_config
from mailer.errors import ConfigError
from tests.config.sample import SERIES, Faults, Read
from tests.examples import examples

NOWHERE = Path("/nowhere/config.toml")


def test_three_keys_are_enough(read: Read, tmp_path: Path) -> None:
    assert read() == Config(
        source=tmp_path / "config.toml",
        series=(
            Series(
                id="talks",
                title="Talks",
                address="talks@lists.example.org",
                timezone="Europe/Zurich",
                notices=DEFAULT_NOTICES,
            ),
        ),
        database=Database(url=f"sqlite:///{tmp_path}/mailer.db"),
        outbound=Outbound(maildir=tmp_path / "outbox"),
    )


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        """
databse = 1
[inbound]
smpt = "127.0.0.1:2525"
max_message_bytes = "much"
[outbound]
secruity = "none"
port = 70000
[series.talks]
titel = "Talks"
address = "nobody"
timezone = "Europe/Zürich"
"""
    )
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    top = ", ".join(TABLES[""])
    assert str(caught.value).splitlines() == [
        f"{path}: {line}"
        for line in (
            f'databse: found an unknown key, expected one of {top} (did you mean "database"?)',
            "series.talks.titel: found an unknown key, expected one of"
            f' {", ".join(TABLES["series.*"])} (did you mean "title"?)',
            "series.talks.title: found nothing, expected text in quotes",
            'series.talks.timezone: found "Europe/Zürich", expected an IANA time zone like'
            ' Europe/Zurich (did you mean "Europe/Zurich"?)',
            'series.talks.address: found "nobody", expected an e-mail address like'
            " organiser@example.org",
            "inbound.smpt: found an unknown key, expected one of"
            f' {", ".join(TABLES["inbound"])} (did you mean "smtp"?)',
            'inbound.max_message_bytes: found "much", expected a whole number from 65536',
            "outbound.secruity: found an unknown key, expected one of"
            f' {", ".join(TABLES["outbound"])} (did you mean "security"?)',
            "outbound.port: found the number 70000, expected a whole number from 1 to 65535",
        )
    ]


_WRONG = {"yearly_question": '"yes"'}  # true is wrong for all others


def _misplaced(table: str, key: str) -> tuple[str, str]:
    """A file in which ``key`` of ``table`` has a wrong type, and the path to it."""
    match table:
        case "":
            return f"{key} = true\n", key
        case "series.*":
            others = SERIES.replace(f"\n{key} =", "\n#")
            return f"{others}{key} = {_WRONG.get(key, 'true')}\n", f"series.talks.{key}"
        case "series.*.slots":
            return f"{SERIES}slots = {{ {key} = true }}\n", f"series.talks.slots.{key}"
        case "series.*.notices":
            return f"{SERIES}notices = [{{ {key} = true }}]\n", f"series.talks.notices[1].{key}"
        case _:
            return f"[{table}]\n{key} = true\n", f"{table}.{key}"


@pytest.mark.parametrize(("table", "key"), [(t, k) for t, keys in TABLES.items() for k in keys])
def test_every_key_is_read_and_checked(faults: Faults, table: str, key: str) -> None:
    text, place = _misplaced(table, key)
    series = "" if "[series" in text or key == "series" else SERIES
    lines = [line for line in faults(text, series=series) if line.startswith(f"{place}: ")]
    wrong = _WRONG.get(key, "true")
    assert [line.split(", expected")[0] for line in lines] == [f"{place}: found {wrong}"]


@pytest.mark.parametrize("table", [name for name in TABLES if name and "*" not in name])
def test_a_table_must_be_a_table(faults: Faults, table: str) -> None:
    assert faults(f"{table} = 3\n") == [f"{table}: found the number 3, expected a table"]


def test_a_key_of_another_table_is_sent_home(faults: Faults) -> None:
    lines = faults("", series=SERIES + 'key_file = "k"\nbase_url = "x"\n')
    assert [line.rpartition(" (")[2] for line in lines] == [
        "it belongs at the top, before the first [table])",
        "it belongs in [web])",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"a = \n", "line 1, column 5: found invalid value, expected TOML"),
        (b"a = 1\na = 2\n", "line 2, column 6: found cannot overwrite a value, expected TOML"),
        (b'a = 1\nb = "x\n', "line 2, column 7: found illegal character '\\n', expected TOML"),
        (b"a = 1\n[b", "line 2: found expected ']' at the end of a table declaration at the end"),
        (b'a = 1\nb = "\xff"\n', "line 2: found a byte that is not UTF-8, expected UTF-8 text"),
    ],
)
def test_a_fault_of_syntax_names_its_line(tmp_path: Path, text: bytes, fault: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    assert str(caught.value).startswith(f"{path}: {fault}")
    assert len(caught.value.faults) == 1


def test_deep_nesting_is_a_fault(faults: Faults) -> None:
    assert faults("a = " + "[" * 5000) == [
        "file: found brackets in brackets without end, expected TOML"
    ]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        read_config(tmp_path, {})


def test_a_byte_order_mark_is_no_fault(read: Read, tmp_path: Path) -> None:
    assert read("\ufeff").source == tmp_path / "config.toml"


@pytest.mark.parametrize("text", ["", "series = {}\n", "[series]\n"])
def test_a_series_is_required(faults: Faults, text: str) -> None:
    assert faults(text, series="") == [
        "series: found nothing, expected at least one, like [series.talks]"
    ]


def test_listeners_have_defaults_only_if_none_is_named(read: Read) -> None:
    smtp, lmtp = Endpoint(host="127.0.0.1", port=2525), Endpoint(host="127.0.0.1", port=2424)
    there = Endpoint(host="::1", port=25)

    def listeners(text: str) -> tuple[Endpoint | None, Endpoint | None]:
        inbound: Inbound = read("[inbound]\n" + text).inbound
        return inbound.smtp, inbound.lmtp

    assert listeners("") == (smtp, lmtp)
    assert listeners('smtp = "[::1]:25"\n') == (there, None)
    assert listeners('lmtp = "[::1]:25"\n') == (None, there)
    assert listeners('smtp = ""\n') == (None, None)
    assert listeners('smtp = ""\nlmtp = "[::1]:25"\n') == (None, there)


def test_two_listeners_cannot_share_a_port(faults: Faults) -> None:
    text = '[inbound]\nsmtp = "127.0.0.1:25"\nlmtp = "127.0.0.1:25"\n'
    assert faults(text) == [
        "inbound.lmtp: found 127.0.0.1:25, expected an endpoint other than that of inbound.smtp"
    ]
    assert faults(text.replace(":25", ":0")) == []


def test_the_named_file_is_taken_and_must_exist(tmp_path: Path) -> None:
    named, other = tmp_path / "named.toml", tmp_path / "config.toml"
    other.touch()
    with pytest.raises(ConfigError, match=r"--config: found no file .*named\.toml"):
        find_config(Path("named.toml"), {"MAILER_CONFIG": str(other)}, tmp_path)
    named.touch()
    assert find_config(Path("named.toml"), {"MAILER_CONFIG": str(other)}, tmp_path) == named


def test_the_environment_comes_next_and_must_exist(tmp_path: Path) -> None:
    named = tmp_path / "named.toml"
    (tmp_path / "config.toml").touch()
    with pytest.raises(ConfigError, match="MAILER_CONFIG: found no file"):
        find_config(None, {"MAILER_CONFIG": str(named)}, tmp_path)
    named.touch()
    assert find_config(None, {"MAILER_CONFIG": "named.toml"}, tmp_path) == named


def test_then_the_folder_and_then_the_system(tmp_path: Path) -> None:
    here, system = tmp_path / "config.toml", tmp_path / "system.toml"
    system.touch()
    assert find_config(None, {"MAILER_CONFIG": ""}, tmp_path, system=system) == system
    here.touch()
    assert find_config(None, {}, tmp_path, system=system) == here


def test_if_there_is_none_the_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_config(None, {}, tmp_path, system=NOWHERE)
    assert str(caught.value) == (
        f"configuration: file: found no {tmp_path}/config.toml and no {NOWHERE},"
        " expected one of them, --config FILE or $MAILER_CONFIG (`mailer init` writes one)"
    )


toml_values = st.one_of(
    st.booleans(),
    st.integers(),
    st.sampled_from(
        ["1h", "x", "@", "a@b", "http://[", "127.0.0.1:99999", "..", "/", "sqlite:///"]
    ),
).map(lambda value: f'"{value}"' if isinstance(value, str) else str(value).lower())


@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(
        st.sampled_from([(t, k) for t, keys in TABLES.items() for k in keys if t and "*" not in t]),
        toml_values,
        max_size=6,
    )
)
def test_no_values_raise_anything_but_a_config_error(
    faults: Faults, values: dict[tuple[str, str], str]
) -> None:
    tables: dict[str, str] = {}
    for (table, key), value in values.items():
        tables[table] = tables.get(table, "") + f"{key} = {value}\n"
    text = "".join(f"[{table}]\n{lines}" for table, lines in tables.items())
    assert [line for line in faults(text) if "\n" in line] == []


def test_paths_are_relative_to_the_file(read: Read, tmp_path: Path) -> None:
    config = read(
        'key_file = "sub/../key"\n[database]\nurl = "sqlite:///data/x.db"\n'
        '[outbound]\nmaildir = "/var/out"\n[templates]\nfolder = "texts"\n'
    )
    assert (
        config.key_file,
        config.database.url,
        config.outbound.maildir,
        config.templates.folder,
    ) == (
        tmp_path / "key",
        f"sqlite:///{tmp_path}/data/x.db",
        Path("/var/out"),
        tmp_path / "texts",
    )
    assert replace(config, key_file=None) != config
