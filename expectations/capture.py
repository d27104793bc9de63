"""What a day's collection must have seen for its release to be published.

Poll schedule, outcomes and gaps are public, so a critical failure may stop publication.
"""

from collections.abc import Mapping
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.suite import Outcome, Suite, evaluate
from tasks.region import Region


def suite(region: Region) -> Suite:
    """The expectations on a frame with one row per feed."""
    return [
        gxe.ExpectColumnValuesToNotBeNull(column="coverage"),
        gxe.ExpectColumnValuesToBeBetween(
            column="coverage", min_value=region.capture.min_coverage, max_value=1
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="longest_gap_seconds",
            max_value=region.trips.max_gap_minutes * 60,
            severity=FailureSeverity.WARNING,
        ),
    ]


def check(sealed: Mapping[str, Any], region: Region) -> list[Outcome]:
    """Validate the capture of a sealed day; row i of a failure is the region's feed i.

    Args:
        sealed: Manifest of the sealed day: `feeds` maps a feed's id to, among others, `coverage`
            (share of due polls answered, 0 to 1) and `longest_gap_seconds`.
        region: The region.

    Returns:
        What came of each expectation.
    """
    feeds = [sealed["feeds"].get(feed.id, {}) for feed in region.feeds]
    frame = pd.DataFrame(
        {
            name: pd.array([feed.get(name) for feed in feeds], dtype="float64")
            for name in ("coverage", "longest_gap_seconds")
        }
    )
    return evaluate(frame, suite(region))
