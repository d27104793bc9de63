"""The simulated cities are what their descriptions say."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.spatial import cKDTree

from tasks.cities import metropolis, month, river, tours, transit
from tasks.cities.city import CITIES, City
from tasks.cities.plane import METRES_PER_DEGREE, Floats
from tasks.quality import rows
from tasks.quality.histograms import HOUR_ORIGINS_5KM, PAIRS_1KM, PAIRS_5KM, total_variation
from tasks.quality.splits import halves
from tasks.quality.validity import valid
from tasks.region import Box
from tasks.schema import RELEASE

TRIPS = 4000


def _places(trips: pa.Table, end: int, box: Box) -> Floats:
    """Origins (0) or destinations (1), metres from the corner of the box, shape (n, 2)."""
    places = rows.ends(trips)[:, 2 * end : 2 * end + 2] - [box.south, box.west]
    shrink = np.cos(np.radians((box.south + box.north) / 2))
    return np.asarray(places[:, ::-1] * METRES_PER_DEGREE * [shrink, 1.0])


def _nearest_m(places: Floats, others: Floats) -> Floats:
    """Distance from each place to the nearest of others, metres."""
    return np.asarray(cKDTree(others).query(places)[0])


@pytest.mark.parametrize("city", CITIES, ids=lambda city: city.name)
def test_a_day_is_a_valid_table_that_follows_from_its_seed(city: City) -> None:
    trips = city.day(TRIPS, 1)
    assert trips.column_names == list(RELEASE.names)
    trips.cast(RELEASE.arrow())
    assert len(trips) == TRIPS
    assert valid(trips, trips, city.areas).mean() > 0.97
    assert (rows.lengths(trips) > 100).all()
    assert rows.lengths(trips) == pytest.approx(trips["distance_m"].to_numpy())
    assert {box.name for box in city.areas} >= set(trips["area"].to_pylist())
    assert trips.equals(city.day(TRIPS, 1))
    assert not trips.equals(city.day(TRIPS, 2))


@pytest.mark.parametrize("city", CITIES, ids=lambda city: city.name)
def test_two_seeds_draw_from_one_law(city: City) -> None:
    """Two days are as far apart as two halves of one day of twice the size."""
    a, b, both = city.day(TRIPS, 1), city.day(TRIPS, 2), city.day(2 * TRIPS, 3)
    between = total_variation(a, b, PAIRS_5KM)
    assert between == pytest.approx(total_variation(*halves(both, 0), PAIRS_5KM), abs=0.03)
    assert between < 0.2


def test_nobody_starts_in_the_river_and_few_neighbours_cross_it() -> None:
    trips = river.day(TRIPS, 1)
    origins, ends_at = (_places(trips, end, river.BOX) for end in (0, 1))
    assert (river.bank(origins) != 0).mean() > 0.999
    crosses = river.bank(origins) != river.bank(ends_at)
    assert 0.05 < crosses.mean() < 0.5
    # pairs of ends of different trips that are as near to each other: the river ignored
    order = np.random.default_rng(0).permutation(TRIPS)
    away = np.hypot(*(ends_at[order] - origins).T)
    near, rides_near = away < 2000, rows.lengths(trips) < 2000
    other_bank = river.bank(origins) != river.bank(ends_at[order])
    assert crosses[rides_near].mean() < 0.6 * other_bank[near].mean()


def test_riders_go_on_from_where_they_arrived_and_home_in_the_end() -> None:
    day, other = tours.day(TRIPS, 1), tours.day(TRIPS, 2)
    goes_on = _nearest_m(_places(day, 0, tours.BOX), _places(day, 1, tours.BOX)) < 8
    by_chance = _nearest_m(_places(day, 0, tours.BOX), _places(other, 1, tours.BOX)) < 8
    assert goes_on.mean() > 0.35
    assert goes_on.mean() > 2 * by_chance.mean()


def test_commuters_turn_around_with_the_hour() -> None:
    trips = transit.day(TRIPS, 1)
    hour = rows.hours(trips)
    morning = trips.filter(pa.array((hour >= 6) & (hour < 9)))
    evening = trips.filter(pa.array((hour >= 17) & (hour < 20)))
    swapped = evening.rename_columns([*evening.column_names[:2], *_swapped(), "distance_m"])
    cut = min(len(morning), len(evening))
    same = total_variation(morning.slice(0, cut), evening.slice(0, cut), PAIRS_1KM)
    turned = total_variation(morning.slice(0, cut), swapped.slice(0, cut), PAIRS_1KM)
    assert turned < 0.8 * same


def _swapped() -> list[str]:
    return [*rows.COORDINATES[2:], *rows.COORDINATES[:2]]


def test_few_live_next_to_a_station() -> None:
    length = rows.lengths(transit.day(TRIPS, 1))
    near, at_mode = ((length > low) & (length <= low + 250) for low in (100, 800))
    assert at_mode.sum() > 3 * near.sum()


def test_a_month_has_weekdays_drift_and_one_fair() -> None:
    days = {day: month.day_of_month(day, TRIPS, 1) for day in (0, 5, 7, 15, 16, 17, 28)}
    other = {day: month.day_of_month(day, TRIPS, 2) for day in days}
    assert all(len(days[day]) == month.trips_of_day(day, TRIPS) for day in days)
    floor = total_variation(days[0], other[0], HOUR_ORIGINS_5KM)
    next_week = total_variation(days[0], other[7], HOUR_ORIGINS_5KM)
    saturday = total_variation(days[0], other[5], HOUR_ORIGINS_5KM)
    last_monday = total_variation(days[0], other[28], HOUR_ORIGINS_5KM)
    assert floor < next_week < last_monday < saturday
    assert saturday > 1.5 * floor
    eve, fair = (total_variation(days[15], other[day], PAIRS_5KM) for day in (17, 16))
    assert fair > eve + 0.15


def test_the_law_of_a_day_does_not_depend_on_the_seed() -> None:
    a, b = (month.day_of_month(3, TRIPS, seed) for seed in (1, 2))
    again = month.day_of_month(3, TRIPS, 1)
    assert a.equals(again)
    assert not a.equals(b)
    assert len(a) == len(b)


def test_a_metropolis_is_as_large_as_it_is_asked_to_be() -> None:
    for side in (0.1, 0.4):
        box = metropolis.box(side)
        trips = metropolis.day(box, TRIPS, 1)
        assert len(trips) == TRIPS
        assert trips.equals(metropolis.day(box, TRIPS, 1))
        assert valid(trips, trips, (box,)).mean() > 0.97
        latitude = rows.ends(trips)[:, 0]
        assert np.ptp(latitude) > 0.5 * side
