"""What the steps of the first set-up share: the link, how far it has come, the page they stand in.

Which step is done is read from what there is, wherever it was done: on these pages, by a command,
by mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from starlette.responses import Response

from mailer.config.model import Series, TransportKind
from mailer.desk.place import Desk
from mailer.desk.sheet import cover, go_to
from mailer.message.shown import Shown, Value
from mailer.store import first_run, page_deed, people, programme, setting
from mailer.store.engine import Connection
from mailer.store.first_run import FirstRun
from mailer.store.people import State, Subscription
from mailer.web.page import shown_series
from mailer.web.site import Site
from mailer.web.visitor import Visitor

STEPS = ("connect", "prove", "webinar", "invite", "live")
ROOT = "/admin/first"
WHO = "first set-up"  # in the journal: nobody has signed in


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """``done`` is what a step has just done, by its address; ``finished`` the steps that are."""

    token: str
    state: FirstRun
    series: Series
    who: Visitor
    done: str
    finished: frozenset[str]
    guest: Subscription | None

    @classmethod
    async def look(
        cls, site: Site, *, token: str, state: FirstRun, series: Series, who: Visitor, done: str
    ) -> Self:
        """How far it has come."""

        async def unit(connection: Connection) -> tuple[bool, Subscription | None]:
            webinars = await programme.listing(connection, series_id=series.id)
            return bool(webinars), await people.by_id(connection, state.invited)

        webinars, guest = await site.store.read(unit)
        smtp = site.config.outbound.transport is TransportKind.SMTP
        confirmed = guest is not None and guest.state is State.ACTIVE
        holds = {
            "connect": bool(state.server) and smtp,
            "prove": state.proved_at is not None,
            "webinar": webinars,
            "invite": confirmed,
        }
        return cls(
            token=token,
            state=state,
            series=series,
            who=who,
            done=done,
            finished=frozenset(name for name, done in holds.items() if done),
            guest=guest,
        )

    @property
    def next_step(self) -> str:
        """The first that is not done."""
        return next(one for one in STEPS if one not in self.finished)

    def path(self, step: str) -> str:
        """Where a step is, in the language that was chosen."""
        return f"{self.bare_path(step)}{self.who.query}"

    def bare_path(self, step: str) -> str:
        """Where a step is."""
        return f"{ROOT}/{self.token}/{step}"

    def on_to(self, step: str, done: str = "") -> Response:
        """To a step after a form, in the language that was chosen."""
        chosen = {"lang": self.who.chosen} if self.who.chosen else {}
        return go_to(self.bare_path(step), done=done, **chosen)

    def purpose(self, step: str) -> str:
        """What a step's form is sealed for."""
        return f"first run {self.state.digest} {step}"


def step_page(
    desk: Desk,
    setup: Setup,
    step: str,
    *,
    status: int = 200,
    refresh: int = 0,
    **facts: Value,
) -> Response:
    """The page of a step."""
    return cover(
        desk,
        setup.who,
        f"first-{step}",
        status=status,
        headers={"Refresh": str(refresh)} if refresh else {},
        series=shown_series(desk.site, setup.series, setup.who),
        steps=tuple(
            Shown(
                name=name,
                number=number,
                url=setup.path(name),
                done=name in setup.finished,
                current=name == step,
            )
            for number, name in enumerate(STEPS, 1)
        ),
        seal=desk.site.seal.make(setup.purpose(step)),
        finished=step in setup.finished,
        following=setup.path(STEPS[min(STEPS.index(step) + 1, len(STEPS) - 1)]),
        done=setup.done,
        **facts,
    )


async def keep(
    site: Site, setup: Setup, state: FirstRun, act: str, *, about: str = "", reload: bool = False
) -> None:
    """Remember how far it has come, and what was done; with ``reload`` the daemon reads its
    configuration again. Nothing of it if the link was made anew in the meantime."""
    now = site.clock.now()

    async def unit(connection: Connection) -> None:
        present = await first_run.current(connection)
        if present is None or present.digest != state.digest:
            return
        await first_run.put(connection, state)
        await page_deed.note(
            connection, series_id=setup.series.id, who=WHO, act=act, about=about, now=now
        )
        if reload:
            await setting.bump(connection, setting.RELOAD)

    await site.store.write(unit)
