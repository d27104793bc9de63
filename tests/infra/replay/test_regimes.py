import datetime as dt
import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from infra.replay import ReplayError, city_day
from infra.replay.feeds import VERSIONS, TimelineFeed
from infra.replay.regimes import ID_REGIMES, IdRegime

DATE = dt.date(2026, 5, 20)
NOON = 12 * 60


def city(regime: str) -> TimelineFeed:
    return city_day(DATE, vehicles=80, trips=800, id_regime=regime)


def vehicles(feed: TimelineFeed, poll: int, version: str = "2.3") -> list[Any]:
    (listed,) = json.loads(feed.vehicle_status(version, poll))["data"].values()
    return list(listed)


def ids(feed: TimelineFeed, poll: int) -> set[str]:
    return {vehicle["bike_id"] for vehicle in vehicles(feed, poll)}


def places(feed: TimelineFeed, poll: int) -> list[tuple[float, float]]:
    return sorted((vehicle["lat"], vehicle["lon"]) for vehicle in vehicles(feed, poll))


def stayed(feed: TimelineFeed, poll: int) -> float:
    now, then = ids(feed, poll), ids(feed, poll + 1)
    return len(now & then) / min(len(now), len(then))


@pytest.mark.parametrize("regime", ID_REGIMES)
def test_only_the_names_differ(regime: str) -> None:
    feed, plain = city(regime), city("static")
    for poll in (0, 600, 800, 1439):
        assert places(feed, poll) == places(plain, poll)
        assert len(ids(feed, poll)) == len(vehicles(feed, poll))
    for version in VERSIONS:
        assert len(vehicles(feed, 700, version)) == len(vehicles(plain, 700))
        assert feed.vehicle_status(version, 700) == city(regime).vehicle_status(version, 700)
    assert (feed.tag("2.3", 1) == plain.tag("2.3", 1)) == (regime == "static")


def test_a_vehicle_has_a_new_id_after_each_trip_and_no_other() -> None:
    feed = city("per_trip")
    regime, timeline = IdRegime("per_trip", feed.day), feed.timeline
    every = np.arange(len(timeline.vehicle))
    names = [regime.ids(timeline, every, poll) for poll in (0, 700, 1439)]
    assert names[0] == names[1] == names[2]
    assert len(set(names[0])) == len(every)


def test_every_answer_names_all_anew() -> None:
    feed = city("per_poll")
    assert all(stayed(feed, poll) == 0 for poll in range(0, 1400, 50))


def test_the_clock_names_all_anew_every_half_hour() -> None:
    feed = city("periodic")
    for poll in range(60, 1400, 30):
        assert stayed(feed, poll - 1) == 0
        assert all(stayed(feed, poll + minute) > 0.8 for minute in range(0, 29, 7))


def test_from_noon_on_a_trip_changes_the_id() -> None:
    feed = city("changing")
    own = set(feed.timeline.ids)
    assert all(ids(feed, poll) <= own for poll in range(0, NOON, 60))
    share = [len(ids(feed, poll) - own) / len(ids(feed, poll)) for poll in range(NOON, 1440, 60)]
    assert all(a <= b + 0.1 for a, b in pairwise(share))
    assert share[0] < 0.1  # the trips that end at noon
    assert share[-1] > 0.5


def test_the_order_of_the_vehicles_does_not_tell_who_is_who() -> None:
    for regime in ("per_trip", "per_poll", "periodic"):
        names = [vehicle["bike_id"] for vehicle in vehicles(city(regime), 700)]
        assert names == sorted(names)


def test_an_unknown_regime_is_refused() -> None:
    with pytest.raises(ReplayError, match="no id regime 'daily'"):
        city("daily")
