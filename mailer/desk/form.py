"""Forms of organisers: a token for each, bound to the visit and to what the form does (S10).

Who sends one is known before anything of it is read; so there may be more in it than in a form that
everybody can send.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from mailer.desk.organiser import Organiser
from mailer.desk.place import Desk
from mailer.web import form
from mailer.web.form import Room, Sent

MOST_BYTES = 262_144  # a long text, each of its letters written as nine
MOST_FILE_BYTES = 5_500_000  # a file of 5 MB, and the form around it
MOST_FIELDS = 600  # fifty speakers, hosts and links


def seal(desk: Desk, organiser: Organiser, purpose: str) -> str:
    """The token for this organiser's form with this purpose."""
    return desk.site.seal.make(_bound(organiser, purpose))


async def sealed(
    desk: Desk,
    request: Request,
    organiser: Organiser,
    purpose: str,
    *,
    texts: frozenset[str] = frozenset(),
) -> Mapping[str, str]:
    """The fields of a form; HTTPException 403 without its token or from elsewhere. Values are one
    line each, but for those that ``texts`` names."""
    room = Room(most_bytes=MOST_BYTES, most_fields=MOST_FIELDS, texts=texts)
    return (await form.sealed(desk.site, request, _bound(organiser, purpose), room)).fields


async def sealed_file(desk: Desk, request: Request, organiser: Organiser, purpose: str) -> Sent:
    """The same for a form with files (`enctype="multipart/form-data"`)."""
    room = Room(most_bytes=MOST_FILE_BYTES, most_files=4, seconds=120.0)
    return await form.sealed(desk.site, request, _bound(organiser, purpose), room)


def _bound(organiser: Organiser, purpose: str) -> str:
    return f"desk {organiser.session} {purpose}"
