"""What a table of synthetic trips must be before it is published.

Only synthetic rows and public constants are looked at, so a critical failure may stop publication
and may be shown with rows and values.
"""

import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
from great_expectations.expectations.metadata_types import FailureSeverity
from numpy.typing import NDArray

from expectations.areas import within_areas
from expectations.suite import Failure, Suite, row_expectations, table_expectations, validate
from tasks.region import Region
from tasks.schema import RELEASE, Table

EARTH_RADIUS_M = 6_371_008.8
DISTANCE_TOLERANCE_M = 1.0
"""Positions rounded to a microdegree move a distance by at most 0.2 m."""
MIN_DISTINCT_SHARE = 0.9
"""Share of rows that should occur once; a model that has collapsed repeats itself."""


def suite(region: Region, n: int) -> Suite:
    """The expectations on a release of a region.

    Args:
        region: Its service area gives the bounds of every position.
        n: Number of rows, a public number, >= 1.
    """
    return [
        *table_expectations(RELEASE),
        gxe.ExpectTableRowCountToEqual(value=n),
        *row_expectations(RELEASE),
        gxe.ExpectColumnValuesToBeInSet(
            column="area", value_set=[box.name for box in region.service_area]
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="distance_m",
            min_value=RELEASE.column("distance_m").minimum,
            strict_min=True,
        ),
        *within_areas(region.service_area),
        *not_degenerate(RELEASE, region),
    ]


def check(frame: pd.DataFrame, region: Region, n: int) -> tuple[int, list[Failure]]:
    """Validate synthetic rows.

    Args:
        frame: The rows, columns as `tasks.schema.RELEASE`.
        region: The region.
        n: Number of rows expected.

    Returns:
        Number of expectations checked, and the failures among them, with rows and values.

    Raises:
        CheckError: If a column is missing or of a wrong kind.
    """
    expectations = suite(region, n)
    failures = validate(frame, expectations, show_values=True)
    more, found = check_distances(frame)
    return len(expectations) + more, [*failures, *found]


def check_distances(frame: pd.DataFrame) -> tuple[int, list[Failure]]:
    """Whether distances are those between the ends.

    Args:
        frame: Trips, columns as `tasks.schema.RELEASE` or `MODELLED_TRIPS`.

    Returns:
        Number of expectations checked, and the failures among them, with rows and values.
    """
    suite = _distance_suite()
    return len(suite), validate(_distance_errors(frame), suite, show_values=True)


def not_degenerate(table: Table, region: Region) -> Suite:
    """Warnings of rows of a table that a collapsed model would draw.

    Where ends are moved to docks, rows that occur more than once are as they should be.
    """
    coordinates = [name for name in table.names if name.endswith(("tude", "_m"))]
    unique = gxe.ExpectCompoundColumnsToBeUnique(
        column_list=list(table.names),
        mostly=MIN_DISTINCT_SHARE,
        severity=FailureSeverity.WARNING,
    )
    return [
        *([unique] if region.snap is None else []),
        *(
            gxe.ExpectColumnUniqueValueCountToBeBetween(
                column=name, min_value=2, severity=FailureSeverity.WARNING
            )
            for name in ("hour", *coordinates)
        ),
    ]


def _distance_suite() -> Suite:
    return [
        gxe.ExpectColumnValuesToBeBetween(
            column="distance_m less great circle",
            min_value=-DISTANCE_TOLERANCE_M,
            max_value=DISTANCE_TOLERANCE_M,
        )
    ]


def _distance_errors(frame: pd.DataFrame) -> pd.DataFrame:
    # Computed here once more, on purpose: a check that shares the generator's code shares its
    # mistakes.
    error = frame["distance_m"].to_numpy(float) - _great_circle_m(frame)
    return pd.DataFrame({"distance_m less great circle": error})


def _great_circle_m(frame: pd.DataFrame) -> NDArray[np.float64]:
    def unit_vector(end: str) -> NDArray[np.float64]:
        latitude = np.radians(frame[f"{end}_latitude"].to_numpy(float))
        longitude = np.radians(frame[f"{end}_longitude"].to_numpy(float))
        return np.stack(
            [
                np.cos(latitude) * np.cos(longitude),
                np.cos(latitude) * np.sin(longitude),
                np.sin(latitude),
            ]
        )

    chord = np.linalg.norm(unit_vector("origin") - unit_vector("destination"), axis=0)
    distance: NDArray[np.float64] = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(chord / 2, 1.0))
    return distance
