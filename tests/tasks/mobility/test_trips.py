import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.mobility.moves import MOVES
from tasks.mobility.trips import count_moves, trip_table
from tasks.region import Region, TripRules
from tasks.schema import POLLS, TRIPS, VEHICLE_TYPES
from tasks.schema.trips import FLAGS

NOON = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)
REGION = Region.model_validate(
    {
        "id": "test",
        "name": "Test",
        "time_zone": "Europe/Berlin",
        "service_area": [
            {"name": "west", "south": 50, "west": 8, "north": 51, "east": 9},
            {"name": "east", "south": 50, "west": 10, "north": 51, "east": 11},
        ],
        "feeds": [{"id": "f", "url": "http://127.0.0.1/gbfs.json"}],
        "trips": {"min_duration_s": 90, "max_duration_minutes": 60, "max_range_gain_m": 500},
    }
)


def polls(minutes: list[int]) -> pa.Table:
    filler = {"feed": "f", "outcome": "ok", "latency_ms": 1, "bytes": 0, "vehicles": 0}
    rows = [
        {"due_at": at, "fetched_at": at, "quarantined": [], **filler}
        for at in (NOON + dt.timedelta(minutes=m) for m in minutes)
    ]
    return pa.Table.from_pylist(rows, schema=POLLS.arrow())


def move(
    start: int = 0,
    end: int = 10,
    longitude: float = 8.5,
    distance: float = 1000.0,
    gain: int | None = None,
    kind: str | None = None,
) -> dict[str, object]:
    return {
        "vehicle_id": "v",
        "vehicle_type_id": kind,
        "start_time": NOON + dt.timedelta(minutes=start),
        "end_time": NOON + dt.timedelta(minutes=end),
        "origin_latitude": 50.5,
        "origin_longitude": longitude,
        "destination_latitude": 50.5 + distance / 111_195,
        "destination_longitude": longitude,
        "distance_m": distance,
        "range_gain_m": gain,
    }


def table(rows: list[dict[str, object]], polled: list[int]) -> pa.Table:
    moves = pa.Table.from_pylist(rows, schema=MOVES)
    return trip_table(moves, polls(polled), TYPES, "f", REGION)


TYPES = pa.Table.from_pylist(
    [
        {"vehicle_type_id": "17", "form_factor": "scooter_standing", "propulsion_type": "electric"},
        {"vehicle_type_id": "18", "form_factor": None, "propulsion_type": "human"},
    ],
    schema=VEHICLE_TYPES.arrow(),
)
EVERY_MINUTE = list(range(0, 120))


def test_a_plain_move_is_a_trip_of_its_local_hour() -> None:
    (row,) = table([move()], EVERY_MINUTE).to_pylist()
    assert row["is_trip"]
    assert (row["area"], row["hour"], row["duration_s"]) == ("west", 14, 600.0)


@pytest.mark.parametrize(
    ("row", "flag"),
    [
        (move(distance=9_000), "too_fast"),
        (move(start=60, end=100), "spans_gap"),
        (move(start=5, end=6, distance=150), "too_short"),
        (move(start=0, end=61), "too_long"),
        (move(gain=501), "recharged"),
    ],
)
def test_a_flagged_move_stays_in_the_table_but_is_no_trip(
    row: dict[str, object], flag: str
) -> None:
    polled = [m for m in EVERY_MINUTE if not 70 < m < 90]
    (flagged,) = table([row], polled).to_pylist()
    assert [column.name for column in FLAGS if flagged[column.name]] == [flag]
    assert flagged["area"] == "west"
    assert not flagged["is_trip"]


@pytest.mark.parametrize(
    "row",
    [
        move(start=4, end=6, distance=150),
        move(start=0, end=60),
        move(gain=500),
        move(gain=-9_000),
        move(gain=None),
    ],
)
def test_what_a_rule_just_allows_is_a_trip(row: dict[str, object]) -> None:
    assert table([row], EVERY_MINUTE)["is_trip"].to_pylist() == [True]


def test_a_region_that_says_nothing_flags_no_duration() -> None:
    plain = REGION.model_copy(update={"trips": TripRules()})
    rows = [move(start=5, end=6, distance=150), move(start=0, end=119)]
    moves = pa.Table.from_pylist(rows, schema=MOVES)
    assert (
        trip_table(moves, polls(EVERY_MINUTE), TYPES, "f", plain)["is_trip"].to_pylist()
        == [True] * 2
    )


def test_the_counts_are_those_of_the_table() -> None:
    rows = [move(), move(longitude=9.5, gain=900), move(distance=9_000), move(gain=900)]
    assert count_moves(table(rows, EVERY_MINUTE)) == {
        "moves": 4,
        "trips": 1,
        "outside_area": 1,
        "spans_gap": 0,
        "too_fast": 1,
        "too_short": 0,
        "too_long": 0,
        "recharged": 2,
    }


def test_the_vehicle_type_is_the_declared_form_factor() -> None:
    moves = [move(start, kind=kind) for start, kind in enumerate(["17", "18", "19", None])]
    types = {
        row["duration_s"]: row["vehicle_type"] for row in table(moves, EVERY_MINUTE).to_pylist()
    }
    assert types == {600: "scooter_standing", 540: None, 480: None, 420: None}


def test_both_ends_must_lie_in_one_area() -> None:
    row = move()
    row["destination_longitude"] = 10.5
    assert table([row], EVERY_MINUTE)["area"].to_pylist() == [None]


MOVES_STRATEGY = st.lists(
    st.builds(
        move,
        start=st.integers(0, 50),
        end=st.integers(50, 119),
        longitude=st.sampled_from([8.5, 9.5, 10.5]),
        distance=st.floats(100.1, 60_000),
        gain=st.none() | st.integers(-2_000, 2_000),
    ),
    max_size=8,
)


@given(MOVES_STRATEGY, MOVES_STRATEGY, st.sets(st.integers(0, 119), min_size=1))
def test_rules_look_at_one_move_only(
    some: list[dict[str, object]], others: list[dict[str, object]], polled: set[int]
) -> None:
    """Rule 5 of the privacy design: f(D + r) = f(D) + f(r) as multisets."""
    times = sorted(polled)
    apart = table(some, times).to_pylist() + table(others, times).to_pylist()
    together = table(some + others, times).to_pylist()
    assert sorted(map(repr, together)) == sorted(map(repr, apart))


def test_the_table_has_the_declared_schema() -> None:
    assert table([], EVERY_MINUTE).schema.equals(TRIPS.arrow(), check_metadata=True)


def test_a_move_that_ends_in_a_hole_of_the_area_is_no_trip() -> None:
    outline, hole = (
        [[8.5 + x * half, 50.5 + y * half] for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        for half in (0.2, 0.05)
    )
    area = {"name": "west", "polygons": [[[*ring, ring[0]] for ring in (outline, hole)]]}
    region = REGION.model_validate({**REGION.model_dump(), "service_area": [area]})
    served, parked, beyond = (move(longitude=x) for x in (8.6, 8.51, 8.2))
    rows = pa.Table.from_pylist([served, parked, beyond], schema=MOVES)
    table = trip_table(rows, polls(list(range(-5, 20))), TYPES, "f", region)
    assert table["area"].to_pylist() == ["west", None, None]
    assert table["is_trip"].to_pylist() == [True, False, False]
