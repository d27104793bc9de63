"""The picture of a quality report that the README shows, made on the simulated city.

    make run
    .venv/bin/opentrips assess deployments/regions/demo.yaml
    python -m tests.benchmarks.quality_picture data/releases/demo/2026-05-20/r1

Writes .readme/quality.png, the top of the report. A report is made of private rows, so one of
anything but the simulated city is refused, and so is one of another revision.
"""

import json
import sys
from pathlib import Path

from playwright.sync_api import Browser

from tasks.files import sha256_of
from tests.benchmarks.page_pictures import (
    PICTURES,
    WIDTH,
    of_the_simulated_city,
    release_named,
)

HEIGHT = 1620


def report_of(release: Path) -> Path | None:
    """The page of the report on a release, below the same root; None if there is none."""
    day = release.resolve().parent
    data = day.parents[2]
    folder = data / "private" / day.parent.name / "quality" / day.name
    manifest = folder / "manifest.json"
    if not manifest.exists():
        return None
    made_of = json.loads(manifest.read_bytes())["release_sha256"]
    return folder / "index.html" if made_of == sha256_of(release / "manifest.json") else None


def photograph(browser: Browser, page: Path, folder: Path) -> Path:
    """Take the picture.

    Args:
        browser: Chromium.
        page: The page of a report.
        folder: Where the picture goes.

    Returns:
        Its path.
    """
    found = folder / "quality.png"
    tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
    tab.goto(page.resolve().as_uri())
    tab.screenshot(path=found)
    tab.close()
    return found


def main() -> int:
    """Take the picture and say where it is."""
    release = release_named(__doc__)
    if (page := report_of(release)) is None:
        print(f"{release}: has no quality report; make it with: opentrips assess", file=sys.stderr)
        return 1
    return of_the_simulated_city(release, lambda browser, _: [photograph(browser, page, PICTURES)])


if __name__ == "__main__":
    sys.exit(main())
