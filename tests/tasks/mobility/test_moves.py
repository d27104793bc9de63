import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tasks.mobility.distance import haversine
from tasks.mobility.moves import MovesOfDay, last_sightings
from tasks.mobility.pieces import SCHEMA, whole_vehicles

STEP_E6 = 500  # microdegrees: 55.6 m of latitude, so that one step is no move and two are


@st.composite
def days(draw: st.DrawFn) -> pa.Table:
    """A few vehicles that stand on a line and jump along it from poll to poll."""
    rows = []
    for vehicle in range(draw(st.integers(0, 4))):
        positions = draw(st.lists(st.integers(0, 4), min_size=1, max_size=12))
        times = draw(
            st.lists(
                st.integers(0, 1439), min_size=len(positions), max_size=len(positions), unique=True
            )
        )
        for minute, position in zip(sorted(times), positions, strict=True):
            rows.append(
                (f"v{vehicle}", minute * 60_000, 50_000_000 + position * STEP_E6, 8_000_000)
            )
    return sightings(rows)


def sightings(
    rows: list[tuple[str, int, int, int]],
    ranges: list[int | None] | None = None,
    types: list[str | None] | None = None,
) -> pa.Table:
    columns = [[row[i] for row in sorted(rows)] for i in range(4)]
    nothing = [None] * len(rows)
    return pa.table([*columns, types or nothing, ranges or nothing], schema=SCHEMA)


def find_moves(
    chunks: list[pa.Table], before: pa.Table | None = None, minimum_m: float = 100.0
) -> pa.Table:
    moves = MovesOfDay(before)
    for piece in whole_vehicles(chunks):
        moves.see(piece)
    return moves.over(minimum_m)


def expected_moves(table: pa.Table, minimum_m: float) -> set[tuple[str, pd.Timestamp]]:
    frame = table.to_pandas()
    before = frame.groupby("vehicle_id").shift()
    distance = haversine(
        before["latitude_e6"] / 1e6,
        before["longitude_e6"] / 1e6,
        frame["latitude_e6"] / 1e6,
        frame["longitude_e6"] / 1e6,
    )
    far = frame[np.nan_to_num(distance) > minimum_m]
    return set(zip(far["vehicle_id"], far["fetched_at"], strict=True))


def found(moves: pa.Table) -> list[tuple[str, pd.Timestamp]]:
    frame = moves.to_pandas()
    return list(zip(frame["vehicle_id"], frame["end_time"], strict=True))


@given(days(), st.integers(1, 7), st.sampled_from([50.0, 100.0, 200.0]))
def test_equals_a_groupby_however_the_day_is_cut(
    day: pa.Table, chunk: int, minimum_m: float
) -> None:
    chunks = [day.slice(i, chunk) for i in range(0, day.num_rows, chunk)]
    moves = found(find_moves(chunks, minimum_m=minimum_m))
    assert len(moves) == len(set(moves))
    assert set(moves) == expected_moves(day, minimum_m)


@given(days(), st.integers(0, 1440), st.integers(1, 5))
def test_a_move_across_midnight_is_found_once(day: pa.Table, cut: int, chunk: int) -> None:
    minute = np.asarray(day["fetched_at"].cast(pa.int64())) // 60_000
    evening, morning = day.filter(minute < cut), day.filter(minute >= cut)
    pieces = [morning.slice(i, chunk) for i in range(0, morning.num_rows, chunk)]
    before = last_sightings([evening.slice(i, chunk) for i in range(0, evening.num_rows, chunk)])
    both = found(find_moves([evening])) + found(find_moves(pieces, before))
    assert sorted(both) == sorted(expected_moves(day, 100.0))


@given(days())
def test_dictionary_encoded_ids_give_the_same_moves(day: pa.Table) -> None:
    encoded = day.set_column(0, "vehicle_id", day["vehicle_id"].dictionary_encode())
    assert find_moves([encoded]).equals(find_moves([day]))


def test_distances_and_ends_are_those_of_the_two_sightings() -> None:
    day = sightings([("a", 0, 50_000_000, 8_000_000), ("a", 60_000, 50_001_000, 8_000_000)])
    (move,) = find_moves([day]).to_pylist()
    assert (move["origin_latitude"], move["destination_latitude"]) == (50.0, 50.001)
    assert abs(move["distance_m"] - 111.195) < 0.001


def test_the_gain_of_range_is_known_where_both_ranges_are() -> None:
    rows = [("a", minute * 60_000, 50_000_000 + minute * 1_000, 8_000_000) for minute in range(5)]
    moves = find_moves([sightings(rows, [9_000, 8_000, None, 7_000, 30_000])])
    gains = moves.sort_by("end_time")["range_gain_m"].to_pylist()
    assert gains == [-1_000, None, None, 23_000]


def test_the_type_is_that_of_the_end_or_else_of_the_start() -> None:
    rows = [("a", minute * 60_000, 50_000_000 + minute * 1_000, 8_000_000) for minute in range(5)]
    moves = find_moves([sightings(rows, types=["x", "y", None, None, "z"])])
    assert moves.sort_by("end_time")["vehicle_type_id"].to_pylist() == ["y", "y", None, "z"]


def test_an_empty_day_has_no_moves() -> None:
    assert find_moves([]).num_rows == 0
    assert last_sightings([]).num_rows == 0
