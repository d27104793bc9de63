"""The page as a browser shows it: drawn, moved, heard, printed, and left alone by what it names."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Position

from tasks.region import Region
from tasks.region.ways import Lines, Ways
from tasks.release import live_map
from tasks.release.manifest import PublicManifest
from tasks.release.page import render_page
from tasks.release.tables import published_table
from tests.benchmarks.page_paint import paint
from tests.benchmarks.page_pictures import SIMULATED, is_simulated, photograph

MakeRegion = Callable[..., Region]
MakeRows = Callable[[Region, int], pa.Table]
MakeManifest = Callable[..., PublicManifest]
Scheme = Literal["light", "dark"]
Open = Callable[..., Page]

WIDTHS = {"phone": 390, "tablet": 820, "desktop": 1440}
AREAS = [
    {"name": "north", "south": 52.4, "west": 10.4, "north": 52.5, "east": 10.6},
    {"name": "south", "south": 52.2, "west": 10.4, "north": 52.3, "east": 10.6},
]

pytestmark = pytest.mark.slow


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page from disk; afterwards it must not have complained, nor asked for anything."""
    complaints: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_page(
        html: str, width: int = 1440, scheme: Scheme = "light", *, scripts: bool = True
    ) -> Page:
        path = tmp_path / "index.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            java_script_enabled=scripts,
            has_touch=width < 500,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        if scripts:
            page.wait_for_selector("html.drawn")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert {address for address in asked if not address.startswith("data:")} == {
        (tmp_path / "index.html").as_uri()
    }


@pytest.fixture
def rendered(
    make_region: MakeRegion, make_manifest: MakeManifest, make_rows: MakeRows
) -> Callable[..., str]:
    """Renders a page of 600 rows in two areas; keyword arguments go to the renderer."""

    def render(**more: Any) -> str:
        region = make_region(service_area=AREAS)
        tables = {"trips": published_table(make_rows(region, 600))}
        manifest = make_manifest(region, rows={"trips": 600})
        return render_page(manifest, {**tables, **more.pop("tables", {})}, **more)

    return render


@pytest.fixture
def with_intervals(
    rendered: Callable[..., str],
    make_region: MakeRegion,
    make_rows: MakeRows,
    make_intervals: Callable[[Region, pa.Table], pa.Table],
) -> str:
    """The same page with error bars."""
    region = make_region(service_area=AREAS)
    intervals = make_intervals(region, make_rows(region, 600))
    return rendered(tables={"intervals": intervals})


def drawn(page: Page) -> str:
    """What the map shows, pixel by pixel."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")
    return str(page.evaluate("document.getElementById('map-canvas').toDataURL()"))


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait for something, at most five seconds; the page's policy lets no script of ours wait."""
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come about")


def said(page: Page) -> str:
    return page.inner_text("#map-said")


def focus(page: Page) -> None:
    """Come to the map by the keyboard, as someone without a mouse does."""
    page.locator("input[name=map-layer]:checked").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "map-stage"


