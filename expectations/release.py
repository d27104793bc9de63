"""What a table of synthetic trips must be before it is published.

Only synthetic rows and public constants are looked at, so a critical failure may stop publication
and may be shown with rows and values.
"""

import math
from collections.abc import Sequence

import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expectations import degenerate, drift
from expectations.areas import within_areas
from expectations.figures import evaluate_figures
from expectations.suite import Outcome, Suite, evaluate, row_expectations, table_expectations
from tasks.region import Region
from tasks.schema import RELEASE

EARTH_RADIUS_M = 6_371_008.8
DISTANCE_TOLERANCE_M = 1.0
"""Positions rounded to a microdegree move a distance by at most 0.2 m."""


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
        *degenerate.suite(RELEASE, region),
    ]


def check(
    frame: pd.DataFrame, region: Region, n: int, earlier: Sequence[pd.DataFrame] = ()
) -> list[Outcome]:
    """Validate synthetic rows.

    Args:
        frame: The rows, columns as `tasks.schema.RELEASE`.
        region: The region.
        n: Number of rows expected.
        earlier: Rows of earlier releases of the region.

    Returns:
        What came of each expectation, with rows and values.

    Raises:
        CheckError: If a column is missing or of a wrong kind.
    """
    return [
        *evaluate(frame, suite(region, n)),
        *check_distances(frame),
        *check_whole(frame, region, earlier),
    ]


def check_distances(frame: pd.DataFrame) -> list[Outcome]:
    """Whether distances are those between the ends.

    Args:
        frame: Trips, columns as `tasks.schema.RELEASE` or `MODELLED_TRIPS`.

    Returns:
        What came of each expectation, with rows and values.
    """
    return evaluate(_distance_errors(frame), _distance_suite())


def check_whole(
    frame: pd.DataFrame, region: Region, earlier: Sequence[pd.DataFrame]
) -> list[Outcome]:
    """Whether a table as a whole looks like one of a city, and like those of earlier days.

    Args:
        frame: Rows of a table of a release.
        region: The region.
        earlier: Rows of the same table in earlier releases.
    """
    figures = [*degenerate.figures(frame, region), *drift.figures(frame, earlier)]
    # A column without any value has no figure; that it has none is said already.
    return evaluate_figures([figure for figure in figures if math.isfinite(figure.value)])


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
