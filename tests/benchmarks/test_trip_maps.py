from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

from tasks.cities.gravity import boxes, simulated_day
from tasks.quality.splits import resample
from tasks.region import Box
from tasks.release.figures import size_m
from tests.benchmarks.svg_file import write_alone
from tests.benchmarks.trip_maps import CELL_M, CELLS, busiest, cells, draw, origins, window

SVG = "{http://www.w3.org/2000/svg}"
AREAS = boxes(4)
TRIPS = simulated_day(AREAS, 2_000, 3)


def test_areas_come_by_their_trips() -> None:
    number = [len(origins(TRIPS, area)) for area in AREAS]
    found = busiest(TRIPS, AREAS, 3)
    assert [len(origins(TRIPS, area)) for area in found] == sorted(number, reverse=True)[:3]


@pytest.mark.parametrize("area", AREAS, ids=[area.name for area in AREAS])
def test_a_window_is_a_square_where_most_trips_start(area: Box) -> None:
    square = window(TRIPS, area)
    assert size_m(square) == pytest.approx((CELLS * CELL_M, CELLS * CELL_M), rel=0.002)
    counts = cells(TRIPS, square)
    assert counts.shape == (CELLS, CELLS)
    places = origins(TRIPS, area)
    corner = np.array([square.south, square.west])
    size = np.array([square.north, square.east]) - corner
    assert counts.sum() == ((places >= corner) & (places <= corner + size)).all(axis=1).sum()
    generator = np.random.default_rng(0)
    for south, west in generator.uniform((area.south, area.west), (area.north, area.east), (50, 2)):
        low = np.array([south, west])
        others = ((places >= low) & (places < low + size)).all(axis=1).sum()
        assert counts.sum() >= others - 0.03 * len(places)  # others may lie between cells


def test_a_trip_is_drawn_in_its_cell() -> None:
    square = window(TRIPS, AREAS[0])
    half = (square.north - square.south) / CELLS / 2
    one = pa.table(
        {
            "area": ["area-0", "area-1"],
            "origin_latitude": [square.south + half, square.south + half],
            "origin_longitude": [square.east - half, square.east - half],
            "destination_latitude": [square.south] * 2,
            "destination_longitude": [square.west] * 2,
        }
    )
    assert np.argwhere(cells(one, square)).tolist() == [[0, CELLS - 1]]


def test_maps_stand_beside_each_other_with_one_scale_of_colours(tmp_path: Path) -> None:
    path = tmp_path / "maps.svg"
    areas = busiest(TRIPS, AREAS, 2)
    write_alone(path, draw({"real": TRIPS, "synthetic": resample(TRIPS, 1)}, areas))
    root = ElementTree.parse(path).getroot()
    titles = [title.text for title in root.iter(f"{SVG}title")][1:]
    assert titles == [f"{area.name}, {head}" for area in areas for head in ("real", "synthetic")]
    words = {text.text for text in root.iter(f"{SVG}text")}
    assert {"real", "synthetic", "1 km", *(area.name for area in areas)} <= words
    panels = [panel for panel in root.findall(f"{SVG}svg") if panel.find(f"{SVG}svg") is not None]
    places = {(panel.attrib["x"], panel.attrib["y"]) for panel in panels}
    assert len(places) == 4
    drawn = [{path.attrib["d"] for path in panel.iter(f"{SVG}path")} for panel in panels]
    assert drawn[0] != drawn[1]
