from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations.release_ends import check
from expectations.suite import failures_of
from tasks.region import Region
from tasks.schema import MODELLED_TRIPS, RELEASE_STARTS

Rows = Callable[..., pd.DataFrame]
Frames = dict[str, pd.DataFrame]
BETWEEN = "expect_column_values_to_be_between"
IN_SET = "expect_column_values_to_be_in_set"
GREAT_CIRCLE = "modelled_trips, distance_m less great circle"
COUNT = "expect_table_row_count_to_be_between"


@pytest.fixture
def frames(release_rows: Rows) -> Frames:
    """200 starts, 190 ends and 185 trips that meet every expectation."""
    trips = release_rows(200)
    trips.insert(1, "start_hour", trips["hour"])
    assert tuple(trips.columns) == MODELLED_TRIPS.names
    places = {
        end: trips[["area", "hour", f"{end}_latitude", f"{end}_longitude"]].set_axis(
            list(RELEASE_STARTS.names), axis="columns"
        )
        for end in ("origin", "destination")
    }
    return {
        "starts": places["origin"].copy(),
        "ends": places["destination"].head(190).copy(),
        "modelled_trips": trips.head(185).copy(),
    }


def broken_by(frames: Frames, region: Region) -> dict[str, tuple[str, tuple[int, ...]]]:
    failures = failures_of(check(frames, region, 200, 190))
    return {failure.reason: (failure.severity, failure.rows) for failure in failures}


def test_good_tables_meet_everything(region: Region, frames: Frames) -> None:
    outcomes = check(frames, region, 200, 190)
    assert failures_of(outcomes) == []
    assert len(outcomes) >= 80
    assert {outcome.table for outcome in outcomes} == set(frames)


@pytest.mark.parametrize(
    ("table", "column", "value", "reason"),
    [
        ("starts", "hour", 24, f"{BETWEEN}(starts, hour)"),
        ("starts", "area", "north", f"{IN_SET}(starts, area)"),
        ("ends", "latitude", np.nan, "expect_column_values_to_not_be_null(ends, latitude)"),
        ("ends", "longitude", 10.7, f"{BETWEEN}(ends, longitude)"),
        ("modelled_trips", "start_hour", -1, f"{BETWEEN}(modelled_trips, start_hour)"),
        ("modelled_trips", "origin_latitude", 52.51, f"{BETWEEN}(modelled_trips, origin_latitude)"),
        ("modelled_trips", "distance_m", 99.0, f"{BETWEEN}(modelled_trips, distance_m)"),
        (
            "modelled_trips",
            "distance_m",
            4000.0,
            f"{BETWEEN}({GREAT_CIRCLE})",
        ),
    ],
)
def test_a_broken_row_of_any_table_is_named(
    table: str, column: str, value: Any, reason: str, region: Region, frames: Frames
) -> None:
    frames[table].loc[17, column] = value
    assert broken_by(frames, region)[reason] == ("critical", (17,))


@pytest.mark.parametrize(
    ("table", "rows", "failure"),
    [
        ("starts", 199, ("expect_table_row_count_to_equal(starts, table)", "critical")),
        ("ends", 189, ("expect_table_row_count_to_equal(ends, table)", "critical")),
        ("modelled_trips", 90, (f"{COUNT}(modelled_trips, table)", "warning")),
    ],
)
def test_each_table_has_as_many_rows_as_it_should(
    table: str, rows: int, failure: tuple[str, str], region: Region, frames: Frames
) -> None:
    frames[table] = frames[table].head(rows)
    found = broken_by(frames, region)
    assert [(reason, severity) for reason, (severity, _) in found.items()] == [failure]


def test_there_are_no_more_trips_than_starts_or_ends(region: Region, frames: Frames) -> None:
    trips = frames["modelled_trips"]
    frames["modelled_trips"] = pd.concat([trips, trips.head(8)], ignore_index=True)  # 193
    assert broken_by(frames, region)[f"{COUNT}(modelled_trips, table)"][0] == "critical"
