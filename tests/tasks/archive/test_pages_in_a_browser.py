"""The pages of the archive as a browser shows them: on every width, to everyone, asking nobody."""

import datetime as dt
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tasks.archive.archive import Archive
from tasks.archive.entry import Entry
from tasks.archive.pages import render_index, render_region
from tests.tasks.archive.test_calendar import entry

pytestmark = pytest.mark.slow
NAME = "</title><script>alert(1)</script><img src=x onerror=alert(2)> " + "x" * 130


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A folder with the pages of a region of 400 days, every hundredth of which is withdrawn."""
    first = dt.date(2025, 11, 30)
    days = [_day(first + dt.timedelta(days=i), i % 100 == 50) for i in range(400)]
    published = Archive(tuple(days))
    (tmp_path / "town").mkdir()
    (tmp_path / "index.html").write_bytes(render_index(published, "https://example.org"))
    (tmp_path / "town" / "index.html").write_bytes(
        render_region(published, "town", "https://example.org")
    )
    return tmp_path


def _day(day: dt.date, withdrawn: bool) -> Entry:
    made = entry(day.isoformat(), 0.75 + day.day / 124, withdrawn)
    return made.model_copy(update={"name": NAME})


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("name", ["index.html", "town/index.html"])
def test_it_fits_and_can_be_used_by_everyone(
    name: str, width: int, scheme: Literal["light", "dark"], archive: Path, browser: Browser
) -> None:
    complaints: list[str] = []
    asked: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    address = (archive / name).as_uri()
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("img, script").count() == 0
    assert page.locator(".calendar td a").count() == 400
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert complaints == []
    assert {each for each in asked if not each.startswith("data:")} == {address}
    page.close()


def test_a_day_leads_to_its_row_between_its_neighbours(archive: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{(archive / 'town' / 'index.html').as_uri()}#town-2026-03-01")
    row = page.locator("tr:target")
    assert row.locator("th a").get_attribute("href") == "../town/2026-03-01/r1/index.html"
    rows = row.locator("xpath=preceding-sibling::tr[1] | following-sibling::tr[1]")
    assert rows.locator("th").all_inner_texts() == ["2026-03-02", "2026-02-28"]
    tops = rows.evaluate_all("rows => rows.map(e => e.getBoundingClientRect().top / innerHeight)")
    assert all(0 <= top < 1 for top in tops)
    page.close()