def test_the_hours_and_the_layers_change_what_is_drawn(
    open_page: Open, rendered: Callable[..., str]
) -> None:
    page = open_page(rendered())
    all_day = drawn(page)
    assert page.inner_text("#map-moment").startswith("All day: ")
    page.fill("#map-hour", "8")
    assert page.inner_text("#map-moment").startswith("08:00 to 09:00: ")
    eight = drawn(page)
    page.locator("#map-hour").press("ArrowRight")
    valued = page.get_attribute("#map-hour", "aria-valuetext")
    assert valued is not None
    assert valued.startswith("09:00 to 10:00: ")
    assert len({all_day, eight, drawn(page)}) == 3
    page.click("#map-all-day")
    assert drawn(page) == all_day
    layers = set()
    for layer in ("Origins", "Destinations", "Flows"):
        page.get_by_role("radio", name=layer).check()
        layers.add(drawn(page))
    assert len(layers) == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_it_fits_and_can_be_used_by_everyone(
    width: int,
    scheme: Scheme,
    open_page: Open,
    with_intervals: str,
) -> None:
    page = open_page(with_intervals, width, scheme)
    for details in page.locator("details").all():
        details.evaluate("(element) => { element.open = true; }")
    page.get_by_role("radio", name="Flows").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_the_map_is_moved_by_the_keyboard_alone(
    open_page: Open, rendered: Callable[..., str]
) -> None:
    page = open_page(rendered())
    first = drawn(page)
    focus(page)
    seen = [first]
    for key in ("+", "ArrowLeft", "ArrowUp", "-"):
        page.keyboard.press(key)
        seen.append(drawn(page))
        assert "in this cell of" in said(page) or "Outside the service area" in said(page)
    assert len(set(seen)) == len(seen)
    page.keyboard.press("0")
    page.keyboard.press("Tab")  # away, where nothing is marked
    page.mouse.move(700, 100)
    page.evaluate("document.getElementById('map-stage').dispatchEvent(new Event('pointerleave'))")
    assert drawn(page) == first


def test_the_map_is_moved_by_buttons_mouse_and_wheel_once_it_is_chosen(
    open_page: Open, rendered: Callable[..., str]
) -> None:
    page = open_page(rendered())
    first = drawn(page)
    page.get_by_role("button", name="Zoom in").click()
    closer = drawn(page)
    page.get_by_role("button", name="Show the whole area").click()
    area = drawn(page)
    page.get_by_role("button", name="Show where most trips are").click()
    assert drawn(page) == first
    stage = page.locator("#map-stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    before = page.evaluate("scrollY")
    page.mouse.wheel(0, -120)
    until(page, lambda: page.evaluate("scrollY") < before)  # the page moves, the map does not
    box = stage.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(*middle)
    marked = drawn(page)
    page.mouse.wheel(0, -240)
    until(page, lambda: drawn(page) != marked)
    zoomed = drawn(page)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 30)
    page.mouse.up()
    assert len({first, closer, area, zoomed, drawn(page)}) == 5


