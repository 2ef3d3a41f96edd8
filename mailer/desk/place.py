"""What every page of organisers works with: what all pages have, and the parts of the service."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.parts import Parts
from mailer.web.site import Site


@dataclass(frozen=True, kw_only=True)
class Desk:
    """``site`` is what public pages have as well."""

    site: Site
    parts: Parts
