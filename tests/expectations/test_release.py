from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from expectations.release import check
from expectations.suite import failures_of
from tasks.region import Region, Snap

Rows = Callable[..., pd.DataFrame]
BETWEEN = "expect_column_values_to_be_between"
FIGURE = "expect_column_max_to_be_between"


def broken_by(frame: pd.DataFrame, region: Region, n: int) -> dict[str, tuple[int, ...]]:
    failures = failures_of(check(frame, region, n))
    return {failure.reason: failure.rows for failure in failures if failure.severity == "critical"}


def test_good_rows_meet_everything(region: Region, release_rows: Rows) -> None:
    outcomes = check(release_rows(200), region, 200)
    assert failures_of(outcomes) == []
    assert len(outcomes) >= 40


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("hour", 24, f"{BETWEEN}(hour)"),
        ("hour", -1, f"{BETWEEN}(hour)"),
        ("area", "north", "expect_column_values_to_be_in_set(area)"),
        ("area", None, "expect_column_values_to_not_be_null(area)"),
        ("origin_latitude", np.nan, "expect_column_values_to_not_be_null(origin_latitude)"),
        ("origin_latitude", 52.500001, f"{BETWEEN}(origin_latitude)"),
        ("destination_longitude", 10.7, f"{BETWEEN}(destination_longitude)"),
        ("distance_m", 100.0, f"{BETWEEN}(distance_m)"),
        ("distance_m", 4000.0, f"{BETWEEN}(distance_m less great circle)"),
    ],
)
def test_a_broken_row_is_named(
    column: str, value: Any, reason: str, region: Region, release_rows: Rows
) -> None:
    frame = release_rows(200)
    frame.loc[17, column] = value
    assert broken_by(frame, region, 200)[reason] == (17,)


def test_a_row_must_lie_in_the_area_that_it_names(region: Region, release_rows: Rows) -> None:
    frame = release_rows(200)
    east = int((frame["area"] == "east").idxmax())
    frame.loc[east, "area"] = "west"
    broken = broken_by(frame, region, 200)
    assert broken == {
        f"{BETWEEN}(origin_longitude)": (east,),
        f"{BETWEEN}(destination_longitude)": (east,),
    }


@pytest.mark.parametrize("n", [199, 201, 0])
def test_the_number_of_rows_is_n(n: int, region: Region, release_rows: Rows) -> None:
    assert broken_by(release_rows(200), region, n) == {"expect_table_row_count_to_equal(table)": ()}


def test_a_collapsed_model_is_stopped(region: Region, release_rows: Rows) -> None:
    frame = pd.concat([release_rows(1)] * 200)
    failures = failures_of(check(frame, region, 200))
    assert {failure.reason for failure in failures if failure.severity == "warning"} >= {
        "expect_column_unique_value_count_to_be_between(hour)",
        "expect_compound_columns_to_be_unique(table)",
    }
    assert list(broken_by(frame, region, 200)) == [
        "expect_compound_columns_to_be_unique(table)",
        f"{FIGURE}(share of the most common origin (cell of 0.001 degrees))",
        f"{FIGURE}(share of the most common destination (cell of 0.001 degrees))",
        f"{FIGURE}(share of the most common distance (to the metre))",
    ]


@pytest.mark.parametrize(
    ("copies", "severities"), [(1, []), (20, ["warning"]), (70, ["warning", "critical"])]
)
def test_repeated_rows_warn_and_stop_if_they_are_most(
    copies: int, severities: list[str], region: Region, release_rows: Rows
) -> None:
    rows = release_rows(200 - copies)
    frame = pd.concat([rows, rows.head(copies)], ignore_index=True)
    failures = failures_of(check(frame, region, 200))
    assert {failure.expectation for failure in failures} <= {"expect_compound_columns_to_be_unique"}
    assert [failure.severity for failure in failures] == severities


def test_rows_between_docks_may_occur_more_than_once(region: Region, release_rows: Rows) -> None:
    frame = pd.concat([release_rows(40)] * 5, ignore_index=True)
    failures = failures_of(check(frame, region, 200))
    assert [(failure.reason, failure.severity) for failure in failures] == [
        ("expect_compound_columns_to_be_unique(table)", severity)
        for severity in ("warning", "critical")
    ]
    snapped = region.model_copy(update={"snap": Snap(file="docks.geojson")})
    assert failures_of(check(frame, snapped, 200)) == []


def test_two_docks_warn_but_do_not_stop(region: Region, release_rows: Rows) -> None:
    frame = pd.concat([release_rows(1)] * 200, ignore_index=True)
    frame["hour"] = np.arange(200, dtype="int8") % 24
    snapped = region.model_copy(update={"snap": Snap(file="docks.geojson")})
    failures = failures_of(check(frame, snapped, 200))
    assert {failure.severity for failure in failures} == {"warning"}


def test_a_row_in_a_hole_of_its_area_is_named(holed_region: Region, release_rows: Rows) -> None:
    frame = release_rows(200)
    good = frame[~in_hole(frame, "origin") & ~in_hole(frame, "destination")]
    good = good.reset_index(drop=True)
    assert broken_by(good, holed_region, len(good)) == {}
    west = good["area"].eq("west").to_numpy().nonzero()[0]
    good.loc[west[3], ["destination_latitude", "destination_longitude"]] = (52.4, 10.5)
    good.loc[west[5], ["origin_latitude", "origin_longitude"]] = (52.4, 10.5)
    within = "expect_places_to_be_within_polygons"
    broken = broken_by(good, holed_region, len(good))
    assert broken[f"{within}(destination_latitude, destination_longitude)"] == (west[3],)
    assert broken[f"{within}(origin_latitude, origin_longitude)"] == (west[5],)
    lines = [failure.line() for failure in failures_of(check(good, holed_region, len(good)))]
    assert all(len(line) < 300 for line in lines)


def in_hole(frame: pd.DataFrame, end: str) -> "pd.Series[bool]":
    """Whether an end lies in the hole of `holed_region`, its edges left out."""
    inside: pd.Series[bool] = frame["area"].eq("west")
    for axis, middle in (("latitude", 52.4), ("longitude", 10.5)):
        inside &= (frame[f"{end}_{axis}"] - middle).abs() < 0.0199
    return inside
