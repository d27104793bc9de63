import math

import numpy as np
import pyarrow as pa
import pytest

from tasks.mobility.distance import haversine
from tasks.quality.errors import QualityError
from tasks.quality.histograms import largest_flows
from tasks.quality.metrics import compare
from tasks.quality.rows import COORDINATES, lengths
from tasks.quality.trips import TripReport, assess_trips
from tasks.region import Box
from tests.tasks.quality.conftest import MakeTrips, table_of


def released(trips: pa.Table, area: str = "town") -> pa.Table:
    """Trips with all columns of a release."""
    distance = haversine(*(trips[name].to_numpy() for name in COORDINATES))
    return trips.append_column("area", pa.array([area] * len(trips))).append_column(
        "distance_m", pa.array(distance)
    )


@pytest.fixture
def make_released(make_trips: MakeTrips) -> MakeTrips:
    return lambda rows, seed: released(make_trips(rows, seed))


def values(found: TripReport) -> dict[str, float]:
    return {figure.name: figure.value.synthetic for figure in found.report.figures}


def test_the_figures_are_those_that_methods_are_compared_by(
    box: Box, make_released: MakeTrips
) -> None:
    real, synthetic = make_released(200, 1), make_released(200, 2)
    found = assess_trips(real, synthetic, make_released(200, 3), [box])
    due = vars(compare(real, synthetic, [box])).copy()
    figures = values(found)
    assert {name: figures[name] for name in due} == pytest.approx(due)
    more = {"origins_5km", "destinations_5km", "largest_flows", "destinations_tau", "hour_band"}
    assert more | {"destination", "components"} == set(figures) - set(due)


def test_a_release_that_is_off_is_seen_in_figures_and_maps(
    box: Box, make_released: MakeTrips, make_trips: MakeTrips
) -> None:
    real, held_out = make_released(500, 1), make_released(500, 3)
    good = assess_trips(real, make_released(500, 2), held_out, [box])
    moved = make_trips(500, 2)
    moved = moved.set_column(1, "origin_latitude", pa.array(moved[1].to_numpy() * 0 + 52.4))
    bad = assess_trips(real, released(moved), held_out, [box])
    for figure in bad.report.figures:
        by_hand = {"hour_band", "destinations_1km", "destinations_5km", "destinations_tau"}
        if figure.name in by_hand | {"valid", "destination"}:
            continue
        near = values(good)[figure.name]
        assert abs(figure.value.synthetic - figure.best) > abs(near - figure.best), figure.name
    origins, destinations = bad.maps
    assert (origins.end, destinations.end) == ("origin", "destination")
    assert origins.deviations.max() > 6 > np.abs(destinations.deviations).max()
    assert np.abs(good.maps[0].deviations).max() < 4.5


def test_deviations_by_hand(box: Box) -> None:
    here, there = (12, 52.35, 10.7, 52.37, 10.75), (12, 52.45, 10.85, 52.43, 10.8)
    real = released(table_of([here] * 30 + [there] * 10))
    synthetic = released(table_of([here] * 10 + [there] * 30))
    found = assess_trips(real, synthetic, real, [box])
    deviation = 0.5 / math.sqrt(40 / 40**2)
    origins = found.maps[0].deviations
    assert sorted(origins[origins != 0].tolist()) == pytest.approx([-deviation, deviation])
    south_west = np.argwhere(origins < 0)[0]
    north_east = np.argwhere(origins > 0)[0]
    assert (south_west < north_east).all()


def test_busy_areas_come_first_and_empty_ones_are_left_out(make_trips: MakeTrips) -> None:
    boxes = [
        Box(name=name, south=south, west=10.6, north=south + 0.2, east=10.9)
        for name, south in (("few", 52.3), ("none", 53.3), ("many", 54.3))
    ]
    few, many = make_trips(60, 1), make_trips(180, 2)
    for place in (1, 3):
        name = many.column_names[place]
        many = many.set_column(place, name, pa.array(many[place].to_numpy() + 2))
    trips = pa.concat_tables([released(few, "few"), released(many, "many")])
    found = assess_trips(trips, trips, trips, boxes)
    assert [(each.box.name, each.end) for each in found.maps] == [
        (name, end) for name in ("many", "few") for end in ("origin", "destination")
    ]
    assert found.report.fields[-1].name == "distance_m"
    assert "area" in [field.name for field in found.report.fields]


def test_one_area_is_no_column(box: Box, make_released: MakeTrips) -> None:
    trips = make_released(80, 1)
    found = assess_trips(trips, trips, trips, [box])
    assert "area" not in [field.name for field in found.report.fields]


def test_the_largest_flows_by_hand() -> None:
    def flows(*trips: int) -> pa.Table:
        """So many trips from one cell to each of some others."""
        rows = [
            (0, 0.005, 0.005, 0.005, 0.015 + 0.01 * cell)
            for cell, number in enumerate(trips)
            for _ in range(number)
        ]
        return table_of(rows)

    real = flows(9, 5, 3, 1)
    assert largest_flows(real, flows(9, 5, 3, 1), 0.01, most=2) == 1
    assert largest_flows(real, flows(9, 0, 5, 1), 0.01, most=2) == 0.5
    # the second place is shared by two, so that each holds half of it
    assert largest_flows(real, flows(9, 5, 5, 1), 0.01, most=2) == 0.75
    assert largest_flows(real, flows(9, 5, 3, 0), 0.01) == 0.75  # of four flows, three
    with pytest.raises(QualityError, match="no trip leaves its cell"):
        largest_flows(real.slice(0, 0), real.slice(0, 0), 0.01)


def test_rows_that_are_no_table_of_trips_are_refused(box: Box, make_released: MakeTrips) -> None:
    trips = make_released(100, 1)
    with pytest.raises(QualityError, match="no synthetic rows"):
        assess_trips(trips, trips.slice(100), trips, [box])
    assert lengths(trips).min() > 0
