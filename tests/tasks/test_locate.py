import json
from pathlib import Path

import pytest

from flows.cli import main
from tasks.region import load_region
from tests.tasks.conftest import FeedServer
from tests.tasks.service_area.conftest import serve_feed

STATIONS = {
    "data": {"stations": [{"lat": 50.5, "lon": 8.5, "name": "Quay"}, {"lat": 50.6, "lon": 8.6}]}
}
REGION = """
id: r
name: R
time_zone: Europe/Berlin
service_area: [{name: all, south: 50, west: 8, north: 51, east: 9}]
feeds: [{id: f, url: "http://127.0.0.1/gbfs.json"}]
"""


def test_what_the_command_prints_goes_into_a_region(
    feed_server: FeedServer, data_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = serve_feed(feed_server, {"station_information": STATIONS})
    assert main(["docks", url, str(tmp_path / "docks.geojson")]) == 0
    printed = capsys.readouterr().out
    assert printed == f"# made from the 2 stations of {url}\nsnap: {{file: docks.geojson}}\n"
    features = json.loads((tmp_path / "docks.geojson").read_bytes())["features"]
    assert [feature["properties"]["name"] for feature in features] == ["Quay", None]
    assert features[1]["geometry"] == {"type": "Point", "coordinates": [8.6, 50.6]}
    path = tmp_path / "region.yaml"
    path.write_text(REGION + printed)
    snap = load_region(path).snap
    assert snap is not None
    assert Path(snap.file) == tmp_path / "docks.geojson"
    assert not [request.path for request in feed_server.requests if "status" in request.path]


def test_the_stations_of_a_captured_feed(
    shared_data: Path, feed_server: FeedServer, data_root: Path, tmp_path: Path
) -> None:
    captured = shared_data / "gbfs" / "divvy_chicago" / "station_information.json"
    document = json.loads(captured.read_bytes())
    url = serve_feed(feed_server, {"station_information": document})
    assert main(["docks", url, str(tmp_path / "docks.geojson")]) == 0
    features = json.loads((tmp_path / "docks.geojson").read_bytes())["features"]
    places = {(one["lon"], one["lat"]) for one in document["data"]["stations"]}
    assert {tuple(one["geometry"]["coordinates"]) for one in features} == places
    assert len(features) == len(places) > 1000


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "the feed names no stations; where vehicles are parked anywhere, name a GeoJSON"),
        ({"station_information": {"data": {"stations": []}}}, "the feed names no stations"),
        ({"station_information": {"data": []}}, "no list of stations"),
    ],
)
def test_a_feed_without_stations_gives_one_line(
    files: dict[str, dict[str, object]],
    said: str,
    feed_server: FeedServer,
    data_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = serve_feed(feed_server, files)
    assert main(["docks", url, str(tmp_path / "docks.geojson")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("opentrips: ")
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "docks.geojson").exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("http://127.0.0.1:9/gbfs.json", "cannot be fetched: unreachable"),
        ("http://127.0.0.1:9/free_bike_status.json", "is a vehicle feed"),
        ("stations.json", "is no http or https URL"),
    ],
)
def test_a_source_that_is_none_gives_one_line(
    source: str,
    said: str,
    data_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["docks", source, str(tmp_path / "docks.geojson")]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_file_that_exists_is_not_overwritten(
    data_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docks.geojson").write_text("mine")
    assert main(["docks", "http://127.0.0.1:9/gbfs.json", str(tmp_path / "docks.geojson")]) == 1
    assert "docks.geojson exists; remove it" in capsys.readouterr().err
    assert (tmp_path / "docks.geojson").read_text() == "mine"
