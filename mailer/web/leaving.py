"""`/u/TOKEN`: leaving with one click, from a mail program or from the page (RFC 8058).

The POST needs no cookie, no form token, no Origin, and is never limited: the link alone says who
leaves what. It answers 200 and leads nowhere else. GET only asks, anything else changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from mailer.config.model import Series
from mailer.intake.speaking import NOBODY
from mailer.message.address import Address, Purpose
from mailer.message.command import Unsubscribe
from mailer.store import people, speaking
from mailer.store.people import State, Subscription
from mailer.web.form import SEAL, fields
from mailer.web.holder import holder_of
from mailer.web.page import page
from mailer.web.site import Site, asker
from mailer.web.visitor import Visitor, visitor

FIELD, CLICK = "List-Unsubscribe", "One-Click"  # RFC 8058 §3.1
_STILL_THERE = (State.ACTIVE, State.PENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """Who wants no more mail: ``text`` is the token as it stands in the address. Without a
    subscription it is somebody who takes part in a webinar."""

    text: str
    series: Series
    who: Visitor
    address: Address
    subscription: Subscription | None = None

    @property
    def is_gone(self) -> bool:
        """Whether they have left before."""
        return self.subscription is not None and self.subscription.state not in _STILL_THERE


class Leaving:
    """Serves the link in the List-Unsubscribe field and at the foot of every mail."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The question, with a button; for who has left, by whatever way, the way back."""
        leaver = await self._leaver(request)
        if leaver is None:
            return self._nobody(request)
        if not leaver.is_gone:
            return self._page(leaver, "ask")
        return self._page(leaver, "gone", undo=await self._undo(leaver.subscription))

    async def take(self, request: Request) -> Response:
        """One click, whoever makes it."""
        site = self._site
        leaver = await self._leaver(request)
        if leaver is None:
            return self._nobody(request)
        sent = await fields(request)
        if sent.get(FIELD, "").lower() != CLICK.lower():
            return self._page(leaver, "ask", status=400)
        await site.intake.command(leaver.series, asker("one click"), Unsubscribe(token=leaver.text))
        return self._page(leaver, "done", undo=await self._undo(leaver.subscription))

    async def _leaver(self, request: Request) -> Leaver | None:
        """Who holds the link: a subscriber, or somebody who takes part in a webinar; None for who
        was erased since. Raises HTTPException 404 for what is no such link."""
        speaker = await self._speaker(request)
        if speaker is not None:
            return speaker
        try:
            held = await holder_of(self._site, request, Purpose.UNSUBSCRIBE)
        except HTTPException:
            if await self._was_erased(request):
                return None
            raise
        return Leaver(
            text=held.text,
            series=held.series,
            who=held.who,
            address=held.subscription.address,
            subscription=held.subscription,
        )

    async def _was_erased(self, request: Request) -> bool:
        """Whether the link was made here, for somebody of whom nothing is kept."""
        token = self._site.secrets.mint.read(Purpose.UNSUBSCRIBE, request.path_params["token"])
        if token is None or token.subject == NOBODY:
            return False
        return await self._site.store.read(lambda c: people.by_id(c, token.subject)) is None

    def _nobody(self, request: Request) -> Response:
        """An old mail's button works for who was erased as well: they get no mail."""
        series = self._site.config.series[0]  # nobody knows any more which one it was
        return page(self._site, series, visitor(request, self._site.renderer, series), "erased")

    async def _speaker(self, request: Request) -> Leaver | None:
        site, text = self._site, request.path_params["token"].lower()
        token = site.secrets.mint.read(Purpose.UNSUBSCRIBE, text)
        if token is None or token.subject != NOBODY:
            return None
        found = await site.store.read(lambda c: speaking.part(c, token.context))
        series = None if found is None else site.series(found.series_id)
        if found is None or series is None:
            return None
        who = visitor(request, site.renderer, series)
        return Leaver(text=text, series=series, who=who, address=found.address)

    async def _undo(self, left: Subscription | None) -> str:
        """The way back for who had been subscribed: a confirmation of theirs, as in a farewell."""
        site = self._site
        if left is None or left.since is None:
            return ""
        ended = await site.store.read(lambda c: people.by_id(c, left.id))
        if ended is None or ended.state is not State.UNSUBSCRIBED:
            return ""
        return site.secrets.mint.mint(
            Purpose.CONFIRM,
            subject=ended.id,
            context=ended.generation,
            day=site.clock.now().date(),
        )

    def _page(self, leaver: Leaver, stage: str, *, status: int = 200, undo: str = "") -> Response:
        return page(
            self._site,
            leaver.series,
            leaver.who,
            "leave",
            status=status,
            stage=stage,
            address=leaver.address.mailbox,
            field=FIELD,
            click=CLICK,
            undo=f"/c/{undo}{leaver.who.query}" if undo else "",
            seal_name=SEAL,
            seal=self._site.seal.make(f"confirm {undo}") if undo else "",
        )
