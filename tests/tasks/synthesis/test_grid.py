from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.mobility.areas import area_of
from tasks.mobility.distance import haversine
from tasks.region import Box
from tasks.synthesis.grid import BEARINGS, NULL, Columns, Grid, Tokens
from tests.tasks.synthesis.boxes import any_box, any_holed_area, star

MakeTrips = Callable[[int, int], pa.Table]
FAST = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def assert_valid(grid: Grid, columns: Columns) -> None:
    """Every decoded row is valid as the release would state it: floats of six decimals."""
    corners = np.array([(b.south, b.west, b.north, b.east) for b in grid.boxes])
    south, west, north, east = corners[columns.area].T
    for latitude, longitude in (
        (columns.origin_latitude, columns.origin_longitude),
        (columns.destination_latitude, columns.destination_longitude),
    ):
        assert ((latitude >= south) & (latitude <= north)).all()
        assert ((longitude >= west) & (longitude <= east)).all()
        assert (np.round(latitude, 6) == latitude).all()
        assert (np.round(longitude, 6) == longitude).all()
    distance = haversine(
        columns.origin_latitude,
        columns.origin_longitude,
        columns.destination_latitude,
        columns.destination_longitude,
    )
    assert (distance > 100).all()
    assert np.allclose(distance, columns.distance_m, rtol=1e-12)
    assert ((columns.hour >= 0) & (columns.hour <= 23)).all()


@FAST
@given(box=any_box(), levels=st.integers(1, 4), seed=st.integers(0, 1000))
def test_every_token_of_every_box_decodes_to_a_valid_row(box: Box, levels: int, seed: int) -> None:
    grid = Grid((box,), levels)
    generator = np.random.default_rng(seed)
    tokens = np.stack([generator.integers(0, size, 300) for size in grid.sizes], axis=1)
    tokens[:100, -2] = grid.sizes[-2] - 1  # too far for almost every origin
    tokens[100:150, -2] = 0  # short enough to round to 100 m
    tokens[150:200, 2:-2] = 63  # the corner's cells
    assert_valid(grid, grid.decode(tokens.astype(np.int32), generator))


def test_decoding_what_was_encoded_stays_in_its_bins(grid: Grid, make_trips: MakeTrips) -> None:
    trips = make_trips(500, 1)
    tokens = grid.encode(trips)
    assert (tokens != NULL).all()
    assert (tokens < np.array(grid.sizes)).all()
    columns = grid.decode(tokens, np.random.default_rng(2))
    assert_valid(grid, columns)
    again = grid.encode(table_of(grid, columns))
    # rounding to 1e-6 degrees can move a position over an edge; almost never
    assert (again == tokens).all(axis=1).mean() > 0.97
    exact = columns.distance_m / haversine(*(trips[name].to_numpy() for name in ENDS))
    assert np.median(np.abs(np.log2(exact))) < 0.15


ENDS = ("origin_latitude", "origin_longitude", "destination_latitude", "destination_longitude")


def table_of(grid: Grid, columns: Columns) -> pa.Table:
    return pa.table(
        {
            "area": [grid.boxes[index].name for index in columns.area],
            "hour": columns.hour.astype(np.int8),
            **{name: getattr(columns, name) for name in ENDS},
        }
    )


@FAST
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 99))
def test_rule_5_encoding_a_union_is_the_union_of_encodings(
    grid: Grid, make_trips: MakeTrips, rows: int, cut: int, seed: int
) -> None:
    trips = make_trips(rows, seed)
    cut = min(cut, rows)
    parts = [grid.encode(trips.slice(0, cut)), grid.encode(trips.slice(cut))]
    assert (np.concatenate(parts) == grid.encode(trips)).all()
    order = np.random.default_rng(seed).permutation(rows)
    assert (grid.encode(trips.take(pa.array(order, pa.int64()))) == grid.encode(trips)[order]).all()


@FAST
@given(st.integers(0, 29), st.integers(0, 99))
def test_rule_5_one_trip_more_adds_one_row_and_changes_no_other(
    grid: Grid, make_trips: MakeTrips, place: int, seed: int
) -> None:
    trips = make_trips(30, seed)
    without = pa.concat_tables([trips.slice(0, place), trips.slice(place + 1)])
    assert (np.delete(grid.encode(trips), place, axis=0) == grid.encode(without)).all()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("area", "elsewhere"),
        ("area", "south-town"),
        ("area", None),
        ("hour", 24),
        ("hour", -1),
        ("origin_latitude", 52.500001),
        ("destination_longitude", 10.599999),
        ("destination_latitude", float("nan")),
        ("destination_latitude", 52.4),
    ],
)
def test_rule_5_rows_outside_the_grid_become_null_records(
    grid: Grid, column: str, value: object
) -> None:
    row: dict[str, object] = {
        "area": "north-town",
        "hour": 8,
        "origin_latitude": 52.4,
        "origin_longitude": 10.7,
        "destination_latitude": 52.4,
        "destination_longitude": 10.7,
    }
    valid = {**row, "destination_latitude": 52.41}
    tokens = grid.encode(pa.Table.from_pylist([valid, {**valid, column: value}]))
    assert (tokens[0] != NULL).all()
    assert (tokens[1] == NULL).all()


