from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.privacy.bounding import bounded_groups
from tasks.privacy.keyed_hash import KEY_BYTES, KeyedHash

Trip = tuple[int, int]
KEY = bytes(range(KEY_BYTES))

trips = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40)


def content(trip: Trip) -> bytes:
    return repr(trip).encode()


def records(day: list[Trip], limit: int, key: bytes = KEY) -> Counter[tuple[Trip, ...]]:
    """The day's records as a multiset: each vehicle's trips that stay."""
    groups = bounded_groups(
        [vehicle for vehicle, _ in day], [content(trip) for trip in day], limit, KeyedHash(key)
    )
    assert groups.shape == (len({vehicle for vehicle, _ in day}), limit)
    return Counter(tuple(sorted(day[index] for index in group if index >= 0)) for group in groups)


@given(day=trips, limit=st.integers(1, 5), key=st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES))
def test_rule_5_a_further_vehicle_is_a_further_record_and_nothing_else(
    day: list[Trip], limit: int, key: bytes
) -> None:
    vehicle = [trip for trip in day if trip[0] == 0]
    others = [trip for trip in day if trip[0] != 0]
    assert records(day, limit, key) == records(others, limit, key) + records(vehicle, limit, key)
    assert sum(records(vehicle, limit, key).values()) == bool(vehicle)


@given(day=trips, limit=st.integers(1, 5), seed=st.integers(0, 99))
def test_rule_5_the_order_of_the_table_does_not_matter(
    day: list[Trip], limit: int, seed: int
) -> None:
    shuffled = [day[index] for index in np.random.default_rng(seed).permutation(len(day))]
    assert records(day, limit) == records(shuffled, limit)


@given(day=trips, limit=st.integers(1, 5))
def test_at_most_k_trips_of_a_vehicle_stay_and_no_fewer_than_there_are(
    day: list[Trip], limit: int
) -> None:
    held = Counter(vehicle for vehicle, _ in day)
    for record in records(day, limit):
        assert len({vehicle for vehicle, _ in record}) == 1
        assert len(record) == min(limit, held[record[0][0]])


def test_rule_1_each_trip_is_as_likely_to_stay_and_the_choice_is_new_each_time() -> None:
    stay: Counter[int] = Counter()
    for _ in range(3000):
        groups = bounded_groups("a" * 5, [b"%d" % index for index in range(5)], 2, KeyedHash())
        stay.update(groups[0].tolist())
    for index in range(5):
        assert abs(stay[index] / 3000 - 2 / 5) < 6 * (0.24 / 3000) ** 0.5


def test_a_vehicle_has_places_for_k_trips() -> None:
    groups = bounded_groups("ab", [b"1", b"2"], 3, KeyedHash())
    assert groups.tolist() == [[0, -1, -1], [1, -1, -1]]
    assert bounded_groups("", [], 3, KeyedHash()).shape == (0, 3)


def test_impossible_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one trip"):
        bounded_groups("a", [b"1"], 0, KeyedHash())
    with pytest.raises(ValueError, match="32 bytes"):
        KeyedHash(b"short")


@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_different_records_are_hashed_differently(a: list[bytes], b: list[bytes]) -> None:
    keyed = KeyedHash(KEY)
    assert (keyed.of(a) == keyed.of(b)) == (a == b)
    assert keyed.of(a) != KeyedHash().of(a)
