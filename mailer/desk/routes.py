"""Every page of organisers, by path and method; one line a page.

What changes something is a POST whose form has a token, without exception: a test walks this table.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.routing import Route

from mailer.desk.announcement import Announcement
from mailer.desk.announcements import Announcements
from mailer.desk.first_run import FirstRun
from mailer.desk.health import Health
from mailer.desk.people import People
from mailer.desk.people_add import Adding
from mailer.desk.people_import import PeopleImport
from mailer.desk.person import Persons
from mailer.desk.place import Desk
from mailer.desk.preview import Preview
from mailer.desk.programme import Programme
from mailer.desk.programme_import import ProgrammeImport
from mailer.desk.reports import Reports
from mailer.desk.signing_in import SigningIn
from mailer.desk.timeline import Timeline
from mailer.desk.webinar import Webinars
from mailer.desk.webinar_change import Changes
from mailer.web.routes import Annex


def annex(desk: Desk) -> Annex:
    """The pages of organisers, for `web.routes.application`."""
    return Annex(routes=routes(desk), unknown=SigningIn(desk).unknown)


def routes(desk: Desk) -> list[Route]:
    """The table; the first that fits answers."""
    signing_in, first_run = SigningIn(desk), FirstRun(desk)
    return [
        _get("/admin", signing_in.home),
        _get("/admin/", signing_in.home),
        _get("/admin/sign-in", signing_in.show),
        _post("/admin/sign-in", signing_in.ask),
        _get("/admin/sign-in/{token}", signing_in.look),
        _post("/admin/sign-in/{token}", signing_in.enter),
        _post("/admin/sign-out", signing_in.leave),
        _post("/admin/language", signing_in.speak),
        _get("/admin/first/{token}", first_run.begin),
        _get("/admin/first/{token}/{step}", first_run.show),
        _post("/admin/first/{token}/{step}", first_run.take),
        *_outgoing(desk),
        *_programme(desk),
        *_watching(desk),
        *_people(desk),
    ]


def _outgoing(desk: Desk) -> list[Route]:
    timeline, listing, one = Timeline(desk), Announcements(desk), Announcement(desk)
    preview = Preview(desk)
    there = "/admin/{series}/announcements"
    return [
        _get("/admin/{series}", timeline.show),
        _post("/admin/{series}", timeline.switch),
        _get(there, listing.show),
        _get(f"{there}/new", listing.write),
        _post(f"{there}/new", listing.take),
        _get(there + "/{number:int}", one.show),
        _post(there + "/{number:int}", one.take),
        _get(there + "/{number:int}/mail.html", preview.mail),
        _get(there + "/{number:int}/edit", listing.change),
        _post(there + "/{number:int}/edit", listing.take_change),
    ]


def _programme(desk: Desk) -> list[Route]:
    listing, webinars, changes = Programme(desk), Webinars(desk), Changes(desk)
    importing = ProgrammeImport(desk)
    there = "/admin/{series}/programme"
    return [
        _get(there, listing.show),
        _get(f"{there}/import", importing.show),
        _post(f"{there}/import", importing.look),
        _post(there + "/import/{kept:int}", importing.store),
        _get(f"{there}/new", changes.show_new),
        _post(f"{there}/new", changes.take_new),
        _get(there + "/{number:int}", webinars.show),
        _get(there + "/{number:int}/registrations.csv", webinars.registrations),
        _get(there + "/{number:int}/{kind}", changes.show),
        _post(there + "/{number:int}/{kind}", changes.take),
    ]


def _people(desk: Desk) -> list[Route]:
    people, adding, importing, persons = (
        People(desk),
        Adding(desk),
        PeopleImport(desk),
        Persons(desk),
    )
    there = "/admin/{series}/people"
    return [
        _get(there, people.show),
        _get(f"{there}/export.csv", people.export),
        _get(f"{there}/add", adding.show),
        _post(f"{there}/add", adding.take),
        _get(f"{there}/import", importing.show),
        _post(f"{there}/import", importing.look),
        _get(there + "/import/{batch:int}", importing.follow),
        _post(there + "/import/{batch:int}", importing.decide),
        _get(there + "/{person:int}", persons.show),
        _post(there + "/{person:int}", persons.take),
    ]


def _watching(desk: Desk) -> list[Route]:
    reports, health = Reports(desk), Health(desk)
    return [
        _get("/admin/{series}/reports", reports.show),
        _get("/admin/{series}/health", health.show),
        _post("/admin/{series}/health/examine", health.examine),
        _post("/admin/{series}/health/accept", health.accept),
    ]


def _get(path: str, endpoint: Callable[[Request], object]) -> Route:
    return Route(path, endpoint, methods=["GET"])


def _post(path: str, endpoint: Callable[[Request], object]) -> Route:
    return Route(path, endpoint, methods=["POST"])
