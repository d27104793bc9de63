from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from tasks.privacy.keyed_hash import KEY_BYTES, KeyedHash
from tasks.region import Guarantee
from tasks.synthesis import records
from tasks.synthesis.grid import NULL, Grid, Tokens
from tasks.synthesis.records import bounded_day

MakeTrips = Callable[[int, int], pa.Table]
VEHICLES = Guarantee(unit="vehicle_day", adjacency="add_remove", max_trips_per_vehicle=3)


def with_vehicles(trips: pa.Table, vehicles: list[int]) -> pa.Table:
    times = pa.array(np.arange(len(vehicles)) * 60_000, pa.timestamp("ms", "UTC"))
    return (
        trips.append_column("feed", pa.array(["one"] * len(vehicles)))
        .append_column("vehicle_id", pa.array([f"v{vehicle}" for vehicle in vehicles]))
        .append_column("start_time", times)
        .append_column("end_time", times)
    )


def as_multiset(tokens: Tokens) -> Counter[bytes]:
    """Records as a multiset; the order of a vehicle's trips does not matter."""
    return Counter(b"".join(sorted(row.tobytes() for row in record)) for record in tokens)


def test_one_trip_is_one_record(grid: Grid, make_trips: MakeTrips) -> None:
    trips = make_trips(50, 1)
    day = bounded_day(Guarantee(), trips)
    assert day.trips.num_rows == 50
    assert (day.records(grid) == grid.encode(trips)).all()


def test_one_vehicle_is_one_record_filled_up_with_null_records(
    grid: Grid, make_trips: MakeTrips
) -> None:
    trips = make_trips(8, 1)
    day = bounded_day(VEHICLES, with_vehicles(trips, [0, 1, 0, 0, 2, 0, 2, 0]))
    tokens = day.records(grid)
    assert tokens.shape == (3, 3, len(grid.sizes))
    assert tokens.dtype == np.int32
    assert day.trips.num_rows == 3 + 1 + 2
    held = (tokens != NULL).any(axis=2).sum(axis=1)
    assert held.tolist() == [3, 1, 2]
    encoded = grid.encode(trips)
    assert (tokens[1] == np.stack([encoded[1], *[np.full_like(encoded[1], NULL)] * 2])).all()
    chosen = {row.tobytes() for row in tokens[0]}
    assert chosen < {encoded[index].tobytes() for index in (0, 2, 3, 5, 7)}


def test_rule_5_one_vehicle_more_is_one_record_more(
    grid: Grid, make_trips: MakeTrips, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "KeyedHash", lambda: KeyedHash(bytes(KEY_BYTES)))
    generator = np.random.default_rng(5)
    vehicles = generator.integers(0, 12, 60)
    trips = with_vehicles(make_trips(60, 2), vehicles.tolist())
    together = as_multiset(bounded_day(VEHICLES, trips).records(grid))
    for vehicle in range(12):
        own, others = trips.filter(vehicles == vehicle), trips.filter(vehicles != vehicle)
        days = [bounded_day(VEHICLES, part) for part in (own, others)]
        parts = [day.records(grid) for day in days]
        assert together == as_multiset(parts[0]) + as_multiset(parts[1])
        assert len(parts[0]) == 1
        assert days[0].trips.num_rows <= VEHICLES.trips_per_unit


def test_the_same_vehicle_in_two_feeds_is_two_vehicles(grid: Grid, make_trips: MakeTrips) -> None:
    trips = with_vehicles(make_trips(2, 1), [0, 0])
    trips = trips.set_column(trips.schema.get_field_index("feed"), "feed", pa.array(["a", "b"]))
    assert bounded_day(VEHICLES, trips).records(grid).shape[0] == 2


def test_a_day_without_trips_has_no_records(grid: Grid, make_trips: MakeTrips) -> None:
    day = bounded_day(VEHICLES, with_vehicles(make_trips(0, 1), []))
    assert day.records(grid).shape == (0, 3, len(grid.sizes))
    assert day.trips.num_rows == 0
