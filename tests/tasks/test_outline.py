import json
from pathlib import Path

import pytest
import yaml

from flows.cli import main
from tasks.gbfs import FeedError
from tasks.outline import outline
from tasks.region import load_region
from tasks.service_area import AreaError
from tests.tasks.conftest import FeedServer
from tests.tasks.service_area.conftest import serve_feed, square, zone, zones_file

ZONES = zones_file(
    zone(square(0, 0, 10), {"ride_allowed": True}, name="no"),
    zone(square(2, 2, 4), {"ride_allowed": False}),
    zone(square(60, 0, 5), {"ride_allowed": True}, name="Port"),
)


def region_with(block: str, folder: Path) -> Path:
    path = folder / "region.yaml"
    feeds = [{"id": "f", "url": "http://127.0.0.1/gbfs.json"}]
    rest = {"id": "r", "name": "R", "time_zone": "Europe/Berlin", "feeds": feeds}
    path.write_text(yaml.safe_dump(rest) + block)
    return path


def test_what_the_command_prints_goes_into_a_region(
    feed_server: FeedServer,
    data_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = serve_feed(feed_server, {"geofencing_zones": ZONES})
    assert main(["area", url, str(tmp_path / "town.geojson")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# made from geofencing_zones")
    region = load_region(region_with(printed, tmp_path))
    assert [box.name for box in region.service_area] == ["no", "port"]
    assert len(region.service_area[0].polygons[0]) == 2
    assert not [request.path for request in feed_server.requests if "status" in request.path]


def test_mistakes_give_one_line(
    data_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["area", str(tmp_path / "absent.geojson"), str(tmp_path / "out.geojson")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("opentrips: ")
    assert "cannot read the polygon file" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.geojson").exists()


def test_a_file_that_exists_is_not_overwritten(data_root: Path, tmp_path: Path) -> None:
    path = tmp_path / "city.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [square(0, 0, 9)]}))
    with pytest.raises(AreaError, match=r"city.geojson exists; remove it or name another"):
        outline(str(path), path, buffer_m=500)
    with pytest.raises(AreaError, match="a buffer is 10 to 5000 metres, not 5"):
        outline(str(path), tmp_path / "out.geojson", buffer_m=5)
    block = outline(str(path), tmp_path / "out.geojson", buffer_m=500)
    assert load_region(region_with(block, tmp_path)).service_area[0].name == "city"


def test_a_file_that_cannot_be_written_is_named(data_root: Path, tmp_path: Path) -> None:
    path = tmp_path / "city.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [square(0, 0, 9)]}))
    with pytest.raises(AreaError, match=r"x.geojson: cannot be written: File name too long; n"):
        outline(str(path), tmp_path / f"{'x' * 300}.geojson", buffer_m=500)
    loose = tmp_path / "loose.geojson"
    loose.symlink_to(tmp_path / "absent" / "out.geojson")
    with pytest.raises(AreaError, match=r"loose.geojson exists"):
        outline(str(path), loose, buffer_m=500)


@pytest.mark.parametrize("url", ["ftp://localhost/gbfs.json", "file:///gbfs.json"])
def test_an_address_that_is_none_of_a_feed_is_said_to_be_none(
    url: str, data_root: Path, tmp_path: Path
) -> None:
    with pytest.raises(AreaError, match=f"{url} is no http or https URL; give that of gbfs.json"):
        outline(url, tmp_path / "out.geojson", buffer_m=500)


def test_a_host_that_is_down_is_named(data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"127.0.0.1:9/gbfs.json: cannot be fetched: unreachable"):
        outline("http://127.0.0.1:9/gbfs.json", tmp_path / "out.geojson", buffer_m=500)