def test_two_fingers_move_the_map_and_one_moves_the_page(
    open_page: Open, rendered: Callable[..., str]
) -> None:
    page = open_page(rendered(), WIDTHS["phone"])
    page.locator("#map-stage").scroll_into_view_if_needed()
    box = page.locator("#map-stage").bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touched = [{"x": left, "y": top, "id": i} for i, (left, top) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    first = drawn(page)
    touch("touchStart", (x, y))
    touch("touchMove", (x + 40, y))
    touch("touchEnd")
    assert drawn(page) == first
    touch("touchStart", (x - 20, y), (x + 20, y))
    touch("touchMove", (x - 90, y), (x + 90, y))
    touch("touchEnd")
    assert drawn(page) != first


def test_an_area_is_chosen_from_the_list(open_page: Open, rendered: Callable[..., str]) -> None:
    page = open_page(rendered())
    first, moment = drawn(page), page.inner_text("#map-moment")
    choices = page.locator("#map-area option").all_inner_texts()
    assert sorted(choice.split()[0] for choice in choices) == ["north", "south"]
    page.select_option("#map-area", index=1)
    assert drawn(page) != first
    assert page.inner_text("#map-moment") != moment
    rows = choices[1].split("(")[1].removesuffix(")")
    assert page.inner_text("#map-moment") == f"All day: {rows} trips"


def test_the_hours_are_played_and_paused(open_page: Open, rendered: Callable[..., str]) -> None:
    page = open_page(rendered())
    page.clock.install()
    page.get_by_role("button", name="Play").click()
    assert page.inner_text("#map-moment").startswith("00:00 to 01:00")
    page.clock.run_for(2_000)
    assert page.inner_text("#map-moment").startswith("02:00 to 03:00")
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(5_000)
    assert page.inner_text("#map-moment").startswith("02:00 to 03:00")
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(30_000)
    assert page.inner_text("#map-moment").startswith("All day")


def test_what_is_pointed_at_is_said_with_its_interval(
    open_page: Open,
    with_intervals: str,
) -> None:
    page = open_page(with_intervals)
    plain = drawn(page)
    stage = page.locator("#map-stage").bounding_box()
    assert stage is not None
    among_origins: Position = {"x": stage["width"] / 2, "y": stage["height"] * 0.65}
    page.hover("#map-stage", position=among_origins)
    assert "in this cell of" in said(page)
    assert "In the dashed square the true number is between 0 and " in said(page)
    assert drawn(page) != plain
    page.hover("#map-stage", position={"x": 3, "y": 3})
    assert said(page) == "Outside the service area."
    page.fill("#map-hour", "8")
    page.hover("#map-stage", position=among_origins)
    assert "true number" not in said(page)  # which is known of the whole day only


def pointed(page: Page, words: str) -> None:
    """Point all over the map, until these words are said."""
    assert page.evaluate(
        """(words) => {
          const stage = document.getElementById("map-stage");
          const said = document.getElementById("map-said");
          const { left, top, width, height } = stage.getBoundingClientRect();
          for (let y = 2; y < height; y += 12) for (let x = 2; x < width; x += 12) {
            const at = { clientX: left + x, clientY: top + y };
            stage.dispatchEvent(new PointerEvent("pointermove", at));
            if (words.split("...").every((part) => said.textContent.includes(part))) return true;
          }
          return false;
        }""",
        words,
    ), words


def test_a_flow_that_is_pointed_at_is_said_with_its_interval(
    open_page: Open, with_intervals: str
) -> None:
    page = open_page(with_intervals)
    page.get_by_role("radio", name="Flows").check()
    plain = drawn(page)
    pointed(page, "This flow has ... From one dashed square to the other go ")
    assert re.search(
        r"has \d+ trips\. From one dashed square to the other go \d+; the true number is between 0 "
        r"and \d+ in 90 of 100 cases\.$",
        said(page),
    )
    assert drawn(page) != plain
    pointed(
        page, "Of the flows drawn, ... arrive. The busiest has ... trips. From one dashed square"
    )
    page.hover("#map-stage", position={"x": 3, "y": 3})
    assert drawn(page) == plain


def test_without_intervals_flows_are_only_counted(
    open_page: Open, rendered: Callable[..., str]
) -> None:
    page = open_page(rendered())
    page.get_by_role("radio", name="Flows").check()
    for words in ("Of the flows drawn, ", "This flow has "):
        pointed(page, words)
        assert "true number" not in said(page)


def test_without_script_the_still_maps_are_the_page(
    open_page: Open, rendered: Callable[..., str]
) -> None:
    page = open_page(rendered(), scripts=False)
    assert page.locator("svg.map").count() == 4
    for drawing in page.locator("svg.map").all():
        assert drawing.is_visible()
    assert not page.locator(".live").is_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no-script"])
def test_on_paper_the_still_maps_stand_for_the_live_one(
    scripts: bool, open_page: Open, rendered: Callable[..., str]
) -> None:
    page = open_page(rendered(), scripts=scripts)
    assert page.locator("#still").get_attribute("open") == (None if scripts else "")
    page.emulate_media(media="print")
    assert not page.locator(".live").is_visible()
    assert page.locator("svg.map").first.is_visible()


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize(
    "name",
    [
        '"><img src=x onerror=alert(1)><script>alert(1)</script>',
        "</script></style></title><b>'",
        "\u202eright to left \u2066",
        "x" * 4096,
        "<!--<script>" * 341,
    ],
    ids=["markup", "ends", "direction", "4 kB", "comments"],
)
def test_names_from_outside_stay_text_and_break_nothing(
    name: str,
    width: int,
    open_page: Open,
    region: Region,
    make_manifest: MakeManifest,
    make_rows: MakeRows,
) -> None:
    manifest = make_manifest(region, rows={"trips": 60})
    place = manifest.region.model_copy(update={"name": name})
    feeds = [feed.model_copy(update={"id": name}) for feed in manifest.capture.feeds]
    capture = manifest.capture.model_copy(update={"feeds": tuple(feeds)})
    hostile = manifest.model_copy(update={"region": place, "licence": name, "capture": capture})
    page = open_page(
        render_page(hostile, {"trips": make_rows(region, 60)}, described={"n": name}), width
    )
    assert page.locator("h1").text_content() == name
    assert page.locator("img, b, h1 *:not(bdi)").count() == 0
    assert page.locator("script").count() == 5
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    title = page.locator("h1").bounding_box()
    assert title is not None
    assert title["height"] < 300
    assert drawn(page)


def test_roads_are_the_ground_and_a_sample_is_said(
    open_page: Open, rendered: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = drawn(open_page(rendered()))
    road = [(float(x), 52.48) for x in np.linspace(10.41, 10.59, 5)]
    ways = Ways(50, {"north": Lines.of([tuple(road)]), "south": Lines.of([((10.5, 52.29),)])})
    page = open_page(rendered(ways=ways))
    assert drawn(page) != bare
    assert not page.locator("#map-sampled").is_visible()
    monkeypatch.setattr(live_map, "MOST_ROWS", 200)
    page = open_page(rendered())
    assert page.inner_text("#map-moment").endswith("trips drawn")
    assert page.inner_text("#map-sampled") == (
        "The map draws 200 of 600 rows, chosen at equal steps through the published order: "
        "each stands for 3.0."
    )


def test_a_release_of_ends_has_the_same_map(
    open_page: Open,
    make_region: MakeRegion,
    make_manifest: MakeManifest,
    make_rows: MakeRows,
    model: dict[str, Any],
) -> None:
    region = make_region()
    trips = make_rows(region, 300)
    places = ["area", "hour", "latitude", "longitude"]
    starts, ends = (
        trips.select(["area", "hour", f"{end}_latitude", f"{end}_longitude"]).rename_columns(places)
        for end in ("origin", "destination")
    )
    modelled = trips.append_column("start_hour", trips["hour"])
    tables = {"starts": starts, "ends": ends, "modelled_trips": modelled}
    mechanism = {
        "name": "gaussian_counts",
        "noise_multiplier": 4.0,
        "trips_per_unit": 1,
        "tables": [
            {"name": "start_cells", "cells": 9, "distinct": 1, "multiplier": 1, "sigma": "4"}
        ],
    }
    model["privacy"]["mechanism"] = mechanism
    model["synthesizer"] = {"name": "trip_ends", "steps": 100}
    manifest = make_manifest(region, rows=dict.fromkeys(tables, 300), model=model)
    page = open_page(render_page(manifest, tables))
    seen = set()
    for layer, words in (("Starts", "300 rides"), ("Ends", "300 rides"), ("Flows", "300 modelled")):
        page.get_by_role("radio", name=layer).check()
        seen.add(drawn(page))
        assert words in page.inner_text("#map-moment")
    assert len(seen) == 3


def test_pictures_and_times_of_a_page_are_taken(
    browser: Browser, rendered: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "index.html"
    path.write_text(rendered(), encoding="utf-8")
    measured = paint(browser, path)
    assert 0 < measured.painted < 10_000
    assert 0 < measured.drawn < 10_000
    pictures = [picture.read_bytes() for picture in photograph(browser, path, tmp_path)]
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert pictures[0] != pictures[1]
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"charge": {"sources": SIMULATED}}))
    assert is_simulated(tmp_path)
    manifest.write_text(json.dumps({"charge": {"sources": [*SIMULATED, "a-real-fleet"]}}))
    assert not is_simulated(tmp_path)
