from typing import Any

import pytest

from expectations.capture import check
from expectations.suite import failures_of
from tasks.region import Region


def sealed(**coverage: float | None) -> dict[str, Any]:
    return {
        "feeds": {
            feed: {"coverage": value, "longest_gap_seconds": 60.0, "vehicles": 3}
            for feed, value in coverage.items()
        }
    }


def test_a_covered_day_passes(region: Region) -> None:
    outcomes = check(sealed(one=0.9, two=1.0), region)
    assert (len(outcomes), failures_of(outcomes)) == (3, [])


@pytest.mark.parametrize("coverage", [0.899, 0.0, 1.2])
def test_too_little_coverage_names_the_feed(coverage: float, region: Region) -> None:
    (failure,) = failures_of(check(sealed(one=1.0, two=coverage), region))
    assert (failure.severity, failure.column, failure.rows) == ("critical", "coverage", (1,))
    assert "(two, values" in failure.line(["one", "two"])


def test_a_feed_that_was_never_sealed_is_critical(region: Region) -> None:
    failures = failures_of(check(sealed(one=1.0), region))
    assert [(f.severity, f.rows) for f in failures] == [("critical", (1,))]


def test_a_long_gap_is_a_warning(region: Region) -> None:
    manifest = sealed(one=1.0, two=1.0)
    manifest["feeds"]["one"]["longest_gap_seconds"] = 15 * 60 + 1
    (failure,) = failures_of(check(manifest, region))
    assert (failure.severity, failure.rows) == ("warning", (0,))
