"""Every row says what it counts: checked by counting again, by what the row says alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tasks.privacy.weighted_counts import multiplied
from tasks.region import Box, Guarantee
from tasks.schema import COUNTED, MEASUREMENTS
from tasks.synthesis.trip_field import FieldSettings, Measurements, Plan, make_plan
from tasks.synthesis.trip_field.lattice import ENDS
from tasks.synthesis.trip_field.measured_table import measured_table
from tasks.synthesis.trip_field.tables import offset_m, table_sizes, touched

MakeTrips = Callable[[int, int], pa.Table]
ROWS = 30_000


@pytest.fixture(scope="module")
def plan(boxes: tuple[Box, ...]) -> Plan:
    return make_plan(boxes, ROWS, Guarantee(epsilon=4.0), FieldSettings())


@pytest.fixture(scope="module")
def trips(make_trips: MakeTrips) -> pa.Table:
    return make_trips(400, 3)


@pytest.fixture(scope="module")
def table(plan: Plan, trips: pa.Table) -> pa.Table:
    """The true counts, as if there were no noise."""
    cells = touched(plan.lattice, plan.lattice.encode(trips))
    counts = {each.name: multiplied(each, cells[each.name]) for each in plan.mechanism.tables}
    return measured_table(Measurements(plan, counts))


def test_every_table_is_in_it_and_has_words(plan: Plan, table: pa.Table) -> None:
    measured = {each.name for each in plan.mechanism.tables}
    assert measured == set(table_sizes(plan.lattice)) == set(COUNTED)
    assert set(table["counted"].to_pylist()) == measured
    assert table.schema.equals(MEASUREMENTS.arrow(), check_metadata=True)


def test_the_standard_deviations_are_those_of_the_mechanism(plan: Plan, table: pa.Table) -> None:
    for each in plan.mechanism.tables:
        rows = table.filter(pa.compute.field("counted") == each.name)
        assert set(rows["stddev"].to_pylist()) == {each.stddev}


def within(values: NDArray[Any], low: Any, high: Any) -> NDArray[np.bool_]:
    return np.asarray((values >= low) & (values < high))


def counted_again(plan: Plan, trips: pa.Table, row: dict[str, Any]) -> int:
    """How many trips are what a row says."""
    ends = np.stack([trips[name].to_numpy() for name in ENDS], axis=1)
    area = np.array(trips["area"].to_pylist())
    numbers = np.array([[box.name for box in plan.lattice.boxes].index(name) for name in area])
    chosen = np.ones(len(area), bool)
    if row["area"] is not None:
        chosen &= area == row["area"]
    if row["hour"] is not None:
        chosen &= trips["hour"].to_numpy() == row["hour"]
    north, east = offset_m(plan.lattice, numbers, ends)
    if row["from_m"] is not None:
        chosen &= within(np.hypot(north, east), row["from_m"], row["to_m"])
    if row["from_degrees"] is not None:
        bearing = np.degrees(np.arctan2(east, north)) % 360
        chosen &= within(bearing, row["from_degrees"], row["to_degrees"])
    if row["south"] is None:
        return int(chosen.sum())
    starts, stops = (
        within(ends[:, at], row["south"], row["north"])
        & within(ends[:, at + 1], row["west"], row["east"])
        for at in (0, 2)
    )
    if row["counted"] in ("ends", "block_ends", "quarters", "sixteenths"):
        return int((chosen & (starts | stops)).sum())
    if row["to_south"] is not None:
        starts &= within(ends[:, 2], row["to_south"], row["to_north"])
        starts &= within(ends[:, 3], row["to_west"], row["to_east"])
    return int((chosen & starts).sum())


@pytest.mark.parametrize("name", COUNTED)
def test_a_row_counts_what_it_says(plan: Plan, trips: pa.Table, table: pa.Table, name: str) -> None:
    rows = table.filter(pa.compute.field("counted") == name).to_pylist()
    if name == "flows":  # trips that end beyond all near places
        rows = [row for row in rows if row["to_south"] is not None]
    some = [row for row in rows if row["count"]][:80] + rows[:20]
    assert any(row["count"] for row in some)
    for row in some:
        assert row["count"] == counted_again(plan, trips, row), row


def test_no_trip_is_lost(trips: pa.Table, table: pa.Table) -> None:
    for name in ("origins", "block_hours", "area_hours", "hours", "flows", "distances", "bearings"):
        rows = table.filter(pa.compute.field("counted") == name)
        assert pa.compute.sum(rows["count"]).as_py() == trips.num_rows, name
