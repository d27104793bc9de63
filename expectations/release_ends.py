"""What synthetic starts, synthetic ends and modelled trips must be before they are published.

As with synthetic trips, only these rows and public constants are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations import degenerate, release
from expectations.areas import within_areas
from expectations.suite import Outcome, Suite, evaluate, row_expectations, table_expectations
from tasks.region import Region
from tasks.schema import MODELLED_TRIPS, RELEASE_ENDS, RELEASE_STARTS, Table

MIN_MODELLED_SHARE = 0.5
"""Share of what is rarer, starts or ends, that should be in a modelled trip."""


def check(
    frames: Mapping[str, pd.DataFrame],
    region: Region,
    starts: int,
    ends: int,
    earlier: Sequence[Mapping[str, pd.DataFrame]] = (),
) -> list[Outcome]:
    """Validate the three tables.

    Args:
        frames: The rows of `starts`, `ends` and `modelled_trips`.
        region: The region.
        starts: Number of starts expected, a public number, >= 1.
        ends: Number of ends expected, likewise.
        earlier: The same tables of earlier releases of the region.

    Returns:
        What came of each expectation, with rows and values; each failure names its table before
        the column.

    Raises:
        CheckError: If a column is missing or of a wrong kind.
    """
    suites = {
        "starts": places_suite(RELEASE_STARTS, region, starts),
        "ends": places_suite(RELEASE_ENDS, region, ends),
        "modelled_trips": trips_suite(region, min(starts, ends)),
    }
    found = {name: evaluate(frames[name], suites[name]) for name in suites}
    found["modelled_trips"] += release.check_distances(frames["modelled_trips"])
    for name, outcomes in found.items():
        before = [tables[name] for tables in earlier]
        outcomes += release.check_whole(frames[name], region, before)
    return [_of(name, outcome) for name, outcomes in found.items() for outcome in outcomes]


def _of(name: str, outcome: Outcome) -> Outcome:
    """An outcome that names its table."""
    if (failure := outcome.failure) is not None:
        failure = replace(failure, column=f"{name}, {failure.column or 'table'}")
    return replace(outcome, table=name, failure=failure)


def places_suite(table: Table, region: Region, n: int) -> Suite:
    """The expectations on synthetic starts, or ends.

    Args:
        table: Which of them.
        region: Its service area gives the bounds of every position.
        n: Number of rows, a public number, >= 1.
    """
    return [
        *table_expectations(table),
        gxe.ExpectTableRowCountToEqual(value=n),
        *row_expectations(table),
        _known_areas(region),
        *within_areas(region.service_area, [""]),
        *degenerate.suite(table, region),
    ]


def trips_suite(region: Region, most: int) -> Suite:
    """The expectations on modelled trips.

    Args:
        region: Its service area gives the bounds of every position.
        most: No area has more trips than starts or ends; rounding adds one in each.
    """
    return [
        *table_expectations(MODELLED_TRIPS),
        gxe.ExpectTableRowCountToBeBetween(max_value=most + len(region.service_area)),
        gxe.ExpectTableRowCountToBeBetween(
            min_value=int(most * MIN_MODELLED_SHARE), severity=FailureSeverity.WARNING
        ),
        *row_expectations(MODELLED_TRIPS),
        _known_areas(region),
        gxe.ExpectColumnValuesToBeBetween(
            column="distance_m",
            min_value=MODELLED_TRIPS.column("distance_m").minimum,
            strict_min=True,
        ),
        *within_areas(region.service_area),
        *degenerate.suite(MODELLED_TRIPS, region),
    ]


def _known_areas(region: Region) -> gxe.ExpectColumnValuesToBeInSet:
    return gxe.ExpectColumnValuesToBeInSet(
        column="area", value_set=[box.name for box in region.service_area]
    )