def test_rule_5_the_grid_follows_from_the_service_area_alone(
    boxes: tuple[Box, ...], make_trips: MakeTrips
) -> None:
    before = Grid(boxes, 3)
    sizes, edges = before.sizes, before.distance_edges.tolist()
    before.encode(make_trips(50, 3))
    after = Grid(boxes, 3)
    assert (after.sizes, after.distance_edges.tolist()) == (sizes, edges)


def test_edges_of_the_box_belong_to_it(grid: Grid) -> None:
    corners = [(52.3, 10.6), (52.3, 10.9), (52.5, 10.6), (52.5, 10.9)]
    trips = pa.Table.from_pylist(
        [
            dict(zip(("area", "hour", *ENDS), ("north-town", 0, *start, *end), strict=True))
            for start in corners
            for end in corners
            if start != end
        ]
    )
    tokens = grid.encode(trips)
    assert (tokens != NULL).all()
    assert (tokens < np.array(grid.sizes)).all()


def random_tokens(grid: Grid, rows: int, seed: int) -> Tokens:
    generator = np.random.default_rng(seed)
    drawn = np.stack([generator.integers(0, size, rows) for size in grid.sizes], axis=1)
    return np.asarray(drawn, np.int32)


def test_masks_forbid_what_leads_out_and_allow_what_stays(grid: Grid) -> None:
    tokens = random_tokens(grid, 400, 4)
    assert grid.distance_mask(tokens)[:, 0].all()
    assert not grid.distance_mask(tokens)[:, -1].all()
    tokens[:, -2] = 4
    mask = grid.bearing_mask(tokens)
    assert mask.any(axis=1).all()
    inner = (tokens[:, 2] // 8 % 7 > 0) & (tokens[:, 2] % 8 % 7 > 0)
    assert mask[inner].all()
    north_east = tokens.copy()
    north_east[:, 2:-2] = 63
    mask = grid.bearing_mask(north_east)
    assert mask.shape == (400, BEARINGS)
    assert not mask[:, : BEARINGS // 4].any()
    assert mask[:, BEARINGS // 2 : 3 * BEARINGS // 4].all()


def test_decoding_no_rows_gives_no_rows(grid: Grid) -> None:
    none = grid.decode(np.zeros((0, len(grid.sizes)), np.int32), np.random.default_rng(0))
    assert len(none.area) == len(none.distance_m) == 0


@FAST
@given(area=any_holed_area(), levels=st.integers(1, 4), seed=st.integers(0, 1000))
def test_every_token_of_an_area_with_a_hole_decodes_into_the_area(
    area: Box, levels: int, seed: int
) -> None:
    grid = Grid((area,), levels)
    generator = np.random.default_rng(seed)
    tokens = np.stack([generator.integers(0, size, 200) for size in grid.sizes], axis=1)
    tokens[:50, 2:-2] = 63  # the corner's cells, where no point of a star is
    assert_inside(grid, grid.decode(tokens.astype(np.int32), generator))


def assert_inside(grid: Grid, columns: Columns) -> None:
    assert_valid(grid, columns)
    ends = (
        (columns.origin_latitude, columns.origin_longitude),
        (columns.destination_latitude, columns.destination_longitude),
    )
    assert area_of(grid.boxes, *ends).null_count == 0


def test_a_trip_into_a_hole_is_a_null_record() -> None:
    grid = Grid((star(50.0, 8.0, 0.2),), 3)
    columns = grid.decode(np.zeros((40, len(grid.sizes)), np.int32), np.random.default_rng(0))
    trips = table_of(grid, columns)
    assert (grid.encode(trips) != NULL).all()
    rows = trips.to_pylist()
    rows[3].update(destination_latitude=50.1, destination_longitude=8.1)
    assert np.flatnonzero(grid.encode(pa.Table.from_pylist(rows))[:, 0] == NULL).tolist() == [3]


def test_masks_of_origins_leave_what_touches_the_polygons() -> None:
    area = star(50.0, 8.0, 0.2, hole=0.4)
    grid = Grid((area, Box(name="plain", south=50, west=9, north=50.2, east=9.2)), 3)
    tokens = np.zeros((300, len(grid.sizes)), np.int32)
    tokens[150:, 0] = 1
    generator = np.random.default_rng(3)
    for level in (1, 2, 3):
        mask = grid.origin_mask(tokens, level)
        assert mask[150:].all()
        assert (level > 1) or (0 < mask[:150].mean() < 1)
        weights = np.where(mask, generator.random(mask.shape), 0)
        tokens[:, 1 + level] = weights.argmax(axis=1)
    columns = grid.decode(tokens, generator)
    assert_inside(grid, columns)
    again = grid.encode(table_of(grid, columns))
    # cells that only touch the star may have been left for another place
    assert (again[:, 2:5] == tokens[:, 2:5]).all(axis=1).mean() > 0.95
