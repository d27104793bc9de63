"""A release by hand: a person fills the form in the Prefect UI and follows the link to the page."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from playwright.sync_api import Browser, Locator, Page, expect

from infra.service.group import Group
from tests.conftest import free_port
from tests.flows.conftest import ROOT

MINUTE = 60_000
"""In milliseconds, as the browser counts."""


@pytest.fixture
def page(browser: Browser) -> Page:
    """A tab of a browser that nobody sees."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(MINUTE)
    expect.set_options(timeout=MINUTE)
    return tab


@pytest.fixture
def group(data_root: Path, tmp_path: Path) -> Iterator[Group]:
    """One machine, on which a day of the region `city` was collected and nothing released."""
    region = yaml.safe_load((ROOT / "deployments" / "regions" / "demo.yaml").read_text())
    folder = tmp_path / "regions"
    folder.mkdir()
    (folder / "city.yaml").write_text(yaml.safe_dump({**region, "id": "city"}))
    group = Group(ROOT, data_root, free_port())
    try:
        group.start()
        group.wait_until_healthy()
        group.deploy(folder)
        group.run_deployment("collect/city")
        yield group
    finally:
        group.stop()


def field(page: Page, title: str) -> Locator:
    """A field of the form, with its title, its description and what is filled in."""
    label = page.get_by_text(re.compile(rf"^{title}( \(Optional\))?$"))
    return label.locator("xpath=ancestor::div[contains(concat(' ', @class, ' '), ' p-label ')][1]")


def choose_date(page: Page, title: str, day: str) -> None:
    field(page, title).get_by_role("button", name="date").click()
    field(page, title).get_by_text("Select date").click()
    page.locator(".p-date-picker input[type=date]").fill(day)
    page.get_by_role("button", name="Apply").click()
    page.locator(".p-date-picker").wait_for(state="hidden")


def choose(page: Page, title: str, choice: str) -> None:
    # by the keyboard: in Chromium 156 a click opens a list of Prefect 3.8.8 and closes it at once
    field(page, title).locator(".p-select-button__control").press("ArrowDown")
    page.locator(".p-pop-over-content").get_by_text(choice, exact=True).click()


def submit(page: Page) -> None:
    page.get_by_role("button", name="Submit").click()


def runs(group: Group, flow: str) -> list[dict[str, Any]]:
    """The runs of a flow that have ended."""
    wanted = {
        "flows": {"name": {"any_": [flow]}},
        "flow_runs": {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}}},
    }
    answer = requests.post(f"{group.api}/flow_runs/filter", json=wanted, timeout=30)
    found: list[dict[str, Any]] = answer.json()
    return found


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_release_is_started_by_its_form_and_its_page_is_one_link_away(
    page: Page, group: Group
) -> None:
    (collected,) = (group.data / "private" / "city" / "journal" / "demo").glob("*-*-*")
    day = collected.name
    page.goto(group.api.removesuffix("api") + "deployments")
    row = page.get_by_role("row").filter(has_text="release")
    row.get_by_role("link", name="city", exact=True).click()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("Custom run").click()

    expect(field(page, "Epsilon")).to_contain_text("Over 0, at most 10.")
    field(page, "Epsilon").locator("input").fill("11")
    submit(page)
    expect(page.get_by_text("11 is greater than the maximum of 10").first).to_be_visible()
    assert runs(group, "release") == []

    field(page, "Epsilon").locator("input").fill("1")
    expect(field(page, "Synthesizer").get_by_role("button", name="TripNet")).to_be_visible()
    field(page, "Steps").locator("input").fill("30")
    choose_date(page, "day", day)
    choose(page, "training", "here")
    submit(page)

    page.get_by_role("link", name=f"release-city-{day}").click(timeout=3 * MINUTE)
    expect(page.get_by_text("Completed", exact=True).first).to_be_visible(timeout=7 * MINUTE)
    (release,) = runs(group, "release")
    assert release["parameters"]["day"] == day
    assert release["parameters"]["region"]["synthesizer"] == {"name": "trip_field", "steps": 30}
    (train,) = runs(group, "train")
    assert train["deployment_id"] is None

    page.get_by_text("Artifacts", exact=True).click()
    page.get_by_role("link").filter(has_text="Page of the release").click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="r1/index.html").click()
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text("Louisville (simulated)")
    assert opened.value.url == f"{group.pages}/city/{day}/r1/index.html"
