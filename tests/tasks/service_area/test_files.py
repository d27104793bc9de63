import json
from pathlib import Path
from typing import Any

import pytest

from tasks.mobility.areas import square_degrees
from tasks.region import RegionError
from tasks.service_area import AreaError, areas_of_file
from tests.tasks.service_area.conftest import square


def write(path: Path, *features: tuple[list[Any], dict[str, Any]]) -> Path:
    collection = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": {"type": "Polygon", "coordinates": rings},
        }
        for rings, properties in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": collection}))
    return path


def test_every_name_is_an_area_and_holes_stay(tmp_path: Path) -> None:
    path = write(
        tmp_path / "cities.geojson",
        ([square(0, 0, 10), square(2, 2, 3)], {"name": "Town"}),
        ([square(30, 0, 5)], {"name": "Port", "kind": "harbour"}),
        ([square(10, 0, 5)], {"name": "Town"}),
        ([square(60, 0, 5)], {}),
    )
    areas = areas_of_file(path)
    assert [box.name for box in areas.boxes] == ["town", "port", "cities"]
    sizes = [round(square_degrees(box) * 1e4, 3) for box in areas.boxes]
    assert sizes == [100 - 9 + 25, 25, 25]
    by_kind = areas_of_file(path, key="kind")
    assert sorted(box.name for box in by_kind.boxes) == ["cities", "harbour"]


def test_parks_and_water_are_cut_out(tmp_path: Path) -> None:
    path = write(tmp_path / "city.geojson", ([square(0, 0, 10)], {}))
    park = write(tmp_path / "parks.geojson", ([square(2, 2, 3)], {}), ([square(6, 6)], {}))
    lake = write(tmp_path / "water.geojson", ([square(8, -5, 9)], {}))
    areas = areas_of_file(path, [park, lake])
    assert square_degrees(areas.boxes[0]) * 1e4 == pytest.approx(100 - 9 - 1 - 8, abs=1e-3)
    assert areas.notes == (
        "made from city.geojson",
        "without parks.geojson",
        "without water.geojson",
    )
    with pytest.raises(AreaError, match=r"city.geojson: no part of it"):
        areas_of_file(path, [path])


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    city = write(tmp_path / "city.geojson", ([square(0, 0, 10)], {}))
    with pytest.raises(RegionError, match=r"parks.geojson: cannot read the polygon file"):
        areas_of_file(city, [tmp_path / "parks.geojson"])
    chicago = [[x - 95.6, y - 8.1] for x, y in square(0, 0, 10)]
    write(city, ([[position[::-1] for position in chicago]], {}))
    with pytest.raises(AreaError, match=r"city.geojson: 'city' reaches to latitude -87.6; is each"):
        areas_of_file(city)


def test_districts_may_have_numbers_and_those_without_a_name_are_counted(tmp_path: Path) -> None:
    squares = [[square(20 * number, 0, 5)] for number in range(3)]
    path = write(
        tmp_path / "city.geojson", *((ring, {"no": 7 + i}) for i, ring in enumerate(squares))
    )
    assert [box.name for box in areas_of_file(path, key="no").boxes] == ["7", "8", "9"]
    misspelt = areas_of_file(path, key="nr")
    assert [box.name for box in misspelt.boxes] == ["city"]
    assert misspelt.notes[-1] == "features without a 'nr', all in one area: 3 of 3"


@pytest.mark.parametrize("east", [[-179.9, 0.2], [180.0, 0.05]])
def test_an_area_across_longitude_180_is_refused(tmp_path: Path, east: list[float]) -> None:
    """As a ring that goes round the Earth, and cut in two as GeoJSON wants it."""
    ring = [[179.9, -17], [east[0], -17], [east[0], -16.9], [179.9, -16.9], [179.9, -17]]
    parts = [([ring], {"name": "Fiji"})]
    if east[0] == 180:
        parts.append(([[[x - 360 + 0.1, y] for x, y in ring]], {"name": "Fiji"}))
    path = write(tmp_path / "fiji.geojson", *parts)
    with pytest.raises(AreaError, match=r"'fiji' spans 360 degrees, more than 5; give parts that"):
        areas_of_file(path)
    if east[0] == 180:
        path = write(path, parts[0], (parts[1][0], {"name": "Fiji east"}))
        assert [box.name for box in areas_of_file(path).boxes] == ["fiji", "fiji-east"]
