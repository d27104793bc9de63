import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mobility.areas import holds
from tasks.mobility.distance import haversine
from tasks.region import Box
from tasks.region.ways import Lines, Ways, read_ways
from tasks.schema import MODELLED_TRIPS, RELEASE, RELEASE_STARTS, Table
from tasks.synthesis import microdegrees
from tasks.synthesis.microdegrees import MICRO
from tasks.synthesis.nearest import Floats
from tasks.synthesis.snapping import snap_tables
from tests.tasks.synthesis.boxes import any_box, any_holed_area, star

ENDS = ("origin_", "destination_", "")


def drawn_table(schema: Table, areas: Sequence[Box], rows: int, seed: int) -> pa.Table:
    """Rows as a synthesizer draws them: valid, ends anywhere in their area."""
    generator = np.random.default_rng(seed)
    area = generator.integers(0, len(areas), rows)
    ends = microdegrees.anywhere(areas, area, generator)
    near = generator.random(rows) < 0.3  # many are only just long enough
    close = ends.copy()
    close[:, 2] = close[:, 0] + generator.integers(-1200, 1200, rows)
    close[:, 3] = close[:, 1] + generator.integers(-1200, 1200, rows)
    near &= microdegrees.are_trips(areas, area, close)
    ends[near] = close[near]
    values = {
        "area": pa.array([areas[index].name for index in area], pa.string()),
        "distance_m": microdegrees.distance_between(*ends.T),
        **dict(zip(RELEASE.names[2:6], ends.T / MICRO, strict=True)),
        "latitude": ends[:, 0] / MICRO,
        "longitude": ends[:, 1] / MICRO,
    }
    hour = pa.array(generator.integers(0, 24, rows), pa.int8())
    columns = [values.get(name, hour) for name in schema.names]
    return pa.table(columns, schema=schema.arrow())


def random_ways(areas: Sequence[Box], within_m: float, seed: int, lines: int) -> Ways:
    """Roads and docks of each area, read as from a file: most of them reach over its edge."""
    generator = np.random.default_rng(seed)
    found = {}
    for box in areas:
        south, west, north, east = box.edges
        place = generator.uniform([west, south], [east, north], (lines, 1, 2))
        step = generator.normal(0, (north - south) / 10, (lines, 4, 2))
        paths = np.concatenate([place, place + np.cumsum(step, axis=1)], axis=1)
        docks = generator.uniform([west, south], [east, north], (lines, 1, 2))
        shape = shapely.box(west, south, east, north)
        if box.polygons:
            shape = shapely.MultiPolygon([(p[0], p[1:]) for p in box.polygons])
        shapely.prepare(shape)
        inside = Lines.of(
            tuple(map(tuple, line)) for line in (*paths.tolist(), *docks.tolist())
        ).inside(shape)
        if len(inside.first):
            found[box.name] = inside
    return Ways(within_m, found)


def snapped_table(areas: Sequence[Box], ways: Ways, table: pa.Table) -> tuple[pa.Table, int]:
    """The table, and how many ends lie on a way."""
    snapped = snap_tables(areas, ways, {"one": table})
    assert snapped.ends == len(table) * len(places_of(table))
    return snapped.tables["one"], snapped.moved


def places_of(table: pa.Table) -> list[tuple[Floats, Floats]]:
    return [
        (table[f"{end}latitude"].to_numpy(), table[f"{end}longitude"].to_numpy())
        for end in ENDS
        if f"{end}latitude" in table.column_names
    ]


def distance_to(ways: Ways, area: str, latitude: Floats, longitude: Floats) -> Floats:
    """From each place to the ways of an area, degrees."""
    if area not in ways.of_area:
        return np.full(len(latitude), np.inf)
    lines = shapely.linestrings(ways.of_area[area].segments)
    places = shapely.points(longitude, latitude)
    return np.asarray(shapely.distance(places[:, None], lines[None]).min(axis=1))


@settings(max_examples=15)
@pytest.mark.parametrize("schema", [RELEASE, MODELLED_TRIPS, RELEASE_STARTS])
@given(
    box=st.one_of(any_box(0.1), any_holed_area(0.1)),
    seed=st.integers(0, 2**32 - 1),
    within=st.sampled_from([1.0, 60.0, 100.0, 1000.0]),
    lines=st.sampled_from([1, 5, 40]),
)
def test_rows_stay_rows_of_a_release_and_come_to_lie_on_ways(
    schema: Table, box: Box, seed: int, within: float, lines: int
) -> None:
    table = drawn_table(schema, [box], 60, seed)
    ways = random_ways([box], within, seed + 1, lines)
    snapped, moved = snapped_table([box], ways, table)
    assert snapped.schema.equals(schema.arrow(), check_metadata=True)
    assert len(snapped) == 60
    assert snapped.equals(snapped.sort_by([(name, "ascending") for name in schema.names]))
    for name in schema.names[: -len(places_of(table)) * 2 - (schema is not RELEASE_STARTS)]:
        assert sorted(snapped[name].to_pylist()) == sorted(table[name].to_pylist())
    on_way = 0
    drawn = {place for ends in places_of(table) for place in zip(*ends, strict=True)}
    for latitude, longitude in places_of(snapped):
        assert holds(box, latitude, longitude).all()
        for values in (latitude, longitude):
            assert np.array_equal(np.round(values * MICRO) / MICRO, values)
        near = distance_to(ways, box.name, latitude, longitude) < 1e-6
        was = np.array([place in drawn for place in zip(latitude, longitude, strict=True)])
        assert (near | was).all()
        on_way += int((~was).sum())
    assert on_way <= moved <= len(places_of(table)) * 60
    if schema is not RELEASE_STARTS:
        (first, second) = places_of(snapped)
        apart = haversine(*first, *second)
        assert (apart > 100).all()
        assert np.allclose(apart, snapped["distance_m"].to_numpy(), rtol=1e-12)


