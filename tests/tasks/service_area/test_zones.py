import datetime as dt
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.gbfs import BodyError
from tasks.service_area.zones import MOST_ZONES, Zones, parse_zones
from tests.tasks.service_area.conftest import square, zone, zones_file

NOW = dt.datetime(2026, 5, 20, tzinfo=dt.UTC)
YES, NO = {"ride_allowed": True}, {"ride_allowed": False}
TOWN, PARK, GATE = square(0, 0, 10), square(2, 2, 4), square(3, 3, 1)
CELL = 0.01**2


def parse(*features: Any, **data: Any) -> Zones:
    return parse_zones(zones_file(*features, **data), NOW)


def cells(shape: shapely.Geometry) -> float:
    """Size in squares of the grid."""
    return round(float(shape.area) / CELL, 3)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_inner_zone_counts_before_the_outer_whatever_their_order(
    order: tuple[int, ...],
) -> None:
    features = [zone(TOWN, YES), zone(PARK, NO), zone(GATE, YES)]
    zones = parse(*(features[index] for index in order))
    assert zones.outline
    assert cells(zones.allowed) == 100 - 16 + 1
    assert cells(zones.forbidden) == 16 - 1
    assert zones.allowed.is_valid


def test_of_zones_that_overlap_the_earlier_counts() -> None:
    east, west = square(0, 0, 4), square(2, 0, 4)
    assert cells(parse(zone(east, YES), zone(west, NO)).allowed) == 16
    assert cells(parse(zone(west, NO), zone(east, YES)).allowed) == 8


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.integers(0, 5), st.integers(1, 4), st.sampled_from((YES, NO))
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_place_has_the_answer_of_the_first_zone_that_holds_it(
    squares: list[tuple[int, int, int, dict[str, Any]]],
) -> None:
    zones = parse(*(zone(square(x, y, side), rule) for x, y, side, rule in squares))
    order = [zones.zones[index] for index in zones._order]
    for x, y in ((x + 0.5, y + 0.5) for x in range(9) for y in range(9)):
        place = shapely.Point(8 + x * 0.01, 50 + y * 0.01)
        first = next((each for each in order if each.shape.contains(place)), None)
        says = None if first is None else first.rules[0].allowed
        assert zones.allowed.contains(place) == (says is True)
        assert zones.forbidden.contains(place) == (says is False)


def test_of_rules_in_one_zone_the_earlier_counts() -> None:
    assert cells(parse(zone(TOWN, YES, NO)).allowed) == 100
    assert not parse(zone(TOWN, NO, YES)).allowed.area


def test_a_place_belongs_to_the_area_if_one_type_of_vehicle_may_stop_there() -> None:
    bikes = {"vehicle_type_id": ["bike"], **YES}
    no_scooters = {"vehicle_type_ids": ["scooter", "moped"], **NO}
    zones = parse(zone(PARK, no_scooters), zone(TOWN, YES))
    assert cells(zones.allowed) == 100
    assert not zones.forbidden.area
    assert cells(parse(zone(PARK, no_scooters), zone(TOWN, bikes)).allowed) == 100
    assert cells(parse(zone(PARK, NO), zone(TOWN, bikes)).allowed) == 100 - 16
    assert cells(parse(zone(PARK, NO), zone(TOWN, bikes)).forbidden) == 16


@pytest.mark.parametrize(
    ("start", "end", "allowed"), [(True, True, 1), (True, False, 1), (False, True, 1), (0, 0, 0)]
)
def test_since_3_0_starts_and_ends_have_a_word_each(start: Any, end: Any, allowed: int) -> None:
    rule = {"ride_start_allowed": start, "ride_end_allowed": end, "ride_through_allowed": True}
    zones = parse(zone(GATE, rule))
    assert (cells(zones.allowed), zones.outline) == (allowed, bool(allowed))


def test_zones_outline_nothing_where_rides_may_end_anywhere_else() -> None:
    free = {"ride_start_allowed": True, "ride_end_allowed": True}
    assert not parse(zone(TOWN, YES), global_rules=[free]).outline
    assert parse(zone(TOWN, YES), global_rules=[dict.fromkeys(free, False)]).outline
    assert not parse(zone(TOWN, NO)).outline


def test_what_says_nothing_of_starts_and_ends_is_left_out() -> None:
    slow = {"ride_through_allowed": True, "maximum_speed_kph": 10}
    assert parse(zone(PARK, slow), zone(TOWN, YES)).zones == parse(zone(TOWN, YES)).zones
    assert parse(zone(TOWN)).zones == ()


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        (None, None, True),
        (1_779_000_000, 1_780_000_000, True),
        (None, "2026-05-19T00:00:00Z", False),
        ("2026-05-21T00:00:00Z", None, False),
    ],
)
def test_only_zones_in_force_count(start: Any, end: Any, kept: bool) -> None:
    assert bool(parse(zone(TOWN, YES, start=start, end=end)).zones) is kept


def test_a_bad_feature_costs_no_other() -> None:
    broken: Any = [[1, 2], [3, "x"]]
    bad = [7, {"type": "Feature"}, zone(broken, YES), {**zone(TOWN, YES), "type": "x"}]
    zones = parse(*bad, zone(TOWN, YES))
    assert (len(zones.zones), zones.skipped) == (1, 3)


def test_a_ring_that_crosses_itself_is_mended() -> None:
    bow = [square(0, 0, 4)[index] for index in (0, 2, 1, 3, 0)]
    assert cells(parse(zone(bow, YES)).allowed) == 8


@pytest.mark.parametrize("document", [{}, {"data": {}}, {"data": {"geofencing_zones": []}}])
def test_what_is_no_list_of_zones_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(BodyError, match="no list of geofencing zones"):
        parse_zones(document, NOW)


def test_there_are_only_so_many_zones() -> None:
    with pytest.raises(BodyError, match="more geofencing zones than any feed"):
        parse(*[None] * (MOST_ZONES + 1))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-200, 200) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
POSITION = st.lists(st.floats(-200, 200), min_size=2, max_size=3) | ANY
RING = st.lists(POSITION, max_size=6) | st.just(TOWN)
GEOMETRY = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Polygon", "MultiPolygon", "Point"]) | ANY,
        "coordinates": st.lists(RING, max_size=2)
        | st.lists(st.lists(RING, max_size=2), max_size=2),
    }
)
RULE = st.dictionaries(
    st.sampled_from(["ride_allowed", "ride_end_allowed", "vehicle_type_id"]), ANY, max_size=3
)
FEATURE = st.fixed_dictionaries(
    {
        "type": st.just("Feature"),
        "geometry": GEOMETRY | ANY,
        "properties": st.fixed_dictionaries({"rules": st.lists(RULE | ANY, max_size=2)}) | ANY,
    }
)


@settings(max_examples=150)
@given(st.lists(FEATURE | ANY, max_size=4), st.lists(RULE | ANY, max_size=2) | ANY)
def test_whatever_a_file_holds_it_is_read(features: list[Any], rules: Any) -> None:
    zones = parse(*features, global_rules=rules)
    assert len(zones.zones) + zones.skipped <= len(features)
    for shape in (zones.allowed, zones.forbidden):
        assert shape.is_valid
        assert shape.geom_type == "MultiPolygon"
