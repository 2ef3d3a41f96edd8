"""Finds the configuration file and reads it into a `Config`, or tells every fault at once.

Looks at the files that are named (keys, certificates, passwords) and never at the network; whether
the servers named here answer is what `mailer check` finds out.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from mailer.config import tables
from mailer.config.clash import clashes
from mailer.config.dkim import read_dkim
from mailer.config.model import Config, Endpoint, Series
from mailer.config.section import Section
from mailer.config.series import read_series
from mailer.errors import ConfigError, Fault

FILE_NAME = "config.toml"
SYSTEM_CONFIG = Path("/etc/mailer/config.toml")
VARIABLE = "MAILER_CONFIG"

_AT_LINE = re.compile(r"(.*?) ?\(at line ([0-9]+), column ([0-9]+)\)", re.DOTALL)


def find_config(
    explicit: Path | None,
    environ: Mapping[str, str],
    cwd: Path,
    *,
    system: Path = SYSTEM_CONFIG,
) -> Path:
    """The file to read: the named one, else the first that exists of the usual places.

    Raises `ConfigError` if the named file does not exist, or none of the others does.
    """
    if explicit is not None:
        return _existing(cwd / explicit, "--config")
    if environ.get(VARIABLE):
        return _existing(cwd / environ[VARIABLE], VARIABLE)
    places = (cwd / FILE_NAME, system)
    for place in places:
        if place.exists():
            return place
    fault = Fault(
        where="file",
        found=f"no {places[0]} and no {places[1]}",
        expected=f"one of them, --config FILE or ${VARIABLE}",
        hint="`mailer init` writes one",
    )
    raise ConfigError("configuration", (fault,))


def _existing(path: Path, named_by: str) -> Path:
    if path.exists():
        return path
    hint = "`mailer init` writes one"
    fault = Fault(where=named_by, found=f"no file {path}", expected="a file", hint=hint)
    raise ConfigError("configuration", (fault,))


def read_config(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration in this file; `ConfigError` with every fault if it does not hold."""
    path = Path(os.path.abspath(path))
    faults: list[Fault] = []
    config = _read(path, _parse(path), environ, faults)
    if faults or config is None:
        raise ConfigError(str(path), tuple(faults))
    return config


def _parse(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        fault = Fault(where="file", found=error.strerror or str(error), expected="a readable file")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        fault = Fault(where=f"line {line}", found="a byte that is not UTF-8", expected="UTF-8 text")
    except RecursionError:
        fault = Fault(where="file", found="brackets in brackets without end", expected="TOML")
    except tomllib.TOMLDecodeError as error:
        fault = _syntax_fault(str(error), path)
    raise ConfigError(str(path), (fault,))


def _syntax_fault(message: str, path: Path) -> Fault:
    found = _AT_LINE.fullmatch(message)
    if found:
        where, what = f"line {found[2]}, column {found[3]}", found[1]
    else:  # "(at end of document)"
        lines = path.read_text(encoding="utf-8-sig").count("\n") + 1
        where, what = f"line {lines}", message.replace(" (at end of document)", " at the end")
    return Fault(where=where, found=what[:1].lower() + what[1:], expected="TOML")


def _read(
    path: Path, values: dict[str, object], environ: Mapping[str, str], faults: list[Fault]
) -> Config | None:
    top = Section(values=values, path="", table="", folder=path.parent, faults=faults)
    top.check_keys()
    series = _all_series(top)
    # A table that is absent is read like an empty one: the defaults get their absolute paths.
    config = Config(
        source=path,
        series=series,
        database=tables.read_database(_table(top, "database"), environ),
        inbound=tables.read_inbound(_table(top, "inbound")),
        outbound=tables.read_outbound(_table(top, "outbound"), environ),
        limits=tables.read_limits(_table(top, "limits")),
        retention=tables.read_retention(_table(top, "retention")),
        bounces=tables.read_bounces(_table(top, "bounces")),
        dkim=read_dkim(section) if (section := top.child("dkim", "dkim")) else None,
        web=tables.read_web(section) if (section := top.child("web", "web")) else None,
        log=tables.read_log(_table(top, "log")),
        operator=tables.read_operator(_table(top, "operator")),
        templates=tables.read_templates(_table(top, "templates")),
        key_file=top.path_to("key_file"),
    )
    faults += clashes(series, config.operator)
    _check_listeners(config, faults)
    return config


def _table(top: Section, name: str) -> Section:
    empty = Section(values={}, path=name, table=name, folder=top.folder, faults=top.faults)
    return top.child(name, name) or empty


def _all_series(top: Section) -> tuple[Series, ...]:
    listed = top.take("series", dict, "a table for each series, like [series.talks]")
    if not listed:
        if listed is not None or "series" not in top.values:
            top.fault("series", "nothing", "at least one, like [series.talks]")
        return ()
    home = Section(values=listed, path="series", table="", folder=top.folder, faults=top.faults)
    sections = {name: home.child(name, "series.*") for name in listed}
    found = [read_series(section, name) for name, section in sections.items() if section]
    return tuple(one for one in found if one is not None)


def _check_listeners(config: Config, faults: list[Fault]) -> None:
    named = {
        "inbound.smtp": config.inbound.smtp,
        "inbound.lmtp": config.inbound.lmtp,
        "web.listen": config.web.listen if config.web else None,
    }
    seen: dict[Endpoint, str] = {}
    for place, endpoint in named.items():
        if endpoint is None or not endpoint.port:
            continue
        if endpoint in seen:
            found = f"{endpoint.host}:{endpoint.port}"
            expected = f"an endpoint other than that of {seen[endpoint]}"
            faults.append(Fault(where=place, found=found, expected=expected))
        seen[endpoint] = place
