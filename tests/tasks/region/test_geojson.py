import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.region import RegionError
from tasks.region.geojson import features_of, lines_of, read_features

RING = [[8.0, 50.0], [8.1, 50.0], [8.1, 50.1], [8.0, 50.0]]
POLYGON = {"type": "Polygon", "coordinates": [RING]}
MULTI = {"type": "MultiPolygon", "coordinates": [[RING], [RING, RING]]}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_every_kind_of_document_with_polygons_is_read() -> None:
    collection = {"type": "GeometryCollection", "geometries": [POLYGON, MULTI]}
    line = {"type": "LineString", "coordinates": RING}
    document = {
        "type": "FeatureCollection",
        "features": [feature(MULTI, name="b"), feature(None), feature(line), feature(collection)],
    }
    found = features_of(document)
    assert [len(one.polygons) for one in found] == [2, 3]
    assert [dict(one.properties) for one in found] == [{"name": "b"}, {}]
    assert features_of(POLYGON)[0].polygons == (((*map(tuple, RING),),),)
    assert features_of(line) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "None is no type of feature or geometry"),
        ('{"type": "Topology"}', "'Topology' is no type of feature or geometry"),
        ('{"type": "FeatureCollection"}', "a FeatureCollection has a list of features"),
        ('{"type": "FeatureCollection", "features": []}', "holds no polygon"),
        ('{"type": "Polygon", "coordinates": 5}', "5 stands where coordinates should"),
        ('{"type": "Polygon", "coordinates": [[["8", "50"]]]}', "is no position"),
        ('{"type": "Polygon", "coordinates": [[[8e9, 50]]]}', "is no position"),
        ('{"type": "Polygon", "coordinates": [[[NaN, 50]]]}', "is no position"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_polygon_file_gives_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "city.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RegionError) as raised:
        read_features(path)
    assert said in str(raised.value)
    assert "city.geojson" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="cannot read the polygon file: No such file"):
        read_features(tmp_path / "absent.geojson")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "features", "geometry", "coordinates", "geometries"])
            | st.text(max_size=3),
            inner
            | st.sampled_from(
                ["Feature", "FeatureCollection", "Polygon", "GeometryCollection", "MultiLineString"]
            ),
            max_size=4,
        )
    ),
    max_leaves=20,
)


def test_lines_and_points_are_read_in_their_order_and_nothing_else() -> None:
    point = {"type": "Point", "coordinates": [8, 50]}
    lines = {"type": "MultiLineString", "coordinates": [RING[:2], [], RING[1:]]}
    collection = {"type": "GeometryCollection", "geometries": [point, POLYGON, lines]}
    document = {"type": "FeatureCollection", "features": [feature(collection), feature(None)]}
    first, second = (tuple(map(tuple, line)) for line in (RING[:2], RING[1:]))
    assert lines_of(document) == [((8.0, 50.0),), first, second]
    assert lines_of(MULTI) == []


@given(JSON)
def test_whatever_a_document_holds_its_lines_are_read_or_refused(document: Any) -> None:
    try:
        found = lines_of(json.loads(json.dumps(document)))
    except ValueError:
        return
    assert all(found)


@given(JSON)
def test_whatever_a_document_holds_it_is_read_or_refused(document: Any) -> None:
    try:
        found = features_of(json.loads(json.dumps(document)))
    except ValueError:
        return
    assert all(one.polygons for one in found)
