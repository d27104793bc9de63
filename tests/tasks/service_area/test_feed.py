import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tasks.gbfs import FeedError
from tasks.mobility.areas import square_degrees
from tasks.service_area import AreaError, areas_of_feed
from tests.tasks.conftest import FeedServer, Reply
from tests.tasks.service_area.conftest import serve_feed, square, zone, zones_file

NOW = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)
ZONES = zones_file(
    zone(square(0, 0, 10), {"ride_allowed": True}, name="Town"),
    zone(square(2, 2, 4), {"ride_allowed": False}, name="Park"),
    zone(square(60, 0, 5), {"ride_allowed": True}, name="Far town"),
)
PLACES = [
    {"station_id": str(i), "lat": 50 + i % 5 / 100, "lon": 8 + i // 5 / 100, "region_id": "r"}
    for i in range(25)
]
STATIONS: dict[str, Any] = {"data": {"stations": PLACES}}
REGIONS = {"data": {"regions": [{"region_id": "r", "name": "Old Town"}]}}
SYSTEM = {"data": {"name": "Town Bikes"}}


def paths(server: FeedServer) -> list[str]:
    return [request.path for request in server.requests]


@pytest.fixture(autouse=True)
def _no_vehicle_is_ever_asked_for(feed_server: FeedServer) -> Any:
    yield
    assert not [path for path in paths(feed_server) if "status" in path]


def test_zones_come_first(feed_server: FeedServer) -> None:
    files = {"geofencing_zones": ZONES, "station_information": STATIONS, "system_regions": REGIONS}
    areas = areas_of_feed(serve_feed(feed_server, files), now=NOW)
    assert [box.name for box in areas.boxes] == ["town", "far-town"]
    assert square_degrees(areas.boxes[0]) == pytest.approx(0.01 - 0.0016)
    assert len(areas.boxes[0].polygons[0]) == 2
    assert areas.notes[0].startswith("made from geofencing_zones")
    assert paths(feed_server) == ["/gbfs.json", "/geofencing_zones.json"]


def test_without_zones_the_stations_by_region(feed_server: FeedServer) -> None:
    files = {"station_information": STATIONS, "system_regions": REGIONS}
    far = [{"station_id": "f", "lat": 50 + i / 100, "lon": 9.0} for i in range(2)]
    stations = {"data": {"stations": [*PLACES, *far]}}
    url = serve_feed(feed_server, {**files, "station_information": stations})
    areas = areas_of_feed(url, now=NOW)
    assert [box.name for box in areas.boxes] == ["old-town", "area"]
    assert areas.notes[0] == "made from station_information: 500 m around 27 stations"


def test_a_single_area_has_the_systems_name(feed_server: FeedServer) -> None:
    files = {"station_information": STATIONS, "system_information": SYSTEM}
    areas = areas_of_feed(serve_feed(feed_server, files), now=NOW)
    assert [box.name for box in areas.boxes] == ["town-bikes"]
    wider = areas_of_feed(serve_feed(feed_server, files), buffer_m=1000, now=NOW)
    assert square_degrees(wider.boxes[0]) > 1.2 * square_degrees(areas.boxes[0])


def test_zones_without_stations_are_cut_out_of_the_ground(feed_server: FeedServer) -> None:
    no = {"ride_start_allowed": False, "ride_end_allowed": False}
    park, depot = square(0.2, 0.2, 0.6), square(1.7, 1.7, 0.6)  # a station stands in the depot
    files = {
        "geofencing_zones": zones_file(zone(park, no), zone(depot, no)),
        "station_information": STATIONS,
    }
    plain = areas_of_feed(serve_feed(feed_server, {"station_information": STATIONS}), now=NOW)
    areas = areas_of_feed(serve_feed(feed_server, files), now=NOW)
    lost = square_degrees(plain.boxes[0]) - square_degrees(areas.boxes[0])
    assert lost == pytest.approx(0.36e-4, rel=0.01)
    assert any("rides may neither start nor end" in note for note in areas.notes)


def test_polygon_files_are_cut_out(feed_server: FeedServer, tmp_path: Path) -> None:
    lake = tmp_path / "lake.geojson"
    lake.write_text(json.dumps({"type": "Polygon", "coordinates": [square(7, 7, 2)]}))
    url = serve_feed(feed_server, {"geofencing_zones": ZONES})
    areas = areas_of_feed(url, [lake], now=NOW)
    assert square_degrees(areas.boxes[0]) == pytest.approx(0.01 - 0.0016 - 0.0004)
    assert areas.notes[-1] == "without lake.geojson"


def test_a_list_of_versions_leads_to_the_feed(feed_server: FeedServer) -> None:
    url = serve_feed(feed_server, {"geofencing_zones": ZONES})
    versions = {"data": {"versions": [{"version": "2.3", "url": url}]}}
    entry = feed_server.serve("/gbfs_versions.json", json.dumps(versions).encode())
    assert len(areas_of_feed(entry, now=NOW).boxes) == 2


def test_a_feed_that_says_nothing_of_its_area_is_named(feed_server: FeedServer) -> None:
    url = serve_feed(feed_server, {"station_information": {"data": {"stations": []}}})
    with pytest.raises(AreaError, match="neither zones in which rides may start or end nor"):
        areas_of_feed(url, now=NOW)


def test_a_file_that_is_not_to_be_had_is_named(feed_server: FeedServer) -> None:
    url = serve_feed(feed_server, {"geofencing_zones": ZONES})
    feed_server.serve("/geofencing_zones.json", Reply(b"no", 500))
    with pytest.raises(
        FeedError, match=r"geofencing_zones.json: cannot be fetched: http_error 500"
    ):
        areas_of_feed(url, now=NOW)
    feed_server.serve("/geofencing_zones.json", b"<html>")
    with pytest.raises(FeedError, match=r"geofencing_zones.json: the body is not JSON"):
        areas_of_feed(url, now=NOW)
    feed_server.serve("/geofencing_zones.json", b"{}")
    with pytest.raises(FeedError, match="no list of geofencing zones"):
        areas_of_feed(url, now=NOW)


def test_a_vehicle_feed_is_refused_before_it_is_asked(feed_server: FeedServer) -> None:
    serve_feed(feed_server, {})
    for url in (f"{feed_server.url}/free_bike_status.json", f"{feed_server.url}/3/vehicle_status"):
        with pytest.raises(AreaError, match="is a vehicle feed, which no service area is made"):
            areas_of_feed(url)
    hidden = feed_server.serve("/bikes.json", b'{"data": {"bikes": [{"bike_id": "1"}]}}')
    with pytest.raises(AreaError, match=r"is a vehicle feed; give the feed's gbfs.json"):
        areas_of_feed(hidden)
    with pytest.raises(AreaError, match="is no http or https URL"):
        areas_of_feed("ftp://example.org/gbfs.json")


REAL = {
    "otp_fixtures/tieroslo": (1, "geofencing_zones"),
    "otp_fixtures/ridecheck/almere": (1, "geofencing_zones"),
    "gis_tools_fixtures/v2.2": (1, "geofencing_zones"),
    "gis_tools_fixtures/v3.0": (2, "station_information"),
    "otp_fixtures/helsinki": (1, "station_information"),
    "otp_fixtures/duplicate-stations-v2": (1, "station_information"),
}


@pytest.mark.parametrize("name", REAL)
def test_feeds_of_real_cities_give_areas(
    name: str, feed_server: FeedServer, shared_data: Path
) -> None:
    folder = shared_data / "gbfs" / name
    files = {
        path.stem: json.loads(path.read_bytes())
        for path in folder.glob("*.json")
        if path.stem != "gbfs" and not path.stem.endswith("status")
    }
    areas = areas_of_feed(serve_feed(feed_server, files), now=NOW)
    number, source = REAL[name]
    assert len(areas.boxes) == number
    assert areas.notes[0].startswith(f"made from {source}")


def test_an_address_that_a_feed_makes_up_cannot_speak_to_the_terminal(
    feed_server: FeedServer,
) -> None:
    feeds = [{"name": "geofencing_zones", "url": f"{feed_server.url}/\x1b[31m" + "x" * 4096}]
    url = feed_server.serve("/gbfs.json", json.dumps({"data": {"feeds": feeds}}).encode())
    with pytest.raises(FeedError) as caught:
        areas_of_feed(url, now=NOW)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300
