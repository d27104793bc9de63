import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from infra.replay.day import ServiceDay
from infra.replay.fleet import MAX_SPEED_KMH, fleet_timeline
from infra.replay.source import ReplayError
from infra.replay.timeline import JITTER_M, Timeline
from infra.replay.trip_table import TripTable, read_trips

DAY = ServiceDay(dt.date(2020, 2, 5), "Etc/GMT-4")
METRE = 1 / 111_195.08  # in degrees of latitude


def table_of(rows: Sequence[tuple[int, str, float, float, float, float]]) -> TripTable:
    ends = np.array([row[2:] for row in rows], dtype=np.float64).reshape(-1, 4)
    return TripTable(
        np.array([row[0] for row in rows], dtype=np.int64),
        tuple(r[1] for r in rows),
        ends[:, :2],
        ends[:, 2:],
    )


def assert_moves_are_trips(
    table: TripTable, day: ServiceDay, moves: NDArray[np.void], metres_between: Any
) -> None:
    """As many moves as trips, paired one to one by hour and both ends."""
    assert len(moves) == len(table)
    hour = (day.start // 3600 + moves["poll"] * day.poll_seconds // 3600) % 24
    bound = JITTER_M + 0.2
    pairs = []
    for each in range(24):
        trips, candidates = np.flatnonzero(table.hour == each), np.flatnonzero(hour == each)
        near = np.ones((len(trips), len(candidates)), dtype=bool)
        for place, seen in ((table.origin, "origin"), (table.destination, "destination")):
            apart = np.abs(place[trips, None, 0] - moves[seen][candidates, 0])
            near &= apart < 2 * bound * METRE
        trip, move = np.nonzero(near)
        trip, move = trips[trip], candidates[move]
        fits = (metres_between(moves["origin"][move], table.origin[trip]) <= bound) & (
            metres_between(moves["destination"][move], table.destination[trip]) <= bound
        )
        pairs.append(np.stack([trip[fits], move[fits]]))
    trip, move = np.concatenate(pairs, axis=1)
    graph = csr_array((np.ones(len(trip)), (trip, move)), shape=(len(table), len(moves)))
    unplayed = np.flatnonzero(maximum_bipartite_matching(graph, perm_type="column") < 0)
    assert not len(unplayed), f"trips {unplayed} were not played"


def assert_stands_are_in_order(timeline: Timeline, polls: int) -> None:
    assert (timeline.first <= timeline.last).all()
    assert (timeline.first >= 0).all()
    assert (timeline.last < polls).all()
    same = timeline.vehicle[1:] == timeline.vehicle[:-1]
    assert (timeline.first[1:] > timeline.last[:-1])[same].all()
    assert len(set(timeline.ids)) == len(timeline.ids)


# Trips on a lattice with steps of about 40 m: origins fall near to, at, and away from where the
# vehicle stands, on both sides of 100 m and of 100 m less the jitter.
place = st.tuples(st.integers(0, 12), st.integers(0, 12))
trip = st.tuples(st.integers(0, 23), st.sampled_from("abc"), place, place).filter(
    lambda t: np.hypot(t[2][0] - t[3][0], t[2][1] - t[3][1]) * 40.3 > 101
)
busy_trip = trip.map(lambda t: (t[0] // 12, *t[1:]))  # two hours only


@settings(max_examples=40, deadline=None)
@given(
    trips=st.one_of(st.lists(trip, min_size=1, max_size=25), st.lists(busy_trip, max_size=60)),
    seed=st.integers(0, 100),
    poll_seconds=st.sampled_from([60, 60, 30]),
)
@pytest.mark.slow
def test_every_trip_is_one_move_and_no_other_move_is_seen(
    trips: list[Any], seed: int, poll_seconds: int, moves_of: Any, metres_between: Any
) -> None:
    step = 40.3 * METRE
    rows = [
        (hour, name, 10 + a[0] * step, 20 + a[1] * step, 10 + b[0] * step, 20 + b[1] * step)
        for hour, name, a, b in trips
    ]
    day = ServiceDay(DAY.date, DAY.time_zone, poll_seconds)
    table = table_of(rows)
    table = table_of([row for row, far in zip(rows, table.distance_m > 100.5, strict=True) if far])
    timeline = fleet_timeline(table, day, seed)
    assert_stands_are_in_order(timeline, day.polls)
    moves = moves_of(timeline, day.polls)
    assert_moves_are_trips(table, day, moves, metres_between)
    assert (moves["poll"] - moves["last_seen"] >= 2).all()  # away while ridden


def test_a_vehicle_stands_disappears_and_reappears() -> None:
    table = table_of([(22, "a", 10.0, 20.0, 10.02, 20.0)])
    timeline = fleet_timeline(table, DAY, 0)
    assert timeline.ids == ("a",)
    at_origin, at_destination = zip(timeline.first, timeline.last, strict=True)
    assert at_origin[0] == 0  # seen from the day's beginning
    assert at_destination[0] - at_origin[1] >= 2  # missed by one poll or more
    assert 120 <= at_destination[0] < 180  # 22 UTC is the day's third hour
    assert at_destination[1] == DAY.polls - 1


@pytest.mark.parametrize(("metres", "ids"), [(0, 1), (91, 1), (93, 2), (110, 2), (5000, 2)])
def test_a_trip_that_begins_elsewhere_begins_with_a_new_id(metres: float, ids: int) -> None:
    there = 10.02 + metres * METRE
    table = table_of([(22, "a", 10, 20, 10.02, 20), (23, "a", there, 20, 10, 20)])
    timeline = fleet_timeline(table, DAY, 0)
    assert len(timeline.ids) == ids
    assert timeline.ids[0] == "a"
    if ids == 2:  # the old id has left the feed when the new one is there
        assert (
            timeline.last[timeline.vehicle == 0].max() < timeline.first[timeline.vehicle == 1].min()
        )


def test_more_trips_than_an_hour_can_show_need_more_ids(moves_of: Any, metres_between: Any) -> None:
    there_and_back = [(10.0, 20.0, 10.002, 20.0), (10.002, 20.0, 10.0, 20.0)]
    few = table_of([(5, "a", *there_and_back[i % 2]) for i in range(19)])
    many = table_of([(5, "a", *there_and_back[i % 2]) for i in range(36)])
    assert len(fleet_timeline(few, DAY, 0).ids) == 1
    timeline = fleet_timeline(many, DAY, 0)
    assert len(timeline.ids) == 2
    assert_moves_are_trips(many, DAY, moves_of(timeline, DAY.polls), metres_between)


@pytest.mark.parametrize("metres", [100.6, 102, 105, 107.9])
def test_the_jitter_hides_no_short_trip(metres: float, moves_of: Any, metres_between: Any) -> None:
    table = table_of([(5, f"v{i}", 10, 20, 10 + metres * METRE, 20) for i in range(300)])
    moves = moves_of(fleet_timeline(table, DAY, 0), DAY.polls)
    assert_moves_are_trips(table, DAY, moves, metres_between)


def test_a_vehicle_is_seen_twice_before_each_ride_where_the_hour_has_room() -> None:
    for seed in range(20):
        line = [(5, "a", 10 + 0.004 * i, 20, 10.004 + 0.004 * i, 20) for i in range(6)]
        timeline = fleet_timeline(table_of(line), DAY, seed)
        assert len(timeline.ids) == 1
        polls = timeline.last - timeline.first + 1
        assert (polls[0::2] >= 2).all()  # origins
        assert (polls[1::2] >= 1).all()  # destinations


def test_trips_of_one_hour_are_linked_where_one_ends_and_the_next_begins() -> None:
    ring = [(10.0 + 0.004 * i, 20.0, 10.004 + 0.004 * i, 20.0) for i in range(6)]
    table = table_of([(5, "a", *ring[i]) for i in (3, 0, 5, 1, 4, 2)])
    assert fleet_timeline(table, DAY, 0).ids == ("a",)


def test_a_long_ride_takes_its_time_even_if_that_needs_a_new_id(moves_of: Any) -> None:
    table = table_of([(4, "a", 10, 20, 10.002, 20), (4, "a", 10.002, 20, 11.0, 20)])  # 111 km
    for seed in range(5):
        timeline = fleet_timeline(table, DAY, seed)
        moves = moves_of(timeline, DAY.polls)
        assert len(moves) == 2
        hours = (moves["poll"] - moves["last_seen"]) / 60
        assert (moves["metres"] / 1000 / hours <= MAX_SPEED_KMH * 1.001).all()


def test_a_ride_of_the_first_hour_starts_within_the_day(moves_of: Any, metres_between: Any) -> None:
    rows = [(20, "a", 10, 20, 10.3, 20), (20, "a", 10.3, 20, 10.0, 20)]  # 33 km each
    rows += [(20, "b", 0, 0, 45, 90)]  # no speed is enough for this one
    table = table_of(rows)
    timeline = fleet_timeline(table, DAY, 0)
    moves = moves_of(timeline, DAY.polls)
    assert_moves_are_trips(table, DAY, moves, metres_between)
    hours = (moves["poll"] - moves["last_seen"]) / 60
    assert sorted(moves["metres"] / 1000 / hours <= MAX_SPEED_KMH * 1.001) == [False, True, True]


def test_the_same_seed_plays_the_same_day_and_another_seed_another() -> None:
    table = table_of([(h, "a", 10, 20 + h, 10.02, 20 + h) for h in range(24)])
    first, again, other = (fleet_timeline(table, DAY, seed) for seed in (1, 1, 2))
    assert first.ids == again.ids
    assert (first.first == again.first).all()
    assert first.ids != other.ids
    assert (first.first != other.first).any()


@pytest.mark.parametrize(
    ("date", "zone"),
    [(dt.date(2026, 3, 29), "Europe/Berlin"), (dt.date(2026, 5, 20), "Asia/Kolkata")],
)
def test_a_day_that_does_not_hold_each_utc_hour_once_is_refused(date: dt.date, zone: str) -> None:
    table = table_of([(20, "a", 10, 20, 11, 20)])
    with pytest.raises(ReplayError, match="each UTC hour once"):
        fleet_timeline(table, ServiceDay(date, zone), 0)


def test_the_real_day_is_played_trip_for_trip(
    shared_data: Path, moves_of: Any, metres_between: Any
) -> None:
    table = read_trips(shared_data / "trips" / "uber_scooter_rides_1day.csv")
    timeline = fleet_timeline(table, DAY, 0)
    assert_stands_are_in_order(timeline, DAY.polls)
    moves = moves_of(timeline, DAY.polls)
    assert len(moves) == 27_114
    assert_moves_are_trips(table, DAY, moves, metres_between)
    assert (moves["poll"] - moves["last_seen"] >= 2).all()
    kmh = moves["metres"] / 1000 / ((moves["poll"] - moves["last_seen"]) / 60)
    within_a_city = moves["metres"] < 100_000
    assert kmh[within_a_city].max() < MAX_SPEED_KMH + 2  # jitter, on the shortest
    assert set(table.vehicle) <= set(timeline.ids)
