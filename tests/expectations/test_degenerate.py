from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from expectations import degenerate
from expectations.release import check
from expectations.suite import failures_of
from tasks.region import Region

Rows = Callable[..., pd.DataFrame]
N = 600
FIGURE = "expect_column_max_to_be_between"


def one_hour(frame: pd.DataFrame) -> None:
    frame.loc[: N * 0.6, "hour"] = 7


def half_a_day(frame: pd.DataFrame) -> None:
    frame["hour"] %= 11


def one_corner(frame: pd.DataFrame) -> None:
    """A third of the trips start within 100 m, and end all over the town."""
    east = frame.index[frame["area"] == "east"][: int(N * 0.35)]
    frame.loc[east, "origin_latitude"] = 52.3502 + frame.loc[east, "origin_latitude"] % 0.0005
    frame.loc[east, "origin_longitude"] = 10.8502 + frame.loc[east, "origin_longitude"] % 0.0005


def one_distance(frame: pd.DataFrame) -> None:
    frame.loc[: N * 0.3, "distance_m"] = 1234.4


@pytest.mark.parametrize(
    ("collapse", "figure", "severity"),
    [
        (one_hour, "share of the most common hour", "warning"),
        (half_a_day, "number of hours without a row", "warning"),
        (one_corner, "share of the most common origin (cell of 0.001 degrees)", "warning"),
        (one_distance, "share of the most common distance (to the metre)", "warning"),
    ],
)
def test_what_takes_over_a_column_breaks_one_expectation(
    collapse: Callable[[pd.DataFrame], None],
    figure: str,
    severity: str,
    region: Region,
    release_rows: Rows,
) -> None:
    frame = release_rows(N)
    assert failures_of(check(frame, region, N)) == []
    collapse(frame)
    failures = failures_of(check(frame, region, N))
    whole = [
        (failure.reason, failure.severity)
        for failure in failures
        if "distance_m" not in failure.reason
    ]
    assert whole == [(f"{FIGURE}({figure})", severity)]


def test_an_area_without_a_row_is_warned_of(region: Region, release_rows: Rows) -> None:
    frame = release_rows(2 * N)
    frame = frame[frame["area"] == "east"]
    failures = failures_of(check(frame, region, len(frame)))
    assert [(failure.reason, failure.severity) for failure in failures] == [
        (f"{FIGURE}(share of the most common area)", "warning"),
        (f"{FIGURE}(number of areas without a row)", "warning"),
    ]


def test_of_a_handful_of_rows_nothing_is_said(region: Region, release_rows: Rows) -> None:
    frame = release_rows(99)
    frame["hour"] = frame["hour"].where(frame.index < 1, 7).astype("int8")
    assert failures_of(check(frame, region, 99)) == []


def test_a_column_without_a_value_is_named_and_not_measured(
    region: Region, release_rows: Rows
) -> None:
    frame = release_rows(200)
    frame["distance_m"] = float("nan")
    named = {
        failure.reason for failure in failures_of(check(frame, region, 200, [release_rows(200)]))
    }
    assert "expect_column_values_to_not_be_null(distance_m)" in named


def test_the_readme_names_the_bounds() -> None:
    readme = " ".join((Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split())
    assert degenerate.MIN_DISTINCT_SHARE_AT_ALL == degenerate.MAX_HOUR_SHARE == 0.5
    assert degenerate.MAX_CELL_SHARE_AT_ALL == 0.9
    assert pytest.approx(100, rel=0.2) == degenerate.CELL_DEGREES * 111_000
    for said in (
        "half of the rows more than once",
        "nine in ten starts within 100 m",
        "half of the rows in one hour",
        "an area without a row",
    ):
        assert said in readme
