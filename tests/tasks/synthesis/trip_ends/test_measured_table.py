"""Every row says what it counts: checked by counting again, by what the row says alone."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tasks.privacy.weighted_counts import multiplied
from tasks.region import Guarantee
from tasks.schema import COUNTED_OF_ENDS, MEASUREMENTS_OF_ENDS
from tasks.synthesis.trip_ends import EndsMeasurements, EndsPlan, EndsSettings, make_plan
from tasks.synthesis.trip_ends.measured_table import measured_table
from tasks.synthesis.trip_ends.tables import AS_OF_TRIPS, KINDS, touched
from tests.tasks.synthesis.boxes import star
from tests.tasks.synthesis.trip_ends.conftest import TOWN, drawn, random_field

AREAS = (TOWN, star(52.3, 10.6, 0.06))
RIDES = 30_000


@pytest.fixture(scope="module")
def plan() -> EndsPlan:
    """So many rides that every table is measured."""
    return make_plan(AREAS, RIDES, RIDES, Guarantee(epsilon=4.0), EndsSettings())


@pytest.fixture(scope="module")
def ends() -> pa.Table:
    return drawn(random_field(AREAS, 3), 0)


@pytest.fixture(scope="module")
def table(plan: EndsPlan, ends: pa.Table) -> pa.Table:
    """The true counts, as if there were no noise."""
    cells = touched(plan.lattice, ends)
    counts = {each.name: multiplied(each, cells[each.name]) for each in plan.mechanism.tables}
    return measured_table(EndsMeasurements(plan, counts))


def test_every_table_is_in_it_with_words_and_its_noise(plan: EndsPlan, table: pa.Table) -> None:
    names = {f"{kind}_{name}" for kind in KINDS for name in AS_OF_TRIPS}
    assert names == set(COUNTED_OF_ENDS) == {each.name for each in plan.mechanism.tables}
    assert table.schema.equals(MEASUREMENTS_OF_ENDS.arrow(), check_metadata=True)
    told = set(zip(table["counted"].to_pylist(), table["stddev"].to_pylist(), strict=True))
    assert told == {(each.name, each.stddev) for each in plan.mechanism.tables}


def counted_again(ends: pa.Table, row: dict[str, Any]) -> int:
    """How many starts, or ends, are what a row says."""
    kind = row["counted"].split("_")[0]
    chosen = np.array([each == kind for each in ends["kind"].to_pylist()])
    for column, low, high in (("latitude", "south", "north"), ("longitude", "west", "east")):
        if row[low] is not None:
            values = ends[column].to_numpy()
            chosen &= (values >= row[low]) & (values < row[high])
    for column in ("area", "hour"):
        if row[column] is not None:
            chosen &= np.array([each == row[column] for each in ends[column].to_pylist()])
    return int(chosen.sum())


@pytest.mark.parametrize("name", COUNTED_OF_ENDS)
def test_a_row_counts_what_it_says(ends: pa.Table, table: pa.Table, name: str) -> None:
    rows = table.filter(pa.compute.field("counted") == name).to_pylist()
    some = [row for row in rows if row["count"]][:60] + rows[:20]
    assert any(row["count"] for row in some)
    for row in some:
        assert row["count"] == counted_again(ends, row), row


def test_no_ride_is_lost(ends: pa.Table, table: pa.Table) -> None:
    for kind in KINDS:
        number = ends["kind"].to_pylist().count(kind)
        for name in AS_OF_TRIPS:
            rows = table.filter(pa.compute.field("counted") == f"{kind}_{name}")
            assert pa.compute.sum(rows["count"]).as_py() == number, (kind, name)
