"""Where things stand in a TOML text, whatever strings and brackets stand between them."""

from __future__ import annotations

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.files.toml_lines import tables
from tests.examples import examples

TEXT = '''# [[webinar]] in a comment
top = 1
[[webinar]]
title = "a # no comment [[webinar]]"
abstract = """
[[webinar]]
id = 'x' ""
\\""" still inside
"""""
other = \'\'\'
[[webinar]]\'\'\'
speakers = [   # a list
  { name = "Ada", url = "]" },

  { name = '[' }, ]
starts = 2026-11-25T13:00:00

  [[webinar.links]]
  title = "x"
  [webinar."odd key"]
[[webinar]]'''


def test_keys_and_elements_have_their_lines() -> None:
    tomllib.loads(TEXT)
    found = tables(TEXT)
    assert [(table.path, table.line) for table in found] == [
        ((), 1),
        (("webinar",), 3),
        (("webinar", "links"), 18),
        (("webinar", "odd key"), 20),
        (("webinar",), 21),
    ]
    assert {key: (spot.line, spot.items) for key, spot in found[1].keys.items()} == {
        "title": (4, []),
        "abstract": (5, []),
        "other": (10, []),
        "speakers": (12, [13, 15]),
        "starts": (16, []),
    }


def test_an_array_of_inline_tables_has_the_line_of_each() -> None:
    found = tables("webinar = [\n  {a = [1, 2]},\n  {a = 2}\n]\nb.c = 1\nb.d = 2")
    assert {key: (spot.line, spot.items) for key, spot in found[0].keys.items()} == {
        "webinar": (1, [2, 3]),
        "b": (5, []),
    }


plain = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)
basic = plain.map(lambda s: '"' + s.replace("\\", "\\\\").replace('"', '\\"') + '"')
literal = plain.map(lambda s: "'" + s.replace("'", "") + "'")
lines = st.lists(plain, max_size=4).map("\n".join)
long_basic = lines.map(lambda s: '"""' + s.replace("\\", "\\\\").replace('"""', '""\\"') + '\n"""')
long_literal = lines.map(lambda s: "'''" + s.replace("'", "") + "'''")
strings = st.one_of(basic, literal, long_basic, long_literal)
arrays = st.lists(strings, max_size=3).map(lambda items: "[ # ]\n" + ",\n".join(items) + "\n]")
values = st.one_of(
    strings, arrays, st.sampled_from(["1", "true", "2026-11-25", "{a = '}', b = 1}"])
)


@given(st.lists(st.lists(values, max_size=4), max_size=4))
@settings(max_examples=examples(150), deadline=None)
def test_lines_are_right_for_any_strings(webinars: list[list[str]]) -> None:
    text, expected = "", []
    for cells in webinars:
        place = (text.count("\n") + 1, {})
        text += "[[webinar]] # [[webinar]]\n"
        for number, cell in enumerate(cells):
            place[1][f"k{number}"] = text.count("\n") + 1
            text += f"k{number} = {cell} # '''\n"
        expected.append(place)
    tomllib.loads(text)
    found = [
        (table.line, {key: spot.line for key, spot in table.keys.items()})
        for table in tables(text)[1:]
    ]
    assert found == expected


@given(st.text(alphabet="[]{}=,.\"'\n\r #\\aw", max_size=60))
@settings(max_examples=examples(150), deadline=None)
def test_a_text_that_is_no_toml_never_raises(text: str) -> None:
    assert tables(text)[0].path == ()


def test_quotes_before_closing_quotes_belong_to_the_string() -> None:
    text = "a = [\"\"\"x\"\"\"\", \"]\"]\nb = ['''x''''', '[']\nc = 1\n"
    tomllib.loads(text)
    assert {key: spot.line for key, spot in tables(text)[0].keys.items()} == {
        "a": 1,
        "b": 2,
        "c": 3,
    }
