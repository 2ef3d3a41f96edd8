"""Which keys the file may have, by the fields of the values; and the nearest to a wrong one.

`*` in a table's name stands for the id of a series. A `password` field is never a key: it comes by
`password_file` or `password_env`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import fields

from mailer.config import model
from scheduler.pace import WarmUp

NOTICE_KEYS = ("kind", "before", "after", "at", "audience", "id")


def _keys(table: type, *, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    keys: list[str] = []
    for field in fields(table):
        if field.name == "password":
            keys += ["password_file", "password_env"]
        elif field.name not in without:
            keys.append(field.name)
    return tuple(keys)


TABLES: dict[str, tuple[str, ...]] = {
    "": _keys(model.Config, without=("source",)),
    "database": _keys(model.Database),
    "inbound": _keys(model.Inbound),
    "outbound": _keys(model.Outbound),
    "outbound.warm_up": _keys(WarmUp),
    "limits": _keys(model.Limits),
    "retention": _keys(model.Retention),
    "bounces": _keys(model.Bounces),
    "dkim": _keys(model.Dkim),
    "web": _keys(model.Web),
    "log": _keys(model.Log),
    "operator": _keys(model.Operator),
    "templates": _keys(model.Templates),
    "series.*": _keys(model.Series, without=("id",)),
    "series.*.slots": _keys(model.Slots),
    "series.*.notices": NOTICE_KEYS,
}


def nearest(found: str, known: Iterable[str]) -> str | None:
    """The known word that ``found`` was most likely meant to be, None if none is close."""
    by_folded = {word.casefold(): word for word in known}
    close = difflib.get_close_matches(found.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def hint_for(key: str, table: str) -> str:
    """What to say about an unknown key: the nearest of its table, else where it does belong."""
    close = nearest(key, TABLES[table])
    if close is not None:
        return f'did you mean "{close}"?'
    homes = [name for name, keys in TABLES.items() if key in keys and name != table]
    if "" in homes:
        return "it belongs at the top, before the first [table]"
    return f"it belongs in [{homes[0]}]" if homes else ""
