import numpy as np
import pytest

from tasks.quality.errors import QualityError
from tasks.quality.validity import valid, valid_share
from tasks.region import Box
from tests.tasks.quality.conftest import MakeTrips, Row, table_of

USED: list[Row] = [(8, 52.405, 10.705, 52.405, 10.715)] * 5  # two busy cells


@pytest.mark.parametrize(
    ("row", "good"),
    [
        ((8, 52.41, 10.71, 52.42, 10.72), True),
        ((0, 52.405, 10.705, 52.4065, 10.705), True),  # 167 m
        ((24, 52.41, 10.71, 52.42, 10.72), False),
        ((-1, 52.41, 10.71, 52.42, 10.72), False),
        ((8, 52.41, 10.71, 52.4108, 10.71), False),  # 89 m
        ((8, 52.41, 10.71, 52.51, 10.71), False),  # ends outside the area
        ((8, 95.0, 10.71, 52.42, 10.72), False),
        ((8, 52.449, 10.705, 52.42, 10.72), True),  # 4.9 km to the north of a busy cell's centre
        ((8, 52.451, 10.705, 52.42, 10.72), False),  # 5.1 km
        ((8, 52.42, 10.72, 52.405, 10.64), True),  # 4.4 km to the west: degrees are shorter there
        ((8, 52.42, 10.72, 52.405, 10.63), False),
    ],
)
def test_a_row_is_valid_if_it_could_be_a_trip(row: Row, good: bool, box: Box) -> None:
    assert valid(table_of([row]), table_of(USED), [box]).tolist() == [good]


def test_both_ends_must_lie_in_one_area(box: Box) -> None:
    east = Box(name="east", south=52.3, west=10.95, north=52.5, east=11.2)
    crossing = table_of([(8, 52.4, 10.89, 52.4, 10.96)])
    busy = table_of([(8, 52.4, 10.9, 52.4, 10.95)] * 5)
    assert not valid(crossing, busy, [box, east])[0]
    assert valid(crossing, busy, [Box(name="both", south=52.3, west=10.6, north=52.5, east=11.2)])[
        0
    ]


def test_a_cell_is_busy_from_five_ends(box: Box) -> None:
    row = table_of([(8, 52.41, 10.71, 52.42, 10.72)])
    with pytest.raises(QualityError, match="no cell of the real rows has 5 ends"):
        valid(row, table_of(USED[:4]), [box])


def test_share_of_valid_rows(box: Box, make_trips: MakeTrips) -> None:
    trips = make_trips(400, 1)
    share = valid_share(trips, make_trips(400, 2), [box])
    assert share == np.mean(valid(trips, make_trips(400, 2), [box]))
    assert 0.8 < share <= 1
    with pytest.raises(QualityError, match="without trips"):
        valid_share(trips.slice(0, 0), trips, [box])


def test_a_row_in_a_hole_of_the_area_is_not_valid(box: Box) -> None:
    rings = [
        [[10.75 - half, 52.4 - half], [10.75 + half, 52.4 - half], [10.75, 52.4 + half]]
        for half in (0.09, 0.01)
    ]
    polygons = [[[*ring, ring[0]] for ring in rings]]
    holed = Box.model_validate({"name": "holed", "polygons": polygons})
    used = table_of([(8, 52.405, 10.755, 52.405, 10.755)] * 5)
    rows = table_of([(8, 52.42, 10.75, 52.42, 10.755), (8, 52.42, 10.75, 52.395, 10.75)])
    assert valid(rows, used, [box]).tolist() == [True, True]
    assert valid(rows, used, [holed]).tolist() == [True, False]
