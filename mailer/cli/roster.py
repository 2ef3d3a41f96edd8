"""People as text, JSON and CSV; long lists page by page. Decides nothing."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from mailer.cli.frame import stamp
from mailer.dossier import Dossier, Held, preferences
from mailer.files.draft import printable
from mailer.files.export import people_to_csv
from mailer.intake.importing import Summary
from mailer.parts import Parts
from mailer.store import ledger
from mailer.store.people import Act, Consent, State, Subscription
from mailer.store.suppression import Reason

PAGE = 1_000
SHOWN = 20  # suppressed addresses that are named to people; JSON names all
_ADDRESS_WIDTH = 36
_DONE = {
    Act.ASKED: "was asked to confirm",
    Act.CONFIRMED: "confirmed",
    Act.STATED: "consented, as an organiser stated",
    Act.LEFT: "left",
    Act.RETURNED: "came back",
    Act.LAPSED: "did not answer in time",
    Act.MOVED: "changed the address",
}

# Why an address stays out; the keys are the words of JSON.
WHY = {
    Reason.LEFT: "they left",
    Reason.COMPLAINT: "they complained of our mail as spam",
    Reason.BOUNCE: "mail to them came back",
    Reason.FORGOTTEN: "they asked to be forgotten",
    Reason.REMOVED: "an organiser removed them",
    Reason.DECLINED: "they declined when they were asked",
}


def counted(number: int, noun: str) -> str:
    """``1 mail``, ``2 mails``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


async def _pages(
    parts: Parts, *, series_id: str | None, state: str | None
) -> AsyncIterator[tuple[Subscription, ...]]:
    after = 0
    wanted = None if state is None else State(state)
    while True:
        found = await parts.store.read(
            lambda c, after=after: ledger.page(  # type: ignore[misc]
                c, series_id=series_id, state=wanted, after=after, limit=PAGE
            )
        )
        if found:
            yield found
        if len(found) < PAGE:
            return
        after = found[-1].id


async def print_list(
    parts: Parts, *, series_id: str | None, state: str | None, as_json: bool
) -> None:
    """Everybody, in the order of coming."""
    write = sys.stdout.write
    count = 0
    async for page in _pages(parts, series_id=series_id, state=state):
        for one in page:
            if as_json:
                write(("[\n  " if count == 0 else ",\n  ") + _json_line(parts, one))
            else:
                write(_text_line(parts, one) + "\n")
            count += 1
    if as_json:
        write("\n]\n" if count else "[]\n")
    elif count == 0:
        click.echo("Nobody. People subscribe by mail; `mailer subscriber import` brings in more.")
    else:
        click.echo(counted(count, "subscription"), err=True)


def _json_line(parts: Parts, one: Subscription) -> str:
    language, timezone = preferences(parts.config, one)
    return msgspec.json.encode(
        {
            "address": one.address.mailbox,
            "series": one.series_id,
            "state": one.state.value,
            "since": stamp(_since(one)),
            "language": language,
            "timezone": timezone,
            "name": one.name,
        }
    ).decode()


def _text_line(parts: Parts, one: Subscription) -> str:
    language, timezone = preferences(parts.config, one)
    where = f"  {one.series_id}" if len(parts.config.series) > 1 else ""
    return (
        f"{printable(one.address.mailbox):<{_ADDRESS_WIDTH}}  {one.state:<12}  "
        f"{_since(one):%Y-%m-%d}  {language:<5}  {timezone}{where}"
    ).rstrip()


def _since(one: Subscription) -> datetime:
    """Since when they are in the state that they are in."""
    if one.state is State.PENDING:
        return one.requested_at
    began = one.since if one.state is State.ACTIVE else one.ended_at
    return began or one.requested_at


async def export(parts: Parts, file: BinaryIO, *, series_id: str | None, state: str | None) -> int:
    """People as CSV; how many."""
    count = 0
    header = people_to_csv([])
    file.write(header.encode())
    async for page in _pages(parts, series_id=series_id, state=state):
        file.write(people_to_csv(page).removeprefix(header).encode())
        count += len(page)
    file.flush()
    return count


