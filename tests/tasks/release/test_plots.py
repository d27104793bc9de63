import datetime as dt
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import numpy as np
import pytest

from tasks.region import Box, Region
from tasks.release.figures import size_m
from tasks.release.manifest import PublicManifest
from tasks.release.plots import (
    COLOURS,
    LARGE,
    SMALL,
    MapStyle,
    Ramp,
    capture_line,
    density_map,
)


@pytest.mark.parametrize("most", [0, 1, 2, 9, 64, 127, 128, 5000])
def test_the_ramp_holds_every_count(most: int) -> None:
    ramp = Ramp.up_to(most)
    assert ramp.bounds[0] == 1
    assert ramp.bounds[-1] <= max(most, 1)
    assert len(ramp.labels()) == len(ramp.bounds) == len(set(ramp.colours)) <= COLOURS
    assert list(ramp.colours) == sorted(ramp.colours)


@pytest.mark.parametrize("style", [LARGE, SMALL], ids=["large", "small"])
def test_a_map_draws_each_cell_where_it_lies(style: MapStyle, region: Region) -> None:
    (box,) = region.service_area
    width, height = size_m(box)
    cell_m = 1000
    cells = np.zeros((int(height // cell_m) + 1, int(width // cell_m) + 1), dtype=int)
    cells[0, 2:5] = 3  # a run in the southernmost row
    cells[1, 0] = 1
    svg = ET.fromstring(density_map(cells, box, cell_m, Ramp.up_to(3), style, "Where"))
    inner = svg.find("svg")
    assert inner is not None
    # The proportions of the frame are those of the area.
    frame_width, frame_height = float(inner.get("width", 0)), float(inner.get("height", 0))
    assert frame_width / frame_height == pytest.approx(width / height, rel=0.01)
    top = height / cell_m
    drawn = {
        path.get("class"): [
            (round(top - float(y)) - 1, int(x), int(length))  # row, column, length
            for x, y, length in re.findall(r"M(\d+) (-?[\d.]+)h(\d+)v1", path.get("d", ""))
        ]
        for path in inner.findall("path")
    }
    assert drawn == {"c0": [(1, 0, 1)], "c2": [(0, 2, 3)]}


def test_a_map_outlines_the_polygons_of_its_area() -> None:
    outline = [[8.0, 50.0], [8.4, 50.0], [8.4, 50.2], [8.0, 50.2], [8.0, 50.0]]
    hole = [[8.1, 50.05], [8.2, 50.05], [8.2, 50.1], [8.1, 50.05]]
    box = Box.model_validate({"name": "a", "polygons": [[outline, hole]]})
    svg = ET.fromstring(
        density_map(np.zeros((9, 9), int), box, 1000, Ramp.up_to(0), SMALL, "Where")
    )
    inner = svg.find("svg")
    assert inner is not None
    width, height = float(inner.get("width", 0)), float(inner.get("height", 0))
    (path,) = [path for path in svg.findall("path") if path.get("class") == "frame"]
    rings = [
        [tuple(map(float, place.split())) for place in ring.split("L")]
        for ring in path.get("d", "").removesuffix("Z").removeprefix("M").split("ZM")
    ]
    assert [len(ring) for ring in rings] == [4, 3]
    left = SMALL.left
    assert rings[0][0] == pytest.approx((left, 1 + height), abs=0.1)
    assert rings[0][2] == pytest.approx((left + width, 1), abs=0.1)
    assert rings[1][0] == pytest.approx((left + width / 4, 1 + height * 3 / 4), abs=0.1)


@pytest.mark.parametrize(
    ("day", "hours"), [((2026, 3, 29), 23), ((2026, 5, 20), 24), ((2026, 10, 25), 25)]
)
def test_gaps_stand_where_they_were(
    day: tuple[int, int, int],
    hours: int,
    region: Region,
    make_manifest: Callable[..., PublicManifest],
) -> None:
    start = dt.datetime(*day, tzinfo=region.zone).astimezone(dt.UTC)
    end = start + dt.timedelta(hours=hours)
    gap = (start + dt.timedelta(hours=hours / 2), start + dt.timedelta(hours=hours * 3 / 4))
    (feed,) = make_manifest(region).capture.feeds
    feed = feed.model_copy(update={"gaps": (gap,)})
    svg = ET.fromstring(capture_line(feed, start, end, region.time_zone))
    seen, broken = svg.findall("rect")
    left, width = float(seen.get("x", 0)), float(seen.get("width", 0))
    assert float(broken.get("x", 0)) == pytest.approx(left + width / 2, abs=0.1)
    assert float(broken.get("width", 0)) == pytest.approx(width / 4, abs=0.1)
    labels = [text.text for text in svg.findall("text")]
    assert labels == ["00:00", "06:00", "12:00", "18:00", "24:00"]
