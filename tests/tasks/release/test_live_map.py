import base64
import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from tasks.region import Box, Region
from tasks.region.ways import Lines, Ways
from tasks.release import live_map as module
from tasks.release.live_map import MOST_ROWS, STEPS, LiveMap, drawn, live_map
from tasks.release.tables import published_table

MakeRegion = Callable[..., Region]
MakeRows = Callable[[Region, int], pa.Table]
AREAS = [
    {"name": "north", "south": 52.4, "west": 10.4, "north": 52.5, "east": 10.6},
    {"name": "south", "south": 52.2, "west": 10.4, "north": 52.3, "east": 10.6},
]
KINDS = {"u2": "<u2", "u4": "<u4", "f4": "<f4"}


def array(live: LiveMap, index: int) -> NDArray[Any]:
    """An array as the script reads it."""
    kind, first, length = live.facts["arrays"][index]
    content = base64.b64decode(live.content)
    assert first % np.dtype(KINDS[kind]).itemsize == 0
    return np.frombuffer(content, KINDS[kind], length, first)


def degrees(live: LiveMap, ends: list[int], box: Box) -> NDArray[np.float64]:
    """Latitude and longitude of all rows of an end, as they would lie in one area."""
    x, y = (array(live, index) / STEPS for index in ends)
    return np.stack(
        [box.south + y * (box.north - box.south), box.west + x * (box.east - box.west)], axis=1
    )


def test_every_row_is_packed_by_area_and_hour_where_it_lies(
    make_region: MakeRegion, make_rows: MakeRows
) -> None:
    region = make_region(service_area=AREAS)
    rows = published_table(make_rows(region, 900))
    order = (region.service_area[1], region.service_area[0])
    live = live_map({"trips": rows}, order)
    for name, end, which in (("origins", "origin", 0), ("destinations", "destination", 0)):
        layer = live.facts["layers"][name]
        assert np.sum(layer["rows"]) == layer["drawn"] == layer["all"] == 900
        first = 0
        for box, hour in itertools.product(order, range(24)):
            last = first + layer["rows"][order.index(box)][hour]
            found = degrees(live, layer["ends"][which], box)[first:last]
            there = rows.filter((pc.field("area") == box.name) & (pc.field("hour") == hour))
            expected = np.stack(
                [there[f"{end}_{axis}"].to_numpy() for axis in ("latitude", "longitude")], axis=1
            )
            assert found == pytest.approx(expected, abs=0.5 * 0.2 / STEPS + 1e-9)
            first = last
        assert first == 900
    flows, origins = live.facts["layers"]["flows"], live.facts["layers"]["origins"]
    assert flows["ends"][0] == origins["ends"][0]  # the same arrays, not others like them
    assert json.loads(json.dumps(dict(live.facts)))["arrays"] == [
        list(fact) for fact in live.facts["arrays"]
    ]


def test_of_a_long_table_a_systematic_sample_is_drawn(region: Region, make_rows: MakeRows) -> None:
    rows = published_table(make_rows(region, 2 * MOST_ROWS + 3))
    sample = drawn(rows)
    assert sample.num_rows == MOST_ROWS
    assert sample.slice(0, 1).equals(rows.slice(0, 1))
    assert sample.slice(100, 1).equals(rows.slice(200, 1))
    assert drawn(rows.slice(0, MOST_ROWS)).num_rows == MOST_ROWS
    layer = live_map({"trips": rows}, region.service_area).facts["layers"]["flows"]
    assert (layer["drawn"], layer["all"]) == (MOST_ROWS, 2 * MOST_ROWS + 3)


def test_a_release_of_ends_has_the_same_layers(region: Region, make_rows: MakeRows) -> None:
    trips = make_rows(region, 60)
    places = ["area", "hour", "latitude", "longitude"]
    starts, ends = (
        trips.select(["area", "hour", f"{end}_latitude", f"{end}_longitude"])
        .rename_columns(places)
        .slice(0, rows)
        for end, rows in (("origin", 50), ("destination", 40))
    )
    live = live_map({"starts": starts, "ends": ends, "modelled_trips": trips}, region.service_area)
    layers = live.facts["layers"]
    assert [layer["all"] for layer in layers.values()] == [50, 40, 60]
    assert [layer["label"] for layer in layers.values()] == ["Starts", "Ends", "Flows"]
    assert layers["flows"]["words"] == "modelled trips"


