"""How fast mail may leave: a limit for each domain, and the warm-up of a new sending address."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time

from mailer.config.mailbox import normal_mailbox
from mailer.config.section import Section, describe
from scheduler.pace import WarmUp

EVERY_OTHER = "*"
LONGEST_WARM_UP_DAYS = 365
RATE_EXPECTED = 'mails a second, or a text like "600/h" (s, m, h, d), at least "1/d"; 0: no limit'
START_EXPECTED = "a date, or a date and time with its zone like 2026-11-25T08:00:00Z"

_DEFAULT = WarmUp(start=datetime.fromtimestamp(0, UTC))  # but for its start
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LEAST = 1 / _SECONDS["d"]
_RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?/ ?([smhd])")


def read_domains(section: Section) -> dict[str, float]:
    """Mails a second for each domain, as A-label; `*` is every domain that is not named."""
    listed = section.take("domains", dict, 'a table like { "example.com" = 20 }') or {}
    found: dict[str, float] = {}
    for name, value in listed.items():
        place = f"domains.{name}"
        domain, rate = _domain(name), _rate(value)
        if domain is None:
            section.fault(place, describe(name), 'a domain like "example.com", or "*"')
        elif rate is None:
            section.fault(place, describe(value), RATE_EXPECTED)
        elif domain in found:
            section.fault(place, describe(name), "each domain once")
        else:
            found[domain] = rate
    return found


def _domain(name: str) -> str | None:
    if name == EVERY_OTHER:
        return name
    if "@" in name:
        return None
    try:
        return normal_mailbox(f"x@{name}").rpartition("@")[2]
    except ValueError:
        return None


def _rate(value: object) -> float | None:
    match value:
        case bool():
            return None
        case int() | float():
            rate = float(value)
        case str() if found := _RATE.fullmatch(value.strip()):
            rate = float(found[1]) / _SECONDS[found[2]]
        case _:
            return None
    return rate if rate == 0 or _LEAST <= rate < math.inf else None


def read_warm_up(section: Section) -> WarmUp | None:
    """The plan by which a new sending address is warmed up; None without one."""
    plan = section.child("warm_up", "outbound.warm_up")
    if plan is None:
        return None
    start = _start(plan)
    first_day = plan.whole("first_day", _DEFAULT.first_day, least=1)
    factor = plan.number("factor", _DEFAULT.factor)
    days = plan.whole("days", _DEFAULT.days, least=1, most=LONGEST_WARM_UP_DAYS)
    if factor < 1:
        plan.fault("factor", describe(factor), "a number from 1")
        return None
    if start is None:
        return None
    return WarmUp(start=start, first_day=first_day, factor=factor, days=days)


def _start(plan: Section) -> datetime | None:
    """When the first day begins; a date alone means midnight in UTC."""
    match plan.values.get("start"):
        case datetime() as given if given.tzinfo is not None:
            return given.astimezone(UTC)
        case date() as given if not isinstance(given, datetime):
            return datetime.combine(given, time(), UTC)
        case other:
            plan.fault("start", describe(other), START_EXPECTED)
            return None
