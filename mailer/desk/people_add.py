"""`/admin/SERIES/people/add`: bringing one person in.

They are asked to confirm, unless the organiser says how they consented. Who must not be mailed
stays out, and the page says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.desk import deeds
from mailer.desk.form import seal, sealed
from mailer.desk.organiser import Organiser, at_series
from mailer.desk.place import Desk
from mailer.desk.sheet import go_to, sheet
from mailer.files.fields import Unfit, language_tag, line_of_text, zone_name
from mailer.files.people_csv import PersonRow
from mailer.intake.enrolling import Fate
from mailer.message import moment
from mailer.message.address import is_own, parse_address
from mailer.message.command import Channel
from mailer.message.shown import Shown, Value
from mailer.store import page_deed, people
from mailer.store.engine import Connection
from mailer.store.people import Subscription
from mailer.store.staging import Terms
from mailer.web.public import offered

FIELDS = ("address", "name", "language", "timezone", "how", "consent", "welcome")
CONFIRMED, YES = "confirmed", "yes"
LONGEST_CONSENT = 500  # characters
LONGEST_ADDRESS = 320


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How people come in, as an organiser typed it; ``wrong`` if the words are missing or long."""

    terms: Terms
    wrong: bool


def consent_of(sent: Mapping[str, str], organiser: Organiser, *, source: str) -> Consent:
    """The terms that a form states; ``source`` says where the addresses are from."""
    confirmed = sent.get("how") == CONFIRMED
    words = sent.get("consent", "")
    wrong = confirmed and not 0 < len(words) <= LONGEST_CONSENT
    evidence = f"{words if confirmed else source}; by {organiser.address.mailbox}"
    return Consent(
        terms=Terms(
            confirmed=confirmed,
            evidence=evidence,
            welcome=confirmed and sent.get("welcome") == YES,
            channel=Channel.WEB,
        ),
        wrong=wrong,
    )


class Adding:
    """Serves the form."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """The empty form."""
        organiser, series = await at_series(self._desk, request)
        return self._form(organiser, series, dict.fromkeys(FIELDS, ""), frozenset())

    async def take(self, request: Request) -> Response:
        """Bring somebody in, and go to their page."""
        organiser, series = await at_series(self._desk, request)
        found = await sealed(self._desk, request, organiser, _purpose(series))
        sent = {name: found.get(name, "") for name in FIELDS}
        consent = consent_of(sent, organiser, source="added by an organiser")
        person, wrong = self._person(sent)
        if consent.wrong:
            wrong |= {"consent"}
        if person is None or wrong:
            return self._form(organiser, series, sent, wrong, status=422)
        taken = await self._desk.parts.enrolling.add(series, person, consent.terms)
        if taken.fate is Fate.SUPPRESSED:
            return self._form(organiser, series, sent, wrong, status=422, why=taken.why)
        now = self._desk.site.clock.now()

        async def note(connection: Connection) -> Subscription | None:
            there = await people.find(connection, series.id, person.address.key)
            if there is not None and taken.fate is not Fate.UNCHANGED:
                about = page_deed.subscription(there.id)
                await deeds.note(connection, organiser, series, "add", now=now, about=about)
            return there

        there = await self._desk.site.store.write(note)
        assert there is not None  # added, asked, or left as they were
        self._desk.parts.nudge()
        return go_to(f"/admin/{series.id}/people/{there.id}", done=taken.fate)

    def _person(self, sent: Mapping[str, str]) -> tuple[PersonRow | None, frozenset[str]]:
        """Who it is, and the fields that cannot be taken."""
        wrong = set()
        address = parse_address(sent["address"][:LONGEST_ADDRESS])
        if address is None or is_own(address.key, self._desk.site.config.series):
            wrong.add("address")
        for name, check in (
            ("name", line_of_text),
            ("language", language_tag),
            ("timezone", zone_name),
        ):
            try:
                if sent[name]:
                    check(sent[name])
            except Unfit:
                wrong.add(name)
        if address is None or wrong:
            return None, frozenset(wrong)
        row = PersonRow(
            address=address,
            name=sent["name"] or None,
            language=language_tag(sent["language"]) if sent["language"] else None,
            timezone=sent["timezone"] or None,
        )
        return row, frozenset()

    def _form(
        self,
        organiser: Organiser,
        series: Series,
        sent: Mapping[str, str],
        wrong: frozenset[str],
        *,
        status: int = 200,
        why: str = "",
    ) -> Response:
        values: dict[str, Value] = dict(sent)
        return sheet(
            self._desk,
            organiser,
            "people-add",
            series=series,
            status=status,
            seal=seal(self._desk, organiser, _purpose(series)),
            value=Shown(**values),
            wrong=Shown(**{name: name in wrong for name in FIELDS}),
            any_wrong=bool(wrong),
            no_words="consent" in wrong,
            why=why,
            spoken=tuple(
                Shown(
                    tag=tag,
                    name=moment.language_name(tag, organiser.who.language),
                    chosen=tag == sent["language"],
                )
                for tag in self._desk.site.renderer.languages
            ),
            zones=offered(sent["timezone"] or series.timezone),
            own_zone=not sent["timezone"],
            days=self._desk.site.config.retention.pending.days,
        )


def _purpose(series: Series) -> str:
    return f"people {series.id} add"
