from typing import Any

import pytest

from expectations import ends, release, release_ends, sightings, trips, words
from expectations.errors import CheckError
from tasks.region import Region
from tasks.schema import RELEASE_STARTS

BETWEEN = "expect_column_values_to_be_between"


def test_every_expectation_of_every_suite_has_words(holed_region: Region) -> None:
    suites = (
        sightings.row_suite(),
        trips.row_suite(holed_region),
        ends.row_suite(holed_region),
        release.suite(holed_region, 200),
        release_ends.places_suite(RELEASE_STARTS, holed_region, 200),
        release_ends.trips_suite(holed_region, 190),
    )
    said = [
        words.expected(each.configuration.type, each.configuration.kwargs)
        for suite in suites
        for each in suite
    ]
    assert len(said) > 100
    assert all(len(line) < 200 and "expect_" not in line for line in said)
    assert "where area is west, origin_latitude is between 52.3 and 52.5" in said
    assert "distance_m is over 100" in said
    assert "at least 90 % of the rows occur only once" in said


def test_an_expectation_without_words_is_refused() -> None:
    with pytest.raises(CheckError, match=r"expect_magic: no words .* expectations\.words"):
        words.expected("expect_magic", {})


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"min_value": 2}, "hour is at least 2"),
        ({"min_value": 2, "strict_min": True}, "hour is over 2"),
        ({"max_value": 0.5}, "hour is at most 0.5"),
        ({"min_value": -90, "max_value": 90_000}, "hour is between -90 and 90,000"),
    ],
)
def test_bounds_are_said(parameters: dict[str, Any], said: str) -> None:
    assert words.expected(BETWEEN, {"column": "hour", **parameters}) == said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"observed_value": 1234}, "1,234"),
        ({"observed_value": 0.123456}, "0.1235"),
        ({"observed_value": "int8"}, "int8"),
        ({"observed_value": ["area", "hour"]}, "area, hour"),
        ({"element_count": 1000, "unexpected_count": 0}, "so in all 1,000 rows"),
        ({"element_count": 1000, "unexpected_count": 7}, "not so in 7 of 1,000 rows"),
    ],
)
def test_what_was_found_is_said(facts: dict[str, Any], said: str) -> None:
    assert words.found(facts) == said
