"""The report of one release as a browser shows it: nothing asked for, and usable by everyone."""

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tasks.files import sha256_of, write_manifest
from tests.benchmarks.quality_picture import photograph, report_of
from tests.tasks.quality.test_page import page

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark"), (1440, "light")])
def test_no_request_leaves_the_page_and_everyone_can_use_it(
    width: int, scheme: Literal["light", "dark"], browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "index.html"
    path.write_text(page(), encoding="utf-8")
    asked: list[str] = []
    complaints: list[str] = []
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(path.as_uri())
    tab.locator("summary").click()
    assert tab.get_by_text("Internal. Not publishable.").is_visible()
    assert tab.locator("svg.plot").count() == 1 + 6 + 1 + 2 + 2
    for plot in tab.locator("svg.plot").all():
        box = plot.bounding_box()
        assert box is not None
        assert box["width"] > 100
        assert box["height"] > 50
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    results = Axe().run(tab)
    assert results.violations_count == 0, results.generate_report()
    assert {address for address in asked if not address.startswith("data:")} == {path.as_uri()}
    assert complaints == []
    tab.close()


def test_a_picture_is_taken_of_the_report_on_a_release_and_of_no_other(
    browser: Browser, tmp_path: Path
) -> None:
    release = tmp_path / "releases" / "demo" / "2026-05-20" / "r1"
    folder = tmp_path / "private" / "demo" / "quality" / "2026-05-20"
    for path in (release, folder):
        path.mkdir(parents=True)
    write_manifest(release, {}, [])
    assert report_of(release) is None
    (folder / "index.html").write_text(page(), encoding="utf-8")
    fields = {"release_sha256": sha256_of(release / "manifest.json")}
    write_manifest(folder, fields, ["index.html"])
    found = report_of(release)
    assert found == folder / "index.html"
    picture = photograph(browser, found, tmp_path)
    assert picture.read_bytes().startswith(b"\x89PNG")
    write_manifest(release, {"revision": 2}, [])
    assert report_of(release) is None
