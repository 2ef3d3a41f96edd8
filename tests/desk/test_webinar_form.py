"""What stands in the forms about a webinar, and what it is understood as; pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mailer.config.model import Slots
from mailer.desk import webinar_form
from mailer.desk.webinar_form import WHOLE, Typed
from mailer.message.facts import Link, Speaker
from mailer.store.webinar import WebinarRecord
from scheduler.model import Status
from tests.world import NOON, SERIES, content

START = datetime(2026, 11, 25, 13)  # noqa: DTZ001 - on the clock of the series
ADA = Speaker(name="Ada Example", affiliation="Institute", address="ada@example.org")
READ = Link(title="The standard", url="https://example.org/iscc")


def record(**more: object) -> WebinarRecord:
    made = content(START, registration_url="", speakers=(ADA,), links=(READ,))
    fields = {name: getattr(made, name) for name in made.__dataclass_fields__}
    beside = {
        "id": 7,
        "series_id": SERIES.id,
        "slug": "iscc",
        "number": 3,
        "status": Status.SCHEDULED,
        "revision": 0,
        "sequence": 0,
        "uid": "x",
        "stamp": NOON,
        "published_at": NOON,
        "materials_at": None,
        "materials": (),
        "reason": "",
    }
    return WebinarRecord(**(fields | beside | more))  # type: ignore[arg-type]


def sent(**more: str) -> dict[str, str]:
    """What a browser sends of the form as it was shown."""
    form = webinar_form.stored(record())
    return {one["name"]: one["value"] for one in webinar_form.hidden(form)} | more  # type: ignore[misc]


def test_a_form_that_nobody_touched_changes_nothing() -> None:
    form = webinar_form.typed(sent())
    assert form == webinar_form.stored(record())
    assert webinar_form.changed(form, webinar_form.stored(record())) == frozenset()


@pytest.mark.parametrize(
    ("field", "text", "key"),
    [
        ("title", "Another title", "title"),
        ("starts", "2026-12-02T13:00", "starts"),
        ("duration", "90m", "duration"),
        ("abstract", "Other words.", "abstract"),
        ("capacity", "40", "capacity"),
        ("speakers_1_name", "Eve Example", "speakers"),
        ("speakers_2_name", "Eve Example", "speakers"),
        ("hosts_1_name", "Eve Example", "hosts"),
        ("links_1_title", "", "links"),
    ],
)
def test_only_what_is_different_is_a_change(field: str, text: str, key: str) -> None:
    form = webinar_form.typed(sent(**{field: text}))
    assert webinar_form.changed(form, webinar_form.stored(record())) == {key}


def test_a_form_is_read_as_a_programme_file_is() -> None:
    found = webinar_form.read(webinar_form.typed(sent(capacity="40")), SERIES, asked=WHOLE)
    assert found.wrong == frozenset()
    draft = found.draft
    assert draft is not None
    assert (draft.title, draft.wall_start, draft.duration) == ("CAPASSO", START, timedelta(hours=1))
    assert (draft.speakers, draft.links, draft.capacity) == ((ADA,), (READ,), 40)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("title", ""),
        ("title", "x" * 301),
        ("starts", "soon"),
        ("starts", "2026-11-31T13:00"),
        ("duration", "long"),
        ("duration", "25h"),
        ("language", "english"),
        ("abstract", "x" * 20_001),
        ("registration_url", "javascript:alert(1)"),
        ("join_url", "ftp://example.org"),
        ("capacity", "-1"),
        ("capacity", "many"),
        ("speakers_1_name", ""),
        ("speakers_1_url", "javascript:alert(1)"),
        ("speakers_1_address", "nobody"),
        ("links_1_title", ""),
        ("links_1_url", "//example.org"),
    ],
)
def test_each_fault_is_told_at_its_field(field: str, text: str) -> None:
    found = webinar_form.read(webinar_form.typed(sent(**{field: text})), SERIES, asked=WHOLE)
    assert (found.draft, found.wrong) == (None, {field})


def test_rows_that_were_emptied_are_left_out() -> None:
    rows = {f"speakers_1_{part}": "" for part in ("name", "affiliation", "url", "address")}
    form = webinar_form.typed(sent(**rows, speakers_4_name="Eve Example"))
    (row,) = form.rows["speakers"]
    assert row["name"] == "Eve Example"


def test_a_move_asks_for_nothing_but_the_time() -> None:
    form = Typed(texts={"starts": "2026-12-02T13:00", "duration": ""})
    found = webinar_form.read(form, SERIES, asked=("starts",))
    assert found.wrong == frozenset()


def test_materials_are_read_as_links_and_their_faults_are_told_at_them() -> None:
    form = webinar_form.typed({"materials_1_title": "Slides", "materials_1_url": READ.url})
    assert webinar_form.read_materials(form, SERIES).materials == (
        Link(title="Slides", url=READ.url),
    )
    form = webinar_form.typed({"materials_1_title": "Slides", "materials_1_url": "slides.pdf"})
    found = webinar_form.read_materials(form, SERIES)
    assert (found.materials, found.wrong) == ((), {"materials_1_url"})


def test_a_new_form_has_what_the_series_knows() -> None:
    slots = Slots(rrule="FREQ=WEEKLY;BYDAY=WE", start=START, duration=timedelta(minutes=90))
    form = webinar_form.blank(replace(SERIES, slots=slots, language="fr"), START)
    known = {name: form.texts[name] for name in ("starts", "duration", "language", "title")}
    assert known == {"starts": "2026-11-25T13:00", "duration": "90m", "language": "fr", "title": ""}
    assert webinar_form.blank(SERIES, None).texts["starts"] == ""


def test_a_time_with_seconds_is_kept_whole() -> None:
    assert webinar_form.wall(START + timedelta(seconds=5)) == "2026-11-25T13:00:05"
