from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from infra.replay.timeline import JITTER_M, MAX_RANGE_M, Stand, build_timeline


@given(
    latitude=st.floats(-80, 80),
    longitude=st.floats(-180, 180),
    jitter_m=st.floats(0, JITTER_M),
    seed=st.integers(0, 2**32),
)
def test_a_sighting_lies_within_the_jitter(
    latitude: float, longitude: float, jitter_m: float, seed: int, metres_between: Any
) -> None:
    timeline = build_timeline(["a"], [Stand(0, 0, 49, latitude, longitude, jitter_m)], seed)
    for poll in range(50):
        seen = timeline.seen(poll)
        here = np.array([seen.latitude_e6[0], seen.longitude_e6[0]]) / 1e6
        away = metres_between(here, np.array([latitude, longitude]))
        assert away <= jitter_m * 1.001 + 0.1  # rounded to microdegrees


def test_jitter_spreads_and_is_the_same_when_asked_again() -> None:
    timeline = build_timeline(["a"], [Stand(0, 0, 999, 50.0, 10.0)], 1)
    latitudes = [int(timeline.seen(poll).latitude_e6[0]) for poll in range(1000)]
    assert latitudes == [int(timeline.seen(poll).latitude_e6[0]) for poll in range(1000)]
    metres = (np.array(latitudes) / 1e6 - 50.0) * 111_195
    assert abs(metres.mean()) < 0.2
    assert 1.4 < metres.std() < 1.9  # uniform over 5.7 m
    again = build_timeline(["a"], [Stand(0, 0, 999, 50.0, 10.0)], 2)
    assert latitudes != [int(again.seen(poll).latitude_e6[0]) for poll in range(1000)]


def test_a_vehicle_is_seen_from_the_first_poll_to_the_last_of_each_stand() -> None:
    stands = [Stand(1, 5, 6, 1.0, 1.0), Stand(0, 0, 2, 2.0, 2.0), Stand(0, 4, 4, 3.0, 3.0)]
    timeline = build_timeline(["a", "b"], stands, 0)
    seen = [
        [timeline.ids[timeline.vehicle[stand]] for stand in timeline.seen(poll).stand]
        for poll in range(8)
    ]
    assert seen == [["a"], ["a"], ["a"], [], ["a"], ["b"], ["b"], []]


def test_the_range_falls_with_every_ride_to_the_least_there_is() -> None:
    stands = [Stand(0, i, i, 0.0, 0.01 * i) for i in range(100)]
    ranges = build_timeline(["a"], stands, 0).range_m
    assert ranges.min() >= 0
    assert ranges.max() <= MAX_RANGE_M
    falls = np.diff(ranges) < 0
    assert falls.any()
    # no ride adds to it, or it would not be a ride
    assert (ranges[1:][~falls] == ranges.min()).all()


def test_no_stand_is_no_sighting() -> None:
    assert len(build_timeline([], [], 0).seen(0).stand) == 0
