import math
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tasks.gbfs import BodyError
from tasks.service_area.stations import around, parse_docks, parse_regions, parse_stations
from tests.tasks.service_area.conftest import square


def test_stations_stand_in_regions_and_bad_ones_are_left_out() -> None:
    area = {"type": "MultiPolygon", "coordinates": [[square(0, 0)]]}
    records: list[Any] = [
        {"station_id": "a", "lat": 50.0, "lon": "8.1", "region_id": 35},
        {"station_id": "b", "lat": 50, "lon": 8, "station_area": area},
        {"lat": 0, "lon": 0},
        {"lat": 95, "lon": 8},
        {"lat": None, "lon": 8},
        "c",
    ]
    found = parse_stations({"data": {"stations": records}})
    assert set(found) == {"35", None}
    assert found["35"] == [shapely.Point(8.1, 50.0)]
    assert found[None][0].area == pytest.approx(1e-4)


def test_docks_are_where_stations_stand_each_place_once() -> None:
    area = {"type": "MultiPolygon", "coordinates": [[square(0, 0)]]}
    records: list[Any] = [
        {"lat": 50.0, "lon": "8.1", "name": [{"language": "en", "text": "Quay"}]},
        {"lat": 50.0, "lon": 8.1, "name": "the same place"},
        {"lat": 50.005, "lon": 8.005, "station_area": area},
        {"lat": 0, "lon": 0, "name": "nowhere"},
        {"name": "nowhere"},
        None,
    ]
    docks = parse_docks({"data": {"stations": records}})
    assert docks == {shapely.Point(8.1, 50.0): "Quay", shapely.Point(8.005, 50.005): None}


def test_regions_have_names_in_every_version() -> None:
    regions = [
        {"region_id": "35", "name": "Evanston"},
        {"region_id": 7, "name": [{"language": "en", "text": "Oslo"}]},
        {"region_id": "9"},
        None,
    ]
    assert parse_regions({"data": {"regions": regions}}) == {"35": "Evanston", "7": "Oslo"}
    assert parse_regions({"data": {}}) == {}


def test_the_ground_reaches_as_far_as_the_buffer() -> None:
    ground = around([shapely.Point(8, 60)], 500)
    west, south, east, north = ground.bounds
    assert (north - south) / 2 * 111_195 == pytest.approx(500, rel=0.02)
    shrink = math.cos(math.radians(60))
    assert (east - west) / 2 * 111_195 * shrink == pytest.approx(500, rel=0.02)


def test_the_ground_of_neighbours_is_joined() -> None:
    near = around([shapely.Point(8, 50), shapely.Point(8.023, 50)], 500)  # 1.6 km
    apart = around([shapely.Point(8, 50), shapely.Point(8.026, 50)], 500)  # 1.9 km
    assert (len(near.geoms), len(apart.geoms)) == (1, 2)


def test_what_is_no_list_of_stations_is_refused() -> None:
    with pytest.raises(BodyError, match="no list of stations"):
        parse_stations({"data": {"stations": None}})


VALUE = (
    st.none()
    | st.floats()
    | st.text(max_size=3)
    | st.just({"type": "Polygon", "coordinates": 3})
    | st.just({"type": "Polygon", "coordinates": [square(0, 0)]})
)
KEY = st.sampled_from(["lat", "lon", "station_area", "region_id"])


@given(st.lists(st.dictionaries(KEY, VALUE)))
def test_whatever_stations_say_they_are_read(records: list[dict[str, Any]]) -> None:
    for places in parse_stations({"data": {"stations": records}}).values():
        assert shapely.is_valid(places).all()
