"""The pages of a change of the programme: its form, and what it would do. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from mailer.config.model import Series
from mailer.desk import webinar_form
from mailer.desk.effect import changes, mailings, notes
from mailer.desk.form import seal
from mailer.desk.organiser import Organiser
from mailer.desk.place import Desk
from mailer.desk.sheet import sheet
from mailer.desk.webinar_wish import BESIDE, Kind, Wish
from mailer.intake.editing import Action, Edited
from mailer.message import moment
from mailer.message.shown import Shown, Value
from mailer.outlook import Outlook
from mailer.store.history import CORRECTS
from mailer.store.webinar import WebinarRecord
from mailer.web.listing import facts_at
from scheduler.model import Status
from scheduler.recurrence import Slot

_TEMPLATES = {
    Kind.NEW: "form",
    Kind.EDIT: "form",
    Kind.MOVE: "move",
    Kind.CANCEL: "cancel",
    Kind.PUBLISH: "effect",
    Kind.MATERIALS: "materials",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Who is at which webinar, None for one that is not there yet. ``slots`` are free ones."""

    organiser: Organiser
    series: Series
    record: WebinarRecord | None = None
    slots: tuple[Slot, ...] = ()

    @property
    def path(self) -> str:
        """The webinar's page, or the list."""
        programme = f"/admin/{self.series.id}/programme"
        return f"{programme}/{self.record.number}" if self.record else programme

    def purpose(self, kind: Kind) -> str:
        """What the token of a form is for."""
        return f"{self.path} {kind}"


def form_sheet(
    desk: Desk,
    place: Place,
    wish: Wish,
    *,
    status: int = 200,
    spare: int = webinar_form.SPARE,
    refused: str = "",
    past: bool = False,
    same: bool = False,
) -> Response:
    """The form as it was typed. ``refused`` says why the change makes no sense, ``past`` asks
    whether the past is meant, ``same`` says that nothing would change."""
    return sheet(
        desk,
        place.organiser,
        f"programme-{_TEMPLATES[wish.kind]}",
        series=place.series,
        status=status,
        form=webinar_form.shown(wish.form, wrong=wish.wrong, spare=spare),
        spoken=_languages(desk, place.organiser, wish.form.texts.get("language", "")),
        slots=tuple(
            Shown(start=webinar_form.wall(one.wall_start), at=one.starts_at.isoformat())
            for one in place.slots
        ),
        refused=refused,
        past=past,
        same=same,
        shared=_facts(desk, place, wish),
    )


def effect_sheet(
    desk: Desk,
    place: Place,
    wish: Wish,
    edited: Edited,
    news: Sequence[Outlook],
    *,
    stale: bool = False,
) -> Response:
    """What a change would do, and the button that stores it. ``stale`` says that somebody else
    changed the webinar in between."""
    now = desk.site.clock.now()
    record = edited.record
    corrects = [one for one in news if one.kind in CORRECTS]
    return sheet(
        desk,
        place.organiser,
        "programme-effect",
        series=place.series,
        hidden=(*webinar_form.hidden(wish.form), *_hidden(wish)),
        refused="",
        added=edited.action is Action.ADDED,
        unchanged=edited.action is Action.UNCHANGED,
        title=record.title,
        draft=record.status is Status.DRAFT,
        at=record.starts_at.isoformat(),
        zone=record.zone,
        changes=changes(edited, place.organiser.who.language),
        news=mailings(news),
        settles=any(one.kind == "update" for one in corrects) and bool(place.series.settle),
        over=record.status_at(now) is Status.OVER,
        notes=notes(edited),
        stale=stale,
        shared=_facts(desk, place, wish),
    )


def refusal_sheet(desk: Desk, place: Place, wish: Wish, why: str) -> Response:
    """That something without a form makes no sense as things stand."""
    return sheet(
        desk,
        place.organiser,
        "programme-effect",
        series=place.series,
        refused=why,
        shared=_facts(desk, place, wish),
    )


def _facts(desk: Desk, place: Place, wish: Wish) -> dict[str, Value]:
    """What the form and the page that shows its effect both know."""
    site, record = desk.site, place.record
    facts: dict[str, Value] = {
        "kind": wish.kind.value,
        "seal": seal(desk, place.organiser, place.purpose(wish.kind)),
        "beside": Shown(**(dict.fromkeys(BESIDE, "") | dict(wish.beside))),
        "series_zone": place.series.timezone,
        "has_slots": place.series.slots is not None,
        "back": place.path,
        "action": f"{place.path}/{wish.kind}",
        "revision": record.revision if record else 0,
    }
    if record is not None:
        now = site.clock.now()
        facts["webinar"] = facts_at(record, base_url=site.config.base_url, now=now)
    return facts


def _hidden(wish: Wish) -> tuple[Shown, ...]:
    return tuple(Shown(name=name, value=value) for name, value in wish.beside.items() if value)


def _languages(desk: Desk, organiser: Organiser, chosen: str) -> tuple[Shown, ...]:
    """The languages that a webinar can be said to be in, the chosen one in any case."""
    tags = desk.site.renderer.languages
    listed = tags if chosen in tags or not chosen else (chosen, *tags)
    return tuple(
        Shown(tag=tag, name=moment.language_name(tag, organiser.who.language), chosen=tag == chosen)
        for tag in listed
    )