async def print_people(parts: Parts, *, series_id: str | None, state: str | None) -> None:
    """The same as a JSON array."""
    before = "[\n  "
    async for page in _pages(parts, series_id=series_id, state=state):
        for one in page:
            person = {
                "address": one.address.mailbox,
                "name": one.name,
                "language": one.language,
                "timezone": one.timezone,
            }
            sys.stdout.write(before + msgspec.json.encode(person).decode())
            before = ",\n  "
    sys.stdout.write("[]\n" if before.startswith("[") else "\n]\n")


async def export_to(parts: Parts, path: Path, *, series_id: str | None, state: str | None) -> int:
    """The same into a file that only its owner reads; it is whole or not there."""
    handle, unfinished = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            count = await export(parts, file, series_id=series_id, state=state)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    return count


def person_json(found: Dossier) -> dict[str, object]:
    """`subscriber show --json`."""
    return {
        "address": found.address,
        "name": found.name,
        "subscriptions": found.subscriptions,
        "registrations": found.registrations,
    }


def person_lines(found: Dossier) -> Iterator[str]:
    """One person in plain words: who, since when, how they consented."""
    name = f" ({printable(found.name)})" if found.name else ""
    yield f"{printable(found.address)}{name}"
    for one in found.subscriptions:
        yield f"  {one.series}: {_standing(one)}"
        yield f"    Mails in {one.language or '?'}, times in {one.timezone or '?'}."
        for consent in one.consents:
            yield f"    {_at(consent.at)}  {_consent(consent)}"
    for chosen in found.registrations:
        yield f"  {chosen.webinar}: {chosen.state} on {_at(chosen.at)}."


def _standing(one: Held) -> str:
    match one.state:
        case State.ACTIVE if one.since is not None:
            pause = f", paused until {_at(one.paused_until)}" if one.paused_until else ""
            return f"subscribed since {_at(one.since)}{pause}."
        case State.PENDING if one.asked_at is not None:
            return f"asked to confirm on {_at(one.asked_at)}, no answer yet."
        case State.PENDING:
            return f"wanted to subscribe on {_at(one.requested_at)}, not asked to confirm yet."
    ended = f" since {_at(one.ended_at)}" if one.ended_at else ""
    return f"{one.state}{ended}."


def _consent(consent: Consent) -> str:
    evidence = f": {printable(consent.evidence)}" if consent.evidence else ""
    return f"{_DONE[consent.act]} (by {consent.channel}{evidence})"


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def summary_json(summary: Summary) -> dict[str, object]:
    """`subscriber import --json`."""
    return {
        "added": summary.added,
        "asked": summary.asked,
        "unchanged": summary.unchanged,
        "suppressed": [
            {"address": address, "reason": reason} for address, reason in summary.suppressed
        ],
        "faults": [*summary.faults],
        "more_faults": summary.more_faults,
    }


def fault_lines(summary: Summary, name: str) -> Iterator[str]:
    """Each bad row."""
    for fault in summary.faults:
        yield f"{name}: {fault}"
    if summary.more_faults:
        yield f"{name}: and {summary.more_faults} more such rows"


def summary_lines(summary: Summary, *, dry_run: bool) -> Iterator[str]:
    """What an import did or would do."""
    would = "would be " if dry_run else ""
    told: Sequence[tuple[int, str]] = (
        (summary.added, f"{would}subscribed"),
        (summary.asked, f"{would}asked to confirm"),
        (summary.unchanged, "left as they are (subscribed or asked already)"),
        (len(summary.suppressed), "kept out:" if summary.suppressed else "kept out"),
    )
    for count, what in told:
        if count:
            yield f"{count:>7}  {what}"
    for address, reason in summary.suppressed[:SHOWN]:
        yield f"           {printable(address)}: {WHY[Reason(reason)]}"
    if len(summary.suppressed) > SHOWN:
        yield f"           and {len(summary.suppressed) - SHOWN} more; --json names all"
    if dry_run:
        yield "Nothing was changed: this was a dry run."
    elif summary.asked:
        yield "Their confirmation mails go out after all other mail; `mailer outbox` shows how far."