def test_roads_and_docks_are_packed_and_simplified_when_there_are_many(
    region: Region, make_rows: MakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    (box,) = region.service_area
    along = np.linspace(10.41, 10.59, 400)
    wavy = tuple((float(x), 52.45 + 1e-5 * float(np.sin(400 * x))) for x in along)  # about 1 m off
    ways = Ways(50, {box.name: Lines.of([wavy, ((10.5, 52.41),)])})
    rows = {"trips": make_rows(region, 5)}
    whole = live_map(rows, region.service_area, ways)
    (packed,) = whole.facts["ways"]
    assert array(whole, packed["lengths"]).tolist() == [400, 1]
    assert array(whole, packed["x"])[-1] == pytest.approx(0.5 * STEPS, abs=1)
    monkeypatch.setattr(module, "MOST_POSITIONS", 100)
    simple = live_map(rows, region.service_area, ways)
    (packed,) = simple.facts["ways"]
    lengths = array(simple, packed["lengths"]).tolist()
    assert lengths == [2, 1]
    monkeypatch.setattr(module, "MOST_POSITIONS", 2)
    assert live_map(rows, region.service_area, ways).facts["ways"] == [None]


def test_the_finest_places_carry_their_intervals(
    make_region: MakeRegion,
    make_rows: MakeRows,
    make_intervals: Callable[[Region, pa.Table], pa.Table],
) -> None:
    region = make_region(service_area=AREAS)
    rows = make_rows(region, 300)
    intervals = make_intervals(region, rows)
    live = live_map({"trips": rows, "intervals": intervals}, region.service_area)
    packed = live.facts["intervals"]["origins"]
    south, north, high = (array(live, packed[name]) for name in ("south", "north", "high"))
    assert north - south == pytest.approx(0.01, abs=1e-4)
    assert len(south) == sum(packed["rows"])
    first = intervals.filter(
        (pc.field("counted") == "origins")
        & (pc.field("grid_degrees") == 0.01)
        & (pc.field("area") == "north")
    )
    assert high[: packed["rows"][0]].tolist() == first["high"].to_pylist()
    assert live_map({"trips": rows}, region.service_area).facts["intervals"] == {}


def test_flows_of_several_trips_carry_their_intervals_and_both_places(
    make_region: MakeRegion,
    make_rows: MakeRows,
    make_intervals: Callable[[Region, pa.Table], pa.Table],
) -> None:
    region = make_region(service_area=AREAS)
    rows = make_rows(region, 600)
    intervals = make_intervals(region, rows)
    live = live_map({"trips": rows, "intervals": intervals}, region.service_area)
    packed = live.facts["intervals"]
    flows = intervals.filter(
        (pc.field("counted") == "flows")
        & (pc.field("grid_degrees") == 0.01)
        & (pc.field("rows") > 1)
    ).to_pylist()
    found = {name: array(live, packed["flows"][name]) for name in packed["flows"] if name != "rows"}
    assert len(found["low"]) == len(flows) == sum(packed["flows"]["rows"]) > 0
    seen = {
        (
            *(
                round(float(array(live, packed[kind][edge])[found[end][i]]), 2)
                for kind, end in (("origins", "origin"), ("destinations", "destination"))
                for edge in ("south", "west")
            ),
            *(float(found[name][i]) for name in ("trips", "low", "high")),
        )
        for i in range(len(flows))
    }
    names = ("south", "west", "to_south", "to_west", "rows", "low", "high")
    assert seen == {tuple(round(float(flow[name]), 2) for name in names) for flow in flows}


def test_polygons_lie_in_steps_of_their_box(make_region: MakeRegion, make_rows: MakeRows) -> None:
    triangle = [[10.4, 52.4], [10.6, 52.4], [10.4, 52.5], [10.4, 52.4]]
    region = make_region(service_area=[{"name": "north", "polygons": [[triangle]]}])
    live = live_map({"trips": make_rows(region, 3)}, region.service_area)
    assert live.facts["areas"][0]["outline"] == [[[[0, 0], [STEPS, 0], [0, STEPS], [0, 0]]]]
