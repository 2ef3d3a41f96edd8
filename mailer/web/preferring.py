"""`/p/TOKEN`: language, time zone, pause; leaving; one's own data, to take along or to erase."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from starlette.requests import Request
from starlette.responses import Response

from mailer.intake.context import hash_address
from mailer.message import moment
from mailer.message.address import Address, Purpose
from mailer.message.command import (
    Command,
    Pause,
    Resume,
    SetLanguage,
    SetTimezone,
    Unsubscribe,
)
from mailer.message.shown import Shown
from mailer.store import people
from mailer.store.people import State
from mailer.web.form import SEAL, sealed_fields
from mailer.web.holder import Holder, holder_of
from mailer.web.own_data import as_json, own_data
from mailer.web.page import page
from mailer.web.public import offered
from mailer.web.site import Site, asker

_EVIDENCE = "preferences page"
_DONE = ("saved", "left")


class Preferring:
    """Serves the page on which a person decides about their mails and data."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """What holds now, and the forms to change it."""
        held = await holder_of(self._site, request, Purpose.PREFERENCES)
        return self._page(held)

    async def take(self, request: Request) -> Response:
        """One of its forms; the button that was pressed says which."""
        held = await holder_of(self._site, request, Purpose.PREFERENCES)
        sent = await sealed_fields(self._site, request, _purpose(held))
        match sent.get("do", ""):
            case "download":
                return await self._download(held)
            case "erase":
                return await self._erase(held, sent)
            case do:
                notice = await self._change(held, do, sent)
        # What holds afterwards, in the language that may just have been chosen.
        held = await holder_of(self._site, request, Purpose.PREFERENCES)
        return self._page(held, notice=notice, status=200 if notice in _DONE else 422)

    async def _change(self, held: Holder, do: str, sent: Mapping[str, str]) -> str:
        """What the page then says of it."""
        match do:
            case "settings":
                return await self._settle(held, sent)
            case "pause":
                word = await self._apply(held, Pause(until=_day(sent.get("until", ""))))
                return "saved" if word == "changed" else "day"
            case "resume":
                await self._apply(held, Resume())
                return "saved"
            case "leave":
                await self._leave(held)
                return "left"
            case _:
                return "wrong"

    async def _settle(self, held: Holder, sent: Mapping[str, str]) -> str:
        wanted: list[Command] = []
        if sent.get("language"):
            wanted.append(SetLanguage(language=sent["language"]))
        if sent.get("timezone"):
            wanted.append(SetTimezone(zone=sent["timezone"]))
        words = {await self._apply(held, one) for one in wanted}
        return "saved" if words <= {"changed"} else "wrong"

    async def _leave(self, held: Holder) -> None:
        """As by the link for leaving, so that nothing is mailed about it."""
        site = self._site
        token = site.secrets.mint.mint(
            Purpose.UNSUBSCRIBE, subject=held.subscription.id, day=site.clock.now().date()
        )
        await site.intake.command(held.series, asker(_EVIDENCE), Unsubscribe(token=token))

    async def _download(self, held: Holder) -> Response:
        site, address = self._site, held.subscription.address
        address_hash = hash_address(site.secrets.hash_key, address)
        data = await site.store.read(lambda c: own_data(c, address, address_hash))
        return Response(
            as_json(data),
            media_type="application/json",
            headers={
                "Content-Disposition": 'attachment; filename="my-data.json"',
                "Cache-Control": "no-store",
            },
        )

    async def _erase(self, held: Holder, sent: Mapping[str, str]) -> Response:
        if sent.get("sure") != "yes":
            return self._page(held, notice="sure", status=422)
        await self._forget(held.subscription.address)
        return page(self._site, held.series, held.who, "erased")

    async def _forget(self, address: Address) -> None:
        """Nothing is kept, and what is only claimed for sending is not begun (F29)."""
        site = self._site
        theirs = await site.store.read(lambda c: people.of_person(c, address.key))
        await site.person_changes.forget(address)
        for one in theirs:
            site.concerned(one.id)

    async def _apply(self, held: Holder, command: Command) -> str:
        by = asker(_EVIDENCE, language=held.who.language, holder=held.subscription)
        return (await self._site.intake.command(held.series, by, command)).word

    def _page(self, held: Holder, *, notice: str = "", status: int = 200) -> Response:
        site, person = self._site, held.subscription
        paused = person.paused_until
        is_paused = paused is not None and paused > site.clock.now()
        return page(
            site,
            held.series,
            held.who,
            "preferences",
            status=status,
            notice=notice,
            address=person.address.mailbox,
            state=person.state.value,
            is_active=person.state is State.ACTIVE,
            paused_until=paused.isoformat() if paused is not None and is_paused else "",
            spoken=_spoken(site, held),
            zones=offered(person.timezone or held.series.timezone),
            seal_name=SEAL,
            seal=site.seal.make(_purpose(held)),
        )


def _purpose(held: Holder) -> str:
    return f"preferences {held.text}"


def _spoken(site: Site, held: Holder) -> tuple[Shown, ...]:
    """The languages of mails, with the one that theirs are in."""
    chosen = site.renderer.nearest(held.subscription.language or held.series.language)
    return tuple(
        Shown(
            tag=tag,
            name=moment.language_name(tag, tag).capitalize(),
            chosen=tag == chosen,
        )
        for tag in site.renderer.languages
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
