"""Stored XSS on every page that there is, by everything that stands in the database (S9)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route
from sqlalchemy import Text

from mailer.store.schema import metadata
from tests.desk.hostile import (
    FRAMED,
    OTHERS_WORDS,
    OURS,
    UNSHOWN,
    Furnished,
    data_in,
    furnished,
    harmless,
    hostile,
    sent_pages,
    vocabulary,
)
from tests.desk.place import Place, config, opened_place
from tests.peers.browser import Answer

# What Markdown makes of a text that has it.
MARKDOWN = {(tag, "") for tag in ("p", "a", "em", "strong", "code", "pre", "ul", "ol", "li", "br",
            "blockquote", "hr", "h3", "span")} | {("a", "href"), ("ol", "start")}  # fmt: skip


async def pages(world: Furnished) -> dict[str, Answer]:
    """Every page: those that a GET shows, and those that answer a form."""
    found = {
        re.sub(r"^(/[cupjr]/).*", r"\1", path): await world.ada.get(path) for path in world.paths
    }
    async for path, answer in sent_pages(world):
        found[f"{path} ({len(found)})"] = answer
    return found


def test_every_column_of_text_is_thought_of() -> None:
    columns = {
        name: {column.name for column in table.c if isinstance(column.type, Text)}
        for name, table in metadata.tables.items()
    }
    listed = {
        name: {*OTHERS_WORDS.get(name, ()), *UNSHOWN.get(name, ())}
        for name in {*OTHERS_WORDS, *UNSHOWN}
    }
    assert {name: names for name, names in columns.items() if names} == listed


async def test_no_text_becomes_an_element_or_leads_astray(tmp_path: Path) -> None:
    """The pages of a hostile world are made of what those of a harmless one are made of, and show
    the same texts: every column of them is on one page at least."""
    known, told, wrong = set(MARKDOWN), {}, []
    for say in (harmless, hostile):
        folder = tmp_path / say.__name__
        folder.mkdir()
        async with opened_place(config(f"sqlite:///{folder / 'mailer.db'}", folder)) as place:
            found = await pages(await furnished(place, say))
        for path, page in found.items():
            words, addresses = vocabulary(page)
            if say is harmless:
                known |= words
                told[path] = fields(page)
                continue
            if path.endswith(FRAMED):  # where styles are inline, as in any mail
                words = {one for one in words if one[1] != "style"}
            foreign = words - known, {one for one in addresses if not OURS.match(one)}
            data = [one for one in data_in(page) if re.search("[<>&]", one)]
            lost = told[path] - fields(page)
            if page.status not in (200, 422) or any(foreign) or data or lost:
                wrong.append((path, page.status, *foreign, data, lost))
    assert wrong == [], "\n".join(map(repr, wrong))
    columns = {f"field-{name}-{one}" for name, ones in OTHERS_WORDS.items() for one in ones}
    assert columns - set().union(*told.values()) == set()


def fields(page: Answer) -> set[str]:
    """The texts that a page shows, by their words."""
    return set(re.findall(r"field-[a-z_-]+", page.text))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("bypassed", [False, True], ids=["policy", "escaping-alone"])
async def test_nothing_is_ever_run(local: Place, chromium: Browser, *, bypassed: bool) -> None:
    """No dialog opens and the browser tells of no breach; nor does any open in a browser that cares
    for no policy, as the texts are escaped in any case."""
    world = await furnished(local, hostile)
    context = await chromium.new_context(bypass_csp=bypassed)
    here = f"http://127.0.0.1:{local.port}"
    await context.add_cookies([{"name": world.ada.name, "value": world.ada.secret, "url": here}])
    page = await context.new_page()
    told: list[str] = []
    page.on("dialog", lambda one: told.append(f"dialog {one.message}"))
    if not bypassed:
        page.on("console", lambda one: told.append(f"{page.url} {one.text}"))
        page.on("pageerror", lambda one: told.append(f"{page.url} {one}"))
    for path in world.paths:
        if not path.endswith(".xml"):
            await page.goto(f"{here}{path}")
    async for path, answer in sent_pages(world):
        await shown(page, f"{here}/answer", answer)
        assert await page.locator("h1").count(), path
    # What else it tells: that a page was refused, that a field has no such value.
    usual = re.compile("status of 4|does not conform to the required format|cannot be parsed")
    assert [one for one in told if not usual.search(one)] == []
    await context.close()


async def shown(page: Page, url: str, answer: Answer) -> None:
    """Show a browser an answer that it did not ask for, headers and all."""

    async def fulfil(route: Route) -> None:
        body, headers = answer.body, {**answer.headers}
        await route.fulfill(status=200, headers=headers, body=body)

    await page.route(url, fulfil)
    await page.goto(url)
    await page.unroute(url)
