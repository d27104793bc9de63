import datetime as dt
from typing import Any

import numpy as np
import pytest

from infra.replay.city import city_timeline
from infra.replay.day import ServiceDay
from infra.replay.service_box import LOUISVILLE, ServiceBox

ZONE = "America/Kentucky/Louisville"
WEDNESDAY = ServiceDay(dt.date(2026, 5, 20), ZONE)
SATURDAY = ServiceDay(dt.date(2026, 5, 23), ZONE)


@pytest.fixture(scope="module")
def wednesday(moves_of: Any) -> Any:
    timeline = city_timeline(WEDNESDAY, 0)
    return timeline, moves_of(timeline, WEDNESDAY.polls)


@pytest.fixture(scope="module")
def saturday(moves_of: Any) -> Any:
    timeline = city_timeline(SATURDAY, 0)
    return timeline, moves_of(timeline, SATURDAY.polls)


def test_a_day_has_the_vehicles_and_trips_that_were_asked_for(wednesday: Any) -> None:
    timeline, moves = wednesday
    assert len(set(timeline.ids)) == 800
    assert 7_000 < len(moves) < 9_000


def test_every_ride_is_one_move(wednesday: Any) -> None:
    timeline, moves = wednesday
    rides = (timeline.vehicle[1:] == timeline.vehicle[:-1]).sum()
    assert len(moves) == rides


def test_trips_have_the_distances_and_speeds_of_scooters(wednesday: Any) -> None:
    _, moves = wednesday
    assert moves["metres"].min() > 144
    assert 800 < np.median(moves["metres"]) < 1_300
    assert 4_000 < np.percentile(moves["metres"], 99.5) < 8_000
    kmh = moves["metres"] / 1000 / ((moves["poll"] - moves["last_seen"]) / 60)
    assert kmh.max() < 25


def test_no_vehicle_is_ever_seen_outside_the_box(wednesday: Any) -> None:
    timeline, _ = wednesday
    for poll in range(0, WEDNESDAY.polls, 30):
        seen = timeline.seen(poll)
        assert (seen.latitude_e6 >= LOUISVILLE.south * 1e6).all()
        assert (seen.latitude_e6 <= LOUISVILLE.north * 1e6).all()
        assert (seen.longitude_e6 >= LOUISVILLE.west * 1e6).all()
        assert (seen.longitude_e6 <= LOUISVILLE.east * 1e6).all()


def test_a_weekday_has_commute_peaks_and_a_quiet_night(wednesday: Any) -> None:
    by_hour = np.bincount(wednesday[1]["poll"] // 60, minlength=24)
    assert by_hour[8] > 1.5 * by_hour[10]  # the morning peak stands out
    assert by_hour[17] == by_hour.max()
    assert by_hour[2:5].max() < by_hour[17] / 10


def test_a_weekend_peaks_once_in_the_afternoon_and_ends_late(wednesday: Any, saturday: Any) -> None:
    by_hour = np.bincount(saturday[1]["poll"] // 60, minlength=24)
    assert 13 <= by_hour.argmax() <= 17
    assert by_hour[8] < by_hour[15] / 3
    assert by_hour[1] > 2 * np.bincount(wednesday[1]["poll"] // 60)[1]


def test_people_ride_to_work_in_the_morning_and_back_in_the_evening(
    wednesday: Any, metres_between: Any
) -> None:
    moves = wednesday[1]
    middle = np.median(moves["destination"], axis=0)
    inwards = metres_between(moves["origin"], middle) - metres_between(moves["destination"], middle)
    hour = moves["poll"] // 60
    assert inwards[hour == 8].mean() > 100
    assert inwards[(hour >= 18) & (hour < 20)].mean() < -20


def test_the_middle_is_dense(wednesday: Any, metres_between: Any) -> None:
    origins = wednesday[1]["origin"]
    away = metres_between(origins, np.median(origins, axis=0))
    assert (away < 1_500).mean() > 0.3  # 7 km2 of 210
    assert (away > 5_000).mean() < 0.1


def test_rides_are_under_way_at_midnight(wednesday: Any, saturday: Any) -> None:
    for timeline, _ in (wednesday, saturday):
        assert 0 < 800 - len(timeline.seen(0).stand) < 80
        assert 0 < 800 - len(timeline.seen(1439).stand) < 80


def test_seed_and_date_make_the_day_and_the_seed_alone_the_map(metres_between: Any) -> None:
    def day(date: int, seed: int) -> Any:
        noon = ServiceDay(dt.date(2026, 5, date), ZONE)
        return city_timeline(noon, seed, vehicles=200, trips=500)

    first, again, next_day, other = day(20, 1), day(20, 1), day(21, 1), day(20, 2)
    assert first.ids == again.ids
    assert (first.latitude == again.latitude).all()
    assert not set(first.ids) & set(next_day.ids)

    def middle(timeline: Any) -> Any:
        return np.array([np.median(timeline.latitude), np.median(timeline.longitude)])

    assert metres_between(middle(first), middle(next_day)) < 400
    assert metres_between(middle(first), middle(other)) > 500


@pytest.mark.parametrize(
    ("date", "polls"), [(dt.date(2026, 3, 8), 1380), (dt.date(2026, 11, 1), 1500)]
)
def test_days_of_23_and_25_hours(date: dt.date, polls: int) -> None:
    day = ServiceDay(date, ZONE)
    timeline = city_timeline(day, 0, vehicles=50, trips=300)
    assert day.polls == polls
    assert timeline.last.max() == polls - 1


def test_a_small_box_on_the_other_hemisphere(moves_of: Any) -> None:
    box = ServiceBox(-33.93, 151.19, -33.92, 151.20)
    day = ServiceDay(dt.date(2026, 5, 20), "Australia/Sydney")
    timeline = city_timeline(day, 0, box, vehicles=60, trips=300)
    moves = moves_of(timeline, day.polls)
    assert len(moves) > 200
    for corner in (moves["origin"], moves["destination"]):
        assert (corner >= [box.south, box.west]).all()
        assert (corner <= [box.north, box.east]).all()
