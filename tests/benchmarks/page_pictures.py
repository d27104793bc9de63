"""The pictures of the page that the README shows, made from a release of the simulated city.

    make run
    python -m tests.benchmarks.page_pictures data/releases/demo/2026-05-20/r1

Writes .readme/page.png, the top of the page by day, and .readme/map.png, flows in an hour on a dark
screen. A release of anything but the simulated city is refused.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from tests.chromium import ChromiumMissingError, chromium

SIMULATED = ["simulated-louisville"]
"""The source of the only releases of which pictures are made."""
PICTURES = Path(__file__).parents[2] / ".readme"
WIDTH, HEIGHT = 1120, 1330
HOUR = "17"


def is_simulated(release: Path) -> bool:
    """Whether a release is of the simulated city."""
    manifest = json.loads((release / "manifest.json").read_bytes())
    return bool(manifest["charge"]["sources"] == SIMULATED)


def photograph(browser: Browser, page: Path, folder: Path) -> list[Path]:
    """Take both pictures.

    Args:
        browser: Chromium.
        page: The index.html of a release.
        folder: Where the pictures go.

    Returns:
        Their paths.
    """
    found = [folder / "page.png", folder / "map.png"]
    tab = _opened(browser, page, "light")
    tab.screenshot(path=found[0])
    tab = _opened(browser, page, "dark")
    tab.get_by_role("radio", name="Flows").check()
    tab.fill("#map-hour", HOUR)
    live = tab.locator(".live")
    live.evaluate("(element) => { element.style.padding = '1.5rem'; }")
    live.screenshot(path=found[1])
    return found


def _opened(browser: Browser, page: Path, scheme: Literal["light", "dark"]) -> Page:
    tab = browser.new_page(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme, reduced_motion="reduce"
    )
    tab.goto(page.resolve().as_uri())
    tab.wait_for_selector("html.drawn")
    return tab


def of_the_simulated_city(release: Path, take: Callable[[Browser, Path], Sequence[Path]]) -> int:
    """Take pictures of a release and say where they are; the exit status.

    Args:
        release: Directory of a release; one of anything but the simulated city is refused.
        take: Takes them, of a release, in a browser.
    """
    if not is_simulated(release):
        print(f"{release}: not of the simulated city; play it with: make run", file=sys.stderr)
        return 1
    try:
        with chromium() as browser:
            for path in take(browser, release):
                print(f"{path}: {path.stat().st_size:,} bytes")
    except ChromiumMissingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def release_named(about: str) -> Path:
    """The release that the command line names."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("release", type=Path, help="directory of a release of the simulated city")
    release: Path = parser.parse_args().release
    return release


def main() -> int:
    """Take the pictures and say where they are."""
    return of_the_simulated_city(
        release_named(__doc__),
        lambda browser, release: photograph(browser, release / "index.html", PICTURES),
    )


if __name__ == "__main__":
    sys.exit(main())
