"""From a claimed row to the bytes of one person's mail.

Rows of an announcement share a mould, kept in memory for as long as they come; a personal row
brings its own letter. What fails here fails for this one row and says why.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mailer.config.model import Config, Series
from mailer.dispatch.enclosing import CannotFill, enclosed
from mailer.drawing import Drawing
from mailer.intake.admitting import SIGN_IN
from mailer.intake.speaking import NOBODY
from mailer.message.address import Purpose, address_of
from mailer.message.header import date_text
from mailer.message.letter import draw, from_json
from mailer.message.mark import Personal
from mailer.message.sign import SignedSkeleton, Signer
from mailer.message.skeleton import Skeleton
from mailer.message.token import TokenMint
from mailer.store import announcement
from mailer.store.engine import Connection, Store
from mailer.store.lease import Claimed
from mailer.store.skeleton import Group
from mailer.transport.outcome import Outgoing
from scheduler.clock import Clock

_MOULDS = 64

_OF_ROW = {Personal.ADDRESS, Personal.MESSAGE_ID, Personal.DATE, Personal.ANSWERED}
# Which purpose a personal value's token serves, and whether it is bound to a webinar as well.
_OF_PERSON = {
    Personal.UNSUBSCRIBE: Purpose.UNSUBSCRIBE,
    Personal.PREFERENCES: Purpose.PREFERENCES,
}
_OF_WEBINAR = {
    Personal.REGISTER: Purpose.REGISTER,
    Personal.SKIP: Purpose.SKIP,
    Personal.JOIN: Purpose.JOIN,
}
# Of who takes part in a webinar without being subscribed: the row itself says who that is.
_OF_SPEAKER = {Personal.UNSUBSCRIBE: Purpose.UNSUBSCRIBE}
# A copy of this kind to an address that need not be subscribed is there to be looked at: its tokens
# are nobody's.
_TRIED_OUT = "message"

_Key = tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mould:
    """What rows share, ready to be filled: also what their signatures share, if there is a signer,
    and which tokens they have."""

    skeleton: Skeleton
    signed: SignedSkeleton | None
    tokens: tuple[Personal, ...]

    def fill(self, values: Mapping[Personal, str], now: datetime) -> bytes:
        """The wire text of one mail; ValueError if a value cannot be used."""
        if self.signed is None:
            return self.skeleton.fill(values)
        return self.signed.fill(values, now)


class Filling:
    """Makes mails with one configuration, its templates and its keys."""

    def __init__(
        self,
        *,
        store: Store,
        config: Config,
        drawing: Drawing,
        mint: TokenMint,
        signer: Signer | None,
        clock: Clock,
    ) -> None:
        self._store = store
        self._config = config
        self._drawing = drawing
        self._mint = mint
        self._signer = signer
        self._clock = clock
        self._kept: OrderedDict[_Key, Mould] = OrderedDict()

    @property
    def in_threads(self) -> bool:
        """Whether filling takes so long that it belongs into threads."""
        return self._signer is not None and self._signer.in_threads

    async def mould(self, row: Claimed) -> Mould:
        """What the row shares with others, kept while such rows come.

        Raises CannotFill, TemplateFault, StoreUnavailable.
        """
        key = _key(row)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        made = self._prepared(await self._drawn(row))
        if row.blob_id is None:
            self._kept[key] = made
        if len(self._kept) > _MOULDS:
            self._kept.popitem(last=False)
        return made

    def fill(self, row: Claimed, mould: Mould) -> Outgoing:
        """The finished mail of a row; raises CannotFill. Any thread may call it."""
        now = self._clock.now()
        series = self._config.series_by_id(row.series_id)
        try:
            content = mould.fill(self._values(row, mould, now), now)
        except ValueError as error:
            raise CannotFill(str(error)) from error
        return Outgoing(
            id=row.id,
            sender=self._return_path(row, series, now),
            recipient=row.recipient,
            content=content,
            straight=mould.skeleton.is_straight,
        )

    def _prepared(self, skeleton: Skeleton) -> Mould:
        tokens = tuple(skeleton.names - _OF_ROW)
        if self._signer is None:
            return Mould(skeleton=skeleton, signed=None, tokens=tokens)
        try:
            signed = self._signer.prepared(skeleton)
            return Mould(skeleton=skeleton, signed=signed, tokens=tokens)
        except ValueError as error:
            raise CannotFill(str(error)) from error

    def _return_path(self, row: Claimed, series: Series, now: datetime) -> str:
        token = self._mint.mint(Purpose.BOUNCE, subject=row.id, day=now.date())
        return address_of(series, Purpose.BOUNCE, token)

    def _values(self, row: Claimed, mould: Mould, now: datetime) -> dict[Personal, str]:
        values = {
            Personal.ADDRESS: row.recipient,
            Personal.MESSAGE_ID: row.message_id,
            Personal.DATE: date_text(row.queued_at),
            Personal.ANSWERED: row.answered,
        }
        for personal in mould.tokens:
            values[personal] = self._token(row, personal, now)
        return values

    def _token(self, row: Claimed, personal: Personal, now: datetime) -> str:
        subject, day = row.subscription_id, now.date()
        if personal is Personal.APPROVE and row.generation:
            return self._mint.mint(Purpose.APPROVE, subject=row.generation, day=day)
        if personal is Personal.SIGN_IN and row.template == SIGN_IN:
            return self._mint.mint(Purpose.SIGN_IN, subject=row.generation, day=day)
        if subject is None and row.template == _TRIED_OUT:
            subject = NOBODY
        if subject is None and row.announcement_id is not None and personal in _OF_SPEAKER:
            return self._mint.mint(_OF_SPEAKER[personal], subject=NOBODY, context=row.id, day=day)
        if subject is None:
            raise CannotFill(f"{personal} needs a subscription")
        if personal in _OF_PERSON:
            return self._mint.mint(_OF_PERSON[personal], subject=subject, day=day)
        if personal is Personal.CONFIRM:
            return self._mint.mint(
                Purpose.CONFIRM, subject=subject, context=row.generation, day=day
            )
        if personal in _OF_WEBINAR and row.webinar_id is not None:
            return self._mint.mint(
                _OF_WEBINAR[personal], subject=subject, context=row.webinar_id, day=day
            )
        raise CannotFill(f"{personal} needs a webinar")

    async def _drawn(self, row: Claimed) -> Skeleton:
        if row.data:
            letter, attachments = await enclosed(
                self._store, row, from_json(row.data), now=self._clock.now()
            )
            return draw(
                letter,
                self._drawing.renderer,
                kind=row.kind,
                date=None,
                attachments=attachments,
            )
        return await self._store.write(lambda connection: self._announced(connection, row))

    async def _announced(self, connection: Connection, row: Claimed) -> Skeleton:
        assert row.announcement_id is not None
        item = await announcement.by_id(connection, row.announcement_id)
        if item is None:
            raise CannotFill("its announcement is gone")
        group = Group(
            announcement_id=row.announcement_id,
            language=row.language,
            zone=row.zone,
            registered=row.registered,
            told_sequence=row.told_sequence,
        )
        return await self._drawing.skeleton(connection, item, group, now=self._clock.now())


def _key(row: Claimed) -> _Key:
    """Rows of one key have one skeleton: a group of an announcement, or equal letters."""
    if row.data or row.announcement_id is None:
        return (row.kind, row.data)
    return (row.announcement_id, row.language, row.zone, row.registered, row.told_sequence)
