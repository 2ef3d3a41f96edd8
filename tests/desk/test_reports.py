"""Reports: the same numbers as plots and as tables, readable for everybody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.desk.looking import looked_at, sign_in
from tests.desk.place import Place
from tests.desk.season import season


async def test_a_series_without_mailings_has_a_report(place: Place) -> None:
    ada = await place.signed_in()
    page = await ada.get("/admin/copyright/reports")
    assert page.status == 200
    assert "Nothing has gone out yet." in page.words
    assert "No mail came back in the last 26 weeks." in page.words


async def test_what_became_of_mailings_is_told_in_numbers(either: Place) -> None:
    await season(either.parts)
    ada = await either.signed_in()
    page = await ada.get("/admin/copyright/reports")
    rows = re.findall(
        r"Webinar (\w+).*?</th>\s*<td[^>]*>(\d+)</td><td[^>]*>(\d+)</td>"
        r"<td[^>]*>(\d+)</td><td[^>]*>(\d+)</td>",
        page.text,
        re.DOTALL,
    )
    assert rows == [
        ("three", "18", "18", "0", "0"),
        ("two", "15", "11", "1", "3"),
        ("one", "16", "13", "3", "0"),
    ]
    assert "Subscribers 16 Came in half a year 20 Left 4" in page.words
    assert "5.1.1 &lt;no&gt; such" in page.text


async def test_plots_have_no_style_and_no_script_in_them(place: Place) -> None:
    """The policy allows neither, and neither is needed."""
    await season(place.parts)
    ada = await place.signed_in()
    page = await ada.get("/admin/copyright/reports")
    assert re.findall(r"<svg[^>]*\b(?:style|on\w+)=", page.text) == []
    assert len(re.findall(r'<svg class="plot"[^>]* role="img"', page.text)) == 3
    assert len(re.findall(r"<title id=", page.text)) == 3


async def test_another_series_report_is_not_there(place: Place) -> None:
    ada = await place.signed_in()
    assert (await ada.get("/admin/patents/reports")).status == 404
    assert (await place.browser.get("/admin/copyright/reports")).status == 401


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_reports_are_readable_for_everybody(
    local: Place, chromium: Browser, tmp_path: Path, scheme: str
) -> None:
    await season(local.parts)
    page = await sign_in(local, chromium, scheme=scheme)
    await page.goto(f"http://127.0.0.1:{local.port}/admin/copyright/reports")
    await page.get_by_text("The numbers", exact=True).click()
    await looked_at(page, picture=tmp_path / f"reports-{scheme}")
