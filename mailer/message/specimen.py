"""One copy of a mail, for nobody: to be looked at before it is sent to anybody."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property

from mailer.message.address import LETTERS
from mailer.message.mark import Personal
from mailer.message.skeleton import Skeleton

READER = "reader@example.org"
TOKEN = "a" * LETTERS  # in the place of every token; means nothing


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """A whole mail, and what is in it."""

    content: bytes

    @cached_property
    def _message(self) -> EmailMessage:
        message = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def subject(self) -> str:
        """Its subject."""
        return str(self._message["Subject"])

    @property
    def text(self) -> str:
        """Its plain text."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """Its page."""
        return self._part("html")

    def _part(self, kind: str) -> str:
        part = self._message.get_body((kind,))
        assert part is not None  # every mail of ours has both
        found: str = part.get_content()
        return found.replace("\r\n", "\n")


def specimen(skeleton: Skeleton) -> Specimen:
    """The copy of somebody who does not exist."""
    values = dict.fromkeys(skeleton.names, TOKEN)
    own = {Personal.ADDRESS: READER, Personal.MESSAGE_ID: "specimen"}
    return Specimen(content=skeleton.fill(values | own))