def one_trip(*ends: float, area: str = "town") -> pa.Table:
    columns = [[area], pa.array([7], pa.int8()), *([end] for end in ends), [haversine(*ends)]]
    return pa.table(columns, schema=RELEASE.arrow())


TOWN = Box(name="town", south=50.0, west=8.0, north=50.1, east=8.1)


def ways(*lines: Sequence[tuple[float, float]], within_m: float = 100) -> Ways:
    return Ways(within_m, {"town": Lines.of([tuple(line) for line in lines])})


def snapped_to(found: Ways, *ends: float) -> list[float]:
    table, _ = snapped_table([TOWN], found, one_trip(*ends))
    return [table[name][0].as_py() for name in RELEASE.names[2:6]]


def test_an_end_goes_to_the_foot_of_its_perpendicular() -> None:
    road = ways([(8.01, 50.05), (8.09, 50.05)])
    assert snapped_to(road, 50.0504, 8.02, 50.0497, 8.03) == [50.05, 8.02, 50.05, 8.03]


def test_an_end_with_nothing_near_enough_stays_and_the_other_moves() -> None:
    road = ways([(8.01, 50.05), (8.09, 50.05)], within_m=40)
    # 0.0003 degrees of latitude are 33 m, 0.0004 are 44 m
    assert snapped_to(road, 50.0504, 8.02, 50.0497, 8.03) == [50.0504, 8.02, 50.05, 8.03]


def test_a_trip_that_would_become_too_short_stays_as_it_was_drawn() -> None:
    dock = ways([(8.05, 50.05)])
    ends = (50.0506, 8.05, 50.0494, 8.05)  # 133 m apart, both 67 m from the dock
    assert snapped_to(dock, *ends) == list(ends)
    table, moved = snapped_table([TOWN], dock, one_trip(*ends))
    assert (table.equals(one_trip(*ends)), moved) == (True, 0)


def test_no_end_is_moved_further_than_allowed_not_even_by_rounding() -> None:
    feet = np.linspace(8.001, 8.097, 300)
    slanted = ways([(8.0, 50.0), (8.1, 50.0777)], within_m=40)
    latitude = 50.0 + 0.777 * (feet - 8.0)
    shrink = np.cos(np.radians(latitude))
    east, north = np.array([np.full(300, -0.777), shrink]) / np.hypot(0.777, shrink)
    step = 39.99 / 111195.1  # rounding moves either end by up to 7 cm
    drawn = np.round([latitude + step * north, feet + step * east / shrink], 6)
    columns = [["town"] * 300, pa.array([7] * 300, pa.int8()), *drawn]
    table = pa.table(columns, schema=RELEASE_STARTS.arrow())
    snapped, moved = snapped_table([TOWN], slanted, table)
    ((to_latitude, to_longitude),) = places_of(snapped)
    apart = haversine(drawn[0][:, None], drawn[1][:, None], to_latitude, to_longitude).min(axis=0)
    assert 50 < moved < 250
    assert (apart[apart > 1] > 39.9).sum() == moved
    assert apart.max() <= 40


def test_an_end_does_not_leave_its_area_for_a_way() -> None:
    """Between two areas that touch, and over the rounding of a way's own end."""
    west = Box(name="west", south=50.0, west=8.0, north=50.1, east=8.05)
    east = Box(name="east", south=50.0, west=8.05, north=50.1, east=8.1)
    road = Lines.of([((8.0501, 50.01), (8.0501, 50.09))])
    table = pa.concat_tables(
        [
            one_trip(50.02, 8.0499, 50.03, 8.0499, area="west"),
            one_trip(50.02, 8.0504, 50.03, 8.0504, area="east"),
        ]
    )
    snapped, moved = snapped_table([west, east], Ways(100, {"east": road}), table)
    assert moved == 2
    assert snapped["origin_longitude"].to_pylist() == [8.0501, 8.0499]
    outside = Ways(100, {"west": road})  # as a file that someone else packed might say
    snapped, moved = snapped_table([west], outside, table.slice(0, 1))
    assert (snapped.equals(table.slice(0, 1)), moved) == (True, 0)


def test_the_same_rows_give_the_same_rows_in_any_order(tmp_path: Path) -> None:
    area = star(50.0, 8.0, 0.1)
    lines = [[[8.0 + 0.01 * i, 50.0], [8.0 + 0.01 * i, 50.1]] for i in range(11)]
    path = tmp_path / "roads.geojson"
    path.write_text(json.dumps({"type": "MultiLineString", "coordinates": lines}))
    found, _ = read_ways(path, [area], 300)
    table = drawn_table(RELEASE, [area], 500, 3)
    shuffled = table.take(pa.array(np.random.default_rng(0).permutation(500)))
    once, moved = snapped_table([area], found, table)
    again, as_many = snapped_table([area], found, shuffled)
    assert once.equals(again)
    assert moved == as_many > 500


def test_no_rows_are_a_table_without_rows() -> None:
    empty = RELEASE.arrow().empty_table()
    snapped, moved = snapped_table([TOWN], ways([(8.05, 50.05)]), empty)
    assert (snapped.equals(empty), moved) == (True, 0)
