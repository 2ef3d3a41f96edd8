"""From a claimed row to the bytes of one person's mail.

Rows of an announcement share a skeleton, kept in memory for as long as they come; a personal row
brings its own letter. What fails here fails for this one row and says why.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from mailer.config.model import Config, Series
from mailer.drawing import Drawing
from mailer.errors import MailerError
from mailer.message.address import Purpose, address_of
from mailer.message.compose import Attachment
from mailer.message.header import date_text
from mailer.message.letter import draw, from_json
from mailer.message.mark import Personal
from mailer.message.sign import Signer
from mailer.message.skeleton import Skeleton
from mailer.message.token import TokenMint
from mailer.store import announcement, journal
from mailer.store.announcement import Group
from mailer.store.engine import Connection, Store
from mailer.store.outbox import Claimed
from mailer.transport.outcome import Outgoing
from scheduler.clock import Clock

_SKELETONS = 64

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


_Key = tuple[str | int | bool, ...]


class CannotFill(MailerError, ValueError):
    """This row has no value for a personal place, or its letter cannot be made."""


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
        self._kept: OrderedDict[_Key, Skeleton] = OrderedDict()

    async def outgoing(self, row: Claimed) -> Outgoing:
        """The finished mail of a row; raises CannotFill or TemplateFault."""
        now = self._clock.now()
        series = self._config.series_by_id(row.series_id)
        skeleton = await self._skeleton(row)
        try:
            content = skeleton.fill(self._values(row, skeleton, now))
        except ValueError as error:
            raise CannotFill(str(error)) from error
        if self._signer is not None:
            content = self._signer.sign(content, now)
        return Outgoing(
            id=row.id,
            sender=self._return_path(row, series, now),
            recipient=row.recipient,
            content=content,
        )

    def _return_path(self, row: Claimed, series: Series, now: datetime) -> str:
        token = self._mint.mint(Purpose.BOUNCE, subject=row.id, day=now.date())
        return address_of(series, Purpose.BOUNCE, token)

    def _values(self, row: Claimed, skeleton: Skeleton, now: datetime) -> dict[Personal, str]:
        values = {
            Personal.ADDRESS: row.recipient,
            Personal.MESSAGE_ID: row.message_id,
            Personal.DATE: date_text(row.queued_at),
            Personal.ANSWERED: row.answered,
        }
        for personal in skeleton.names - values.keys():
            values[personal] = self._token(row, personal, now)
        return values

    def _token(self, row: Claimed, personal: Personal, now: datetime) -> str:
        subject, day = row.subscription_id, now.date()
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

    async def _skeleton(self, row: Claimed) -> Skeleton:
        """What the row shares with others, kept while such rows come."""
        key = _key(row)
        kept = self._kept.get(key)
        if kept is None:
            kept = await self._drawn(row)
            if row.blob_id is None:
                self._kept[key] = kept
            if len(self._kept) > _SKELETONS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return kept

    async def _drawn(self, row: Claimed) -> Skeleton:
        if row.announcement_id is None:
            attachments = await self._attachments(row)
            return draw(
                from_json(row.data),
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
        )
        return await self._drawing.skeleton(connection, item, group, now=self._clock.now())

    async def _attachments(self, row: Claimed) -> tuple[Attachment, ...]:
        blob_id = row.blob_id
        if blob_id is None:
            return ()
        content = await self._store.read(lambda c: journal.content(c, blob_id))
        if content is None:
            raise CannotFill("the mail to forward has expired")
        return (Attachment(name="message.eml", media_type="message/rfc822", content=content),)


def _key(row: Claimed) -> _Key:
    """Rows of one key have one skeleton: a group of an announcement, or equal letters."""
    if row.announcement_id is None:
        return (row.kind, row.data)
    return (row.announcement_id, row.language, row.zone, row.registered)
