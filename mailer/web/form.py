"""Reads what a form sends, within limits, and refuses what no page of ours would send (S10).

Both encodings of HTML forms are taken, no files. What is refused is raised as an HTTPException; the
page that says so is made in `problem`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mailer.message.text import clean
from mailer.web.origin import is_foreign
from mailer.web.site import Site

MOST_BYTES = 16_384  # of a body; the guard counts
MOST_FIELDS = 40
READ_SECONDS = 15.0
SEAL = "seal"  # the field with the form's token


async def fields(request: Request) -> Mapping[str, str]:
    """The fields of a form, the first of each name; controls are taken out of their values."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            form = await request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=MOST_BYTES)
    except TimeoutError:
        raise HTTPException(408) from None
    found: dict[str, str] = {}
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            found.setdefault(name, clean(value).strip())
    return found


async def sealed_fields(site: Site, request: Request, purpose: str) -> Mapping[str, str]:
    """The fields of a form that we made for this purpose and that no other site sent; 403 else."""
    if is_foreign(request, site.settings.base_url):
        raise HTTPException(403)
    found = await fields(request)
    if not site.seal.holds(purpose, found.get(SEAL, "")):
        raise HTTPException(403)
    return found
