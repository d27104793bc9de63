"""How soon the page of a release is seen: opened from disk by Chromium, again and again.

    python -m tests.benchmarks.page_paint data/releases/demo/2026-05-20/r1

A line for each release: length of the page, rows, and the median and the longest time, from asking
for the page, until something is painted and until the map is drawn. Every time a new browser
context opens it, so that nothing is remembered.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

from tests.chromium import ChromiumMissingError, chromium

TIMES = 7

_PAINTED = """() => new Promise((done) => new PerformanceObserver((list) => {
    const found = list.getEntriesByName("first-contentful-paint");
    if (found.length) done(found[0].startTime);
}).observe({type: "paint", buffered: true}))"""
_DRAWN = """() => performance.getEntriesByName("map-drawn")[0].startTime"""


@dataclass(frozen=True)
class Paint:
    """Milliseconds after the page was asked for.

    Attributes:
        painted: When the first text or drawing was seen (first contentful paint).
        drawn: When the map was drawn.
    """

    painted: float
    drawn: float


def paint(browser: Browser, page: Path) -> Paint:
    """Open a page once, in a context of its own.

    Args:
        browser: Chromium.
        page: The index.html of a release.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        tab = context.new_page()
        tab.goto(page.resolve().as_uri())
        tab.wait_for_selector("html.drawn")
        return Paint(tab.evaluate(_PAINTED), tab.evaluate(_DRAWN))
    finally:
        context.close()


def line(release: Path, paints: list[Paint]) -> str:
    """What was measured of a release, in a line."""
    rows = json.loads((release / "manifest.json").read_bytes())["rows"]
    length = (release / "index.html").stat().st_size
    painted, drawn = (
        np.array([getattr(each, name) for each in paints]) for name in ("painted", "drawn")
    )
    return (
        f"{release}: {length:,} bytes, {rows:,} rows; painted after {np.median(painted):.0f} ms "
        f"(at most {painted.max():.0f}), map drawn after {np.median(drawn):.0f} ms "
        f"(at most {drawn.max():.0f}), {len(paints)} times"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("releases", nargs="+", type=Path, help="directories of releases")
    parser.add_argument("--times", type=int, default=TIMES, help=f"default {TIMES}")
    arguments = parser.parse_args()
    try:
        with chromium() as browser:
            for release in arguments.releases:
                page = release / "index.html"
                print(line(release, [paint(browser, page) for _ in range(arguments.times)]))
    except ChromiumMissingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
