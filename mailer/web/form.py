"""Reads what a form sends, within limits, and refuses what no page of ours would send (S10).

Both encodings of HTML forms are taken; files only where a page has room for them. What is refused
is raised as an HTTPException; the page that says so is made in `problem`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailer.message.text import clean
from mailer.web.origin import is_foreign
from mailer.web.site import Site

MOST_BYTES = 16_384  # of a body; the guard counts
MOST_BYTES_HERE = "mailer.most_bytes"  # in a request's scope: what holds instead
LONGEST_FILE_NAME = 255
SEAL = "seal"  # the field with the form's token


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a form may send: ``most_bytes`` in all, and text of many lines in the fields ``texts``.
    Every other value is made one line."""

    most_bytes: int = MOST_BYTES
    most_fields: int = 40
    most_files: int = 0
    seconds: float = 15.0
    texts: frozenset[str] = frozenset()


USUAL = Room()


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that came with a form; ``name`` is what its owner calls it, and is only shown."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The first field of each name, without controls, and the files; an empty one is none."""

    fields: Mapping[str, str]
    files: Mapping[str, File]


async def fields(request: Request) -> Mapping[str, str]:
    """The fields of a form of the usual size."""
    return (await sent(request, USUAL)).fields


async def sent(request: Request, room: Room) -> Sent:
    """What a form sends, if there is room for it; 408, 413 or 400 else."""
    request.scope[MOST_BYTES_HERE] = room.most_bytes
    try:
        async with asyncio.timeout(room.seconds):
            form = await request.form(
                max_files=room.most_files,
                max_fields=room.most_fields,
                max_part_size=room.most_bytes,
            )
            try:
                return await _taken(form, room)
            finally:
                await form.close()  # files of some size lie on the disk
    except TimeoutError:
        raise HTTPException(408) from None


async def _taken(form: FormData, room: Room) -> Sent:
    found: dict[str, str] = {}
    files: dict[str, File] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            content = await value.read()
            if content:
                called = clean(value.filename or "")[:LONGEST_FILE_NAME]
                files.setdefault(name, File(name=called, content=content))
        else:
            found.setdefault(name, _text(value) if name in room.texts else clean(value).strip())
    return Sent(fields=found, files=files)


def _text(value: str) -> str:
    """The lines of a text, each without controls."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(map(clean, lines)).strip("\n")


async def sealed_fields(site: Site, request: Request, purpose: str) -> Mapping[str, str]:
    """The fields of a form that we made for this purpose and that no other site sent; 403 else."""
    return (await sealed(site, request, purpose, USUAL)).fields


async def sealed(site: Site, request: Request, purpose: str, room: Room) -> Sent:
    """What such a form sends, if there is room for it."""
    if is_foreign(request, site.settings.base_url):
        raise HTTPException(403)
    found = await sent(request, room)
    if not site.seal.holds(purpose, found.fields.get(SEAL, "")):
        raise HTTPException(403)
    return found
