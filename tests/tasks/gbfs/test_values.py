import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.gbfs.values import (
    MAX_TEXT,
    flag,
    flags,
    identifier,
    identifiers,
    instant,
    number,
    numbers,
)

ODDITIES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["1", " 0 ", "False", "TRUE", "45.5", "1e400", "nan", "1_0", "\ud800"]),
    st.lists(st.none(), max_size=1),
    st.dictionaries(st.text(max_size=1), st.none(), max_size=1),
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("45.4765", 45.4765),
        (" -122.543 ", -122.543),
        (7, 7.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        (True, None),
        ("", None),
        ("45,5", None),
        ("Infinity", None),
        ("1_000", None),
        ("٤٥", None),  # digits, but not ours
        (10**400, None),
        (float("nan"), None),
        ("1e999", None),
        ([45.5], None),
    ],
)
def test_numbers(value: object, expected: float | None) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("False", False),  # bool("False") is True
        ("true", True),
        ("0", False),
        (0, False),
        (1, True),
        (1.0, True),
        (2, None),
        ("", None),
        (None, None),
        ([], None),
    ],
)
def test_truth_values(value: object, expected: bool | None) -> None:
    assert flag(value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3833465119576306229, "3833465119576306229"),
        ("007", "007"),
        (7.0, None),  # a float may have lost digits
        (True, None),
        ("", None),
        ("x" * MAX_TEXT, "x" * MAX_TEXT),
        ("x" * (MAX_TEXT + 1), None),
        ("caf\ufffd", None),
        ("half\ud800", None),
        (10**70, None),
    ],
)
def test_ids_stay_what_they_are(value: object, expected: str | None) -> None:
    assert identifier(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1690883390, "2023-08-01T09:49:50+00:00"),
        ("1690883390", "2023-08-01T09:49:50+00:00"),
        (1690883390.0, "2023-08-01T09:49:50+00:00"),
        (1690883390123, "2023-08-01T09:49:50.123000+00:00"),
        ("2025-05-21T07:48:04.229881+00:00", "2025-05-21T07:48:04.229881+00:00"),
        ("2026-09-26T11:27:57.627Z", "2026-09-26T11:27:57.627000+00:00"),
        ("2024-12-27T13:12:57+01:00", "2024-12-27T12:12:57+00:00"),
    ],
)
def test_moments(value: object, expected: str) -> None:
    moment = instant(value)
    assert moment is not None
    assert moment.isoformat() == expected
    assert moment.tzinfo is dt.UTC


@pytest.mark.parametrize(
    "value", [0, -1, 10**30, True, "yesterday", "2024-12-27T13:12:57", "0001-01-01T00:00:00+23:59"]
)
def test_what_is_no_moment_of_this_century(value: object) -> None:
    assert instant(value) is None


@given(st.lists(ODDITIES, max_size=8))
def test_a_column_says_what_its_values_say_one_by_one(values: list[object]) -> None:
    expected = [number(value) for value in values]
    column = numbers(values)
    assert column.dtype == np.float64
    finite = [None if not np.isfinite(value) else value for value in column.tolist()]
    assert finite == expected
    assert flags(values) == [flag(value) for value in values]
    assert identifiers(values) == [identifier(value) for value in values]


@given(st.lists(st.one_of(st.integers(-(10**400), 10**400), st.floats()), max_size=5))
def test_columns_of_plain_numbers(values: list[object]) -> None:
    column = numbers(values).tolist()
    assert [None if not np.isfinite(value) else value for value in column] == [
        number(value) for value in values
    ]
