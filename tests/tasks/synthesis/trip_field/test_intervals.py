"""The table of intervals: every row counted again by what it says alone."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tasks.region import Box, Guarantee
from tasks.schema import INTERVALS
from tasks.synthesis.trip_field import Evidence, Field, FieldSettings, Spread, make_plan, measure
from tasks.synthesis.trip_field.fit import fit_with_spread
from tasks.synthesis.trip_field.intervals import intervals
from tasks.synthesis.trip_field.sampling import sample
from tests.tasks.synthesis.trip_field.conftest import random_field

BOXES = (
    Box(name="town", south=50.013, west=8.0077, north=50.12, east=8.13),
    Box(name="north", south=63.02, west=10.0, north=63.1, east=10.1),
)
ROWS = 1_000


@pytest.fixture(scope="module")
def fitted() -> tuple[Field, Spread]:
    parts = [sample(random_field(box, 7), ROWS // 2, np.random.default_rng(0)) for box in BOXES]
    plan = make_plan(BOXES, ROWS, Guarantee(epsilon=2.0, delta=1e-6), FieldSettings(steps=10))
    return fit_with_spread(plan, Evidence.of(measure(pa.concat_tables(parts), plan)), 3)


@pytest.fixture(scope="module")
def trips(fitted: tuple[Field, Spread]) -> pa.Table:
    return sample(fitted[0], ROWS, np.random.default_rng(1))


@pytest.fixture(scope="module")
def table(fitted: tuple[Field, Spread], trips: pa.Table) -> pa.Table:
    return intervals(*fitted, trips, np.random.default_rng(2))


def test_it_is_the_declared_table(table: pa.Table) -> None:
    assert table.schema.equals(INTERVALS.arrow(), check_metadata=True)
    for column in INTERVALS.columns:
        values = table[column.name].drop_null().to_pandas()
        assert column.nullable or len(values) == len(table), column.name
        if column.categories:
            assert set(values) == set(column.categories)
        if column.minimum is not None:
            assert values.min() >= column.minimum - 1e-9, column.name


def inside(trips: pd.DataFrame, row: Any, end: str, prefix: str = "") -> pd.Series:
    latitude, longitude = trips[f"{end}_latitude"], trips[f"{end}_longitude"]
    south, west, north, east = (
        getattr(row, prefix + name) for name in ("south", "west", "north", "east")
    )
    return (
        (trips["area"] == row.area)
        & latitude.between(south, north, inclusive="left")
        & longitude.between(west, east, inclusive="left")
    )


def test_every_row_counts_what_it_says(table: pa.Table, trips: pa.Table) -> None:
    rows, frame = table.to_pandas(), trips.to_pandas()
    some = rows.groupby(["counted", "grid_degrees"], dropna=False).head(40)
    for row in some.itertuples():
        if row.counted == "hours":
            found = frame["hour"] == row.hour
        elif row.counted == "distances":
            found = frame["distance_m"].between(row.from_m, row.to_m, inclusive="left")
        elif row.counted == "destinations":
            found = inside(frame, row, "destination")
        else:
            found = inside(frame, row, "origin")
        if row.counted == "flows":
            found &= inside(frame, row, "destination", "to_")
        assert found.sum() == row.rows, row


def test_every_trip_is_counted_once_of_each_kind(table: pa.Table) -> None:
    rows = table.to_pandas()
    sums = rows.groupby(["counted", "grid_degrees"], dropna=False)["rows"].sum()
    assert (sums == ROWS).all()
    assert len(sums) == 8
    assert (rows["rows"][rows["south"].notna()] > 0).all()
    assert (rows["counted"] == "hours").sum() == 24


def test_edges_are_multiples_of_the_grid(table: pa.Table) -> None:
    rows = table.to_pandas().dropna(subset="grid_degrees")
    for south, north in (("south", "north"), ("to_south", "to_north")):
        placed = rows.dropna(subset=south)
        steps = placed[south] / placed["grid_degrees"]
        assert steps.to_numpy() == pytest.approx(np.round(steps), abs=1e-6)
        height = placed[north] - placed[south]
        assert height.to_numpy() == pytest.approx(placed["grid_degrees"].to_numpy())
    wide = (rows["east"] - rows["west"]) / rows["grid_degrees"]
    assert set(wide[rows["area"] == "town"].round(6)) == {1.0}
    assert set(wide[rows["area"] == "north"].round(6)) == {2.0}


def test_intervals_are_whole_and_hold_what_is_likely(table: pa.Table) -> None:
    rows = table.to_pandas()
    assert (rows["low"] <= rows["high"]).all()
    for name in ("low", "high"):
        assert (rows[name] == rows[name].round()).all()
    assert (rows["stddev"] > 0).all()
    alone = rows[(rows["rows"] == 1) & (rows["grid_degrees"] == 0.01)]
    assert (alone["low"] == 0).mean() > 0.9
    assert (rows["high"] >= 1).all()
    assert (alone["high"] > 1).mean() > 0.3
