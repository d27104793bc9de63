import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import yaml

from tasks.files import sha256_of
from tasks.region import Box, RegionError, load_region, ways
from tasks.region.ways import WAYS, load_ways, read_ways
from tests.tasks.synthesis.boxes import star

TOWN = Box(name="town", south=50.0, west=8.0, north=50.1, east=8.1)
EAST = Box(name="east", south=50.0, west=8.2, north=50.1, east=8.3)
ROAD = [[8.01, 50.01], [8.05, 50.05], [8.25, 50.05]]


def line(*positions: list[float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": list(positions)}


def points(*positions: list[float]) -> dict[str, Any]:
    return {"type": "MultiPoint", "coordinates": list(positions)}


def write(path: Path, *geometries: dict[str, Any]) -> Path:
    features = [{"type": "Feature", "properties": None, "geometry": one} for one in geometries]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_each_area_has_what_lies_in_it(tmp_path: Path) -> None:
    docks = points([8.02, 50.02], [8.15, 50.05], [8.1, 50.1])
    path = write(tmp_path / "ways.geojson", line(*ROAD), docks)
    found, sha256 = read_ways(path, (TOWN, EAST), 80)
    assert sha256 == sha256_of(path)
    assert list(found.of_area) == ["town", "east"]
    assert found.of_area["town"].coordinates() == [
        [[8.01, 50.01], [8.05, 50.05], [8.1, 50.05]],
        [[8.02, 50.02]],
        [[8.1, 50.1]],
    ]
    assert found.of_area["east"].coordinates() == [[[8.2, 50.05], [8.25, 50.05]]]
    segments = found.of_area["town"].segments
    assert segments.shape == (4, 2, 2)
    assert segments[2].tolist() == [[8.02, 50.02], [8.02, 50.02]]


def test_lines_are_cut_at_polygons_and_their_holes(tmp_path: Path) -> None:
    area = star(50.0, 8.0, 0.1)
    across = line([8.0, 50.05], [8.1, 50.05])
    found, _ = read_ways(write(tmp_path / "ways.geojson", across), (area,), 100)
    pieces = found.of_area["star"].coordinates()
    assert len(pieces) == 2
    shape = shapely.buffer(shapely.MultiPolygon([(p[0], p[1:]) for p in area.polygons]), 1e-6)
    assert shapely.covers(shape, shapely.MultiLineString(pieces))
    positions = found.of_area["star"].positions
    assert np.array_equal(positions, np.round(positions, 6))


@pytest.mark.parametrize("geometries", [[line(*ROAD)], [points([8.02, 50.02])], None])
def test_ways_as_published_are_ways_as_used(tmp_path: Path, geometries: list[Any] | None) -> None:
    several = geometries or [line(*ROAD), points([8.03, 50.01]), line(*ROAD[:2])]
    found, _ = read_ways(write(tmp_path / "ways.geojson", *several), (TOWN, EAST), 80)
    packed = tmp_path / WAYS
    packed.write_bytes(found.packed())
    loaded = load_ways(packed)
    assert loaded.within_m == 80
    assert loaded.of_area.keys() == found.of_area.keys()
    for name, lines in found.of_area.items():
        assert np.array_equal(loaded.of_area[name].segments, lines.segments)
    assert loaded.packed() == packed.read_bytes()
    document = json.loads(gzip.decompress(packed.read_bytes()))
    assert shapely.from_geojson(json.dumps(document)).is_valid


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON; a file of roads and docks is GeoJSON"),
        ('{"type": "Topology"}', "no GeoJSON: 'Topology' is no type"),
        ('{"type": "LineString", "coordinates": [[500000.5, 5.5e6]]}', "no position [longitude"),
        ('{"type": "LineString", "coordinates": 5}', "5 stands where coordinates should"),
        ('{"type": "Polygon", "coordinates": []}', "holds no line and no point"),
        ('{"type": "MultiPoint", "coordinates": []}', "holds no line and no point"),
        ('{"type": "Point", "coordinates": [50.05, 8.05]}', "none of its lines and points lies in"),
        ('{"type": "LineString", "coordinates": [[9, 50], [9, 51]]}', "lies in the service area"),
    ],
)
def test_what_is_no_file_of_ways_gives_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "roads.geojson"
    path.write_text(text)
    with pytest.raises(RegionError) as raised:
        read_ways(path, (TOWN,), 100)
    assert said in str(raised.value)
    assert "roads.geojson: " in str(raised.value)
    assert "\n" not in str(raised.value)


def test_too_many_ways_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = [line([9.0, 50.0], [9.1, 50.1])] * 50
    monkeypatch.setattr(ways, "MOST_POSITIONS", 9)
    monkeypatch.setattr(ways, "MOST_KM", 50.0)
    path = write(tmp_path / "roads.geojson", *[line(*ROAD[:2])] * 4, *far)
    read_ways(path, (TOWN,), 100)
    path = write(tmp_path / "roads.geojson", *[line(*ROAD[:2])] * 5)
    with pytest.raises(RegionError, match=r"have 10 positions in the service area; leave out.*9$"):
        read_ways(path, (TOWN,), 100)
    path = write(tmp_path / "roads.geojson", *[line([8, 50], [8.1, 50.1])] * 4)
    with pytest.raises(RegionError, match=r"are 53 km long in the service area; keep 50 km"):
        read_ways(path, (TOWN,), 100)


@pytest.mark.parametrize(
    "content",  # without the time, of which the tests are named
    [
        b"",
        b"{}",
        gzip.compress(b"{}", mtime=0),
        gzip.compress(b'{"features": [7]}', mtime=0),
        b"\x1f\x8b",
    ],
)
def test_packed_ways_that_are_none_give_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / WAYS
    path.write_bytes(content)
    with pytest.raises(RegionError, match="not the roads and docks of a release") as raised:
        load_ways(path)
    assert "\n" not in str(raised.value)


def region_file(folder: Path, snap: object) -> Path:
    path = folder / "region.yaml"
    document = {
        "id": "town",
        "name": "Town",
        "time_zone": "Europe/Berlin",
        "service_area": [TOWN.model_dump(mode="json", exclude={"polygons"})],
        "feeds": [{"id": "f", "url": "http://127.0.0.1/gbfs.json"}],
        "snap": snap,
    }
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_region_names_its_ways_by_their_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "roads.geojson", line(*ROAD))
    region_file(tmp_path, {"file": "roads.geojson"})
    monkeypatch.chdir(tmp_path)
    snap = load_region(Path("region.yaml")).snap
    assert snap is not None
    assert (Path(snap.file), snap.within_m) == (tmp_path / "roads.geojson", 100)


@pytest.mark.parametrize(
    ("snap", "said"),
    [
        ({"file": "absent.geojson"}, "absent.geojson: cannot read the file of roads and docks"),
        ({"file": "."}, "cannot read the file of roads and docks"),
        ({"file": 7}, "snap.file: Input should be a valid string"),
        ({"file": "roads.geojson", "within_m": 0}, "snap.within_m"),
        ({"file": "far.geojson"}, "far.geojson: none of its lines and points"),
        ({}, "snap.file: Field required"),
        ("roads.geojson", "snap: "),
    ],
)
def test_a_mistake_in_it_is_said_before_a_day_is_collected(
    tmp_path: Path, snap: object, said: str
) -> None:
    write(tmp_path / "roads.geojson", line(*ROAD))
    write(tmp_path / "far.geojson", line([9.0, 50.0], [9.1, 50.1]))
    with pytest.raises(RegionError) as raised:
        load_region(region_file(tmp_path, snap))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
