"""`/admin/sign-in`: a link by mail, used once; signing out; the language of the pages.

The answer is the same whether an address is an organiser's or not (S14). Looking at a link uses
nothing up, so a scanner may open it (S2). Nothing that a request says decides where it leads (S11).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from mailer.desk import cookie
from mailer.desk.form import sealed
from mailer.desk.organiser import organiser_of, series_of
from mailer.desk.place import Desk
from mailer.desk.sheet import cover, go_to, sheet
from mailer.intake import admitting, announcing
from mailer.message.address import Address, Purpose, parse_address
from mailer.store import visit
from mailer.store.engine import Connection
from mailer.web.crowd import Crowd, evenly
from mailer.web.form import sealed_fields
from mailer.web.visitor import Visitor, visitor

GONE = 410
LONGEST_ADDRESS = 320
ASK = "desk sign in"


class SigningIn:
    """Serves what leads to the other pages, and out of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._crowd = Crowd(desk.site)

    async def home(self, request: Request) -> Response:
        """The series of an organiser; straight on to the only one."""
        organiser = await organiser_of(self._desk, request)
        if len(organiser.series) == 1:
            return go_to(f"/admin/{organiser.series[0].id}")
        return sheet(self._desk, organiser, "home", series=None)

    async def show(self, request: Request) -> Response:
        """The form that asks for a link."""
        return self._form(request)

    async def unknown(self, request: Request, error: Exception) -> Response:
        """The same, for somebody who came to another page."""
        headers = getattr(error, "headers", None) or {}
        return self._form(request, status=401, asked=True, headers=headers)

    async def ask(self, request: Request) -> Response:
        """Mail a link, if the address is an organiser's; and say in any case that it was."""
        site = self._desk.site
        found = await sealed_fields(site, request, ASK)
        typed = found.get("address", "")[:LONGEST_ADDRESS]
        address = parse_address(typed)
        if address is None:
            return self._form(request, status=422, typed=typed)
        await self._crowd.count(request)
        async with evenly():
            await self._mail(address)
        return cover(self._desk, self._who(request), "sign-in", stage="asked")

    async def look(self, request: Request) -> Response:
        """The link from the mail: a page with a button."""
        link_id = self._link_id(request)
        now = self._desk.site.clock.now()
        key = None
        if link_id is not None:
            key = await self._desk.site.store.read(lambda c: visit.offered(c, link_id, now=now))
        if self._theirs(key) is None:
            return self._old(request)
        return cover(
            self._desk,
            self._who(request),
            "sign-in",
            stage="enter",
            seal=self._desk.site.seal.make(self._entering(request)),
        )

    async def enter(self, request: Request) -> Response:
        """The button: use the link up and begin a visit."""
        site, who = self._desk.site, self._who(request)
        await sealed_fields(site, request, self._entering(request))
        link_id, secret, now = self._link_id(request), cookie.new(), site.clock.now()

        async def unit(connection: Connection) -> bool:
            key = None if link_id is None else await visit.use(connection, link_id, now=now)
            if key is None or self._theirs(key) is None:
                return False
            digest = cookie.digest_of(secret)
            await visit.begin(connection, digest, organiser=key, language=who.language, now=now)
            return True

        if not await site.store.write(unit):
            return self._old(request)
        answer = go_to("/admin")
        cookie.give(answer, site.settings.base_url, secret)
        return answer

    async def leave(self, request: Request) -> Response:
        """Sign out: the cookie stands for nothing any more, wherever a copy of it is."""
        organiser = await organiser_of(self._desk, request)
        await sealed(self._desk, request, organiser, "sign out")
        await self._desk.site.store.write(lambda c: visit.end(c, organiser.visit_id))
        answer = go_to("/admin/sign-in", done="out")
        cookie.take_back(answer, self._desk.site.settings.base_url)
        return answer

    async def speak(self, request: Request) -> Response:
        """Show the pages in another language from now on."""
        organiser = await organiser_of(self._desk, request)
        found = await sealed(self._desk, request, organiser, "speak")
        wanted = found.get("language", "")
        if wanted in self._desk.site.renderer.languages:
            await self._desk.site.store.write(lambda c: visit.speak(c, organiser.visit_id, wanted))
        return go_to("/admin")

    async def _mail(self, address: Address) -> None:
        """To the address as the configuration has it, in the language of their first series."""
        site = self._desk.site
        theirs = series_of(site.config, address)
        to = announcing.organiser(theirs[0], address) if theirs else None
        if to is None:
            return
        parts = self._desk.parts
        await site.store.write(
            lambda c: admitting.mail_link(parts.intake.context(c, theirs[0]), to)
        )
        parts.nudge()

    def _theirs(self, key: str | None) -> Address | None:
        """Who a link is for, as long as they are an organiser."""
        address = parse_address(key or "")
        return address if address and series_of(self._desk.site.config, address) else None

    def _link_id(self, request: Request) -> int | None:
        """What the token in the path names."""
        mint = self._desk.site.secrets.mint
        token = mint.read(Purpose.SIGN_IN, request.path_params["token"])
        return None if token is None else token.subject

    @staticmethod
    def _entering(request: Request) -> str:
        return f"desk enter {request.path_params['token'].lower()}"

    def _who(self, request: Request) -> Visitor:
        site = self._desk.site
        return visitor(request, site.renderer, site.config.series[0])

    def _old(self, request: Request) -> Response:
        return self._form(request, status=GONE, old=True)

    def _form(
        self,
        request: Request,
        *,
        status: int = 200,
        typed: str = "",
        asked: bool = False,
        old: bool = False,
        headers: dict[str, str] | None = None,
    ) -> Response:
        who = self._who(request)
        return cover(
            self._desk,
            who,
            "sign-in",
            status=status,
            headers=headers,
            stage="ask",
            typed=typed,
            wrong=status == 422,
            old=old,
            unknown=asked,
            out=request.query_params.get("done") == "out",
            seal=self._desk.site.seal.make(ASK),
        )
