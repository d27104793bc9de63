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
