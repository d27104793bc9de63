import os
import subprocess
import sys
from pathlib import Path

import great_expectations.expectations as gxe
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.errors import CheckError
from expectations.suite import (
    columns_of,
    passes,
    row_expectations,
    table_expectations,
    validate,
)
from tasks.schema import POLLS, RELEASE, SIGHTINGS, TRIPS, Table

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("table", [SIGHTINGS, TRIPS, RELEASE, POLLS], ids=lambda t: t.name)
def test_every_declared_bound_becomes_an_expectation(table: Table) -> None:
    made = {(type(e).__name__, getattr(e, "column", None)) for e in row_expectations(table)}
    for column in table.columns:
        assert (("ExpectColumnValuesToNotBeNull", column.name) in made) is not column.nullable
        bounded = column.minimum is not None
        assert (("ExpectColumnValuesToBeBetween", column.name) in made) is bounded
        categorical = column.categories is not None
        assert (("ExpectColumnValuesToBeInSet", column.name) in made) is categorical


@pytest.mark.parametrize("table", [SIGHTINGS, TRIPS, RELEASE], ids=lambda t: t.name)
def test_an_empty_file_of_the_schema_meets_the_schema_suite(table: Table) -> None:
    empty = table.arrow().empty_table().to_pandas()
    assert validate(empty, table_expectations(table)) == []
    swapped = empty[[*reversed(table.names)]]
    assert [f.expectation for f in validate(swapped, table_expectations(table))] == [
        "expect_table_columns_to_match_ordered_list"
    ]


def test_a_wrong_type_is_named() -> None:
    frame = RELEASE.arrow().empty_table().to_pandas().astype({"hour": "int64", "area": "int8"})
    broken = {failure.column for failure in validate(frame, table_expectations(RELEASE))}
    assert broken == {"hour", "area"}


def test_a_failure_names_rows_by_position_and_hides_values_unless_asked() -> None:
    frame = pd.DataFrame({"hour": [3, 99, 5, -7]}, index=[10, 10, 12, 13])
    suite = [gxe.ExpectColumnValuesToBeBetween(column="hour", min_value=0, max_value=23)]
    (hidden,) = validate(frame, suite)
    assert (hidden.rows, hidden.count, hidden.values) == ((1, 3), 2, ())
    assert "99" not in repr(hidden)
    (shown,) = validate(frame, suite, show_values=True)
    assert shown.values == ("99", "-7")
    assert shown.line() == (
        "expect_column_values_to_be_between(hour) [min_value=0.0, max_value=23.0] "
        "is broken by 2 rows (1, 3, values 99, -7)"
    )


def test_a_missing_column_gets_one_line() -> None:
    with pytest.raises(CheckError, match=r"not_be_null\(hour\)") as caught:
        validate(pd.DataFrame({"minute": [1]}), [gxe.ExpectColumnValuesToNotBeNull(column="hour")])
    assert "\n" not in str(caught.value)


def test_columns_of_a_suite_include_those_of_its_conditions() -> None:
    from expectations.areas import rows_where

    suite = [gxe.ExpectColumnValuesToNotBeNull(column="a", **rows_where("b", 1))]
    assert columns_of(suite) == ["a", "b"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["x", "y", None]),
            st.one_of(st.none(), st.floats(-2, 2, width=16), st.just(float("nan"))),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_the_quick_look_never_passes_what_validation_fails(
    rows: list[tuple[str | None, float | None]],
) -> None:
    from expectations.areas import rows_where

    frame = pd.DataFrame(
        {
            "area": pd.array([row[0] for row in rows], dtype="str"),
            "value": pd.array([row[1] for row in rows], dtype="float64"),
        }
    )
    suite = [
        gxe.ExpectColumnValuesToBeBetween(column="value", min_value=-1, strict_min=True),
        gxe.ExpectColumnValuesToBeBetween(column="value", max_value=1.5, **rows_where("area", "x")),
        gxe.ExpectColumnValuesToBeInSet(column="area", value_set=["x", "y"]),
    ]
    broken = {row for failure in validate(frame, suite) for row in failure.rows}
    expected = {
        i
        for i, (area, value) in enumerate(rows)
        if value is not None and (value <= -1 or (area == "x" and value > 1.5))
    }
    assert broken == expected
    if passes(frame, suite):
        assert not expected


def test_validation_writes_nothing_and_calls_nobody(tmp_path: Path) -> None:
    code = """
import socket
def refuse(*arguments, **more):
    raise AssertionError("a connection was opened")
socket.socket.connect = socket.getaddrinfo = refuse
import pandas as pd
from expectations.suite import row_expectations, validate
from tasks.schema import RELEASE
frame = RELEASE.arrow().empty_table().to_pandas()
assert validate(frame, row_expectations(RELEASE)) == []
"""
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(work), "PYTHONPATH": str(ROOT)}
    environment.pop("GX_ANALYTICS_ENABLED", None)
    run = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert list(home.rglob("*")) + list(work.rglob("*")) == []
